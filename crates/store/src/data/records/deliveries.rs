//! Deliveries: events on their way to an endpoint, as the engine takes them up and reports them.

use postern_domain::webhook::{AttemptOutcome, DisableReason};
use postern_domain::{DeviceId, Event, EventId, EventType, Timestamp};

/// An event that an endpoint has still to get although its position is past it.
#[derive(Debug, Clone)]
pub struct DueDelivery {
    /// Its place in the log.
    pub seq: u64,
    /// The device it tells of.
    pub device: Option<DeviceId>,
    /// How many tries there were.
    pub tries: u32,
    /// When the next one is due.
    pub due_at: Timestamp,
    /// The event; `None` when the log has it no more.
    pub event: Option<Event>,
}

/// What an endpoint has still to get although its position is past it, as a whole.
#[derive(Debug, Clone, Default)]
pub struct Waiting {
    /// How many wait for another try or are held back.
    pub count: usize,
    /// Whether any is held back.
    pub held: bool,
    /// The devices they tell of, and how many tell of each.
    pub devices: Vec<(DeviceId, usize)>,
    /// The places of those that the position is not past after all.
    pub ahead: Vec<u64>,
}

/// What follows for an event from what was learned about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// It is delivered, or gone: nothing is left to do.
    Done,
    /// It is tried again then.
    Retry(Timestamp),
    /// It is given up until it is replayed.
    Park,
    /// It waits for an earlier event of its device.
    Hold,
    /// What was known about it stays.
    Stay,
}

/// What was learned about an event.
#[derive(Debug, Clone)]
pub struct DeliveryResult {
    /// Its place in the log.
    pub seq: u64,
    /// The device it tells of.
    pub device: Option<DeviceId>,
    /// How many tries there were, this one included.
    pub tries: u32,
    /// Whether it was one of those that the position is past.
    pub kept: bool,
    /// What follows.
    pub then: Then,
    /// The try, if there was one.
    pub attempt: Option<(EventId, EventType, AttemptOutcome)>,
}

/// How an endpoint has been lately.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EndpointHealth {
    /// Since when every try failed; `None` when the last one did not.
    pub failing_since: Option<Timestamp>,
    /// How many tries have failed in a row.
    pub failures: u32,
    /// Until when it is left alone.
    pub rest_until: Option<Timestamp>,
    /// When a try last succeeded.
    pub last_success_at: Option<Timestamp>,
    /// When a try last failed.
    pub last_failure_at: Option<Timestamp>,
}

/// What the engine reports of an endpoint.
#[derive(Debug, Clone)]
pub struct DeliveryProgress {
    /// The last event that is delivered, not wanted or kept, as all before it.
    pub position: u64,
    /// What was learned, in order.
    pub results: Vec<DeliveryResult>,
    /// How the endpoint is now.
    pub health: EndpointHealth,
    /// Why nothing more is to be delivered to it.
    pub disable: Option<DisableReason>,
}

/// Whether deliveries go on after a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// They do.
    Going,
    /// The endpoint is disabled.
    Disabled,
    /// The endpoint is gone, or going; nothing was recorded.
    Gone,
}

/// How far a replay came in a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplayStep {
    /// None is open.
    Idle,
    /// There is more of it; so many events were kept to be sent again.
    More(usize),
    /// It is worked off; so many events were kept in its last step.
    Ended(usize),
    /// It waits until the endpoint has come as far in the log.
    Ahead,
}
