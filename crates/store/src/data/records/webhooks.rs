//! Webhook endpoints, the tries to reach them, and requests to send events again.

use std::time::Duration;

use postern_domain::webhook::{AttemptFailure, DisableReason, EventTypes, WebhookSecret, WebhookTarget};
use postern_domain::{DeviceId, EventId, EventType, ReplayId, Timestamp, WebhookId, WorkspaceId};

/// An endpoint to be created. It gets the events that are appended from then on.
#[derive(Debug, Clone)]
pub struct NewWebhook {
    /// Its id, chosen by the caller, because the challenge carries it.
    pub id: WebhookId,
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// Where it is.
    pub url: String,
    /// What its owner calls it; may be empty.
    pub description: String,
    /// Which events it wants.
    pub event_types: EventTypes,
    /// Of which devices; `None` is all.
    pub devices: Option<Vec<DeviceId>>,
    /// Sent with every request.
    pub headers: Vec<(String, String)>,
    /// Signs its deliveries.
    pub secret: WebhookSecret,
    /// Whether the next event of a device waits for the one before it.
    pub ordered: bool,
    /// Deliveries a minute at most; `None` is no limit.
    pub rate_cap: Option<u32>,
    /// Whether anything is delivered to it.
    pub enabled: bool,
    /// When the challenge was answered; `None` when it was skipped.
    pub verified_at: Option<Timestamp>,
}

/// What is to be changed about an endpoint; `None` leaves it as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WebhookChange {
    /// Where it is, and when the challenge was answered there. What is known of its failures is forgotten.
    pub url: Option<(String, Option<Timestamp>)>,
    /// What its owner calls it.
    pub description: Option<String>,
    /// Which events it wants.
    pub event_types: Option<EventTypes>,
    /// Of which devices; `Some(None)` is all.
    pub devices: Option<Option<Vec<DeviceId>>>,
    /// Sent with every request.
    pub headers: Option<Vec<(String, String)>>,
    /// Whether the next event of a device waits for the one before it.
    pub ordered: Option<bool>,
    /// Deliveries a minute at most; `Some(None)` is no limit.
    pub rate_cap: Option<Option<u32>>,
    /// Whether anything is delivered. An endpoint that is enabled again goes on where it stood.
    pub enabled: Option<bool>,
}

/// An endpoint as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Its id.
    pub id: WebhookId,
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// Where it is.
    pub url: String,
    /// What its owner calls it; may be empty.
    pub description: String,
    /// Which events it wants.
    pub event_types: EventTypes,
    /// Of which devices; `None` is all.
    pub devices: Option<Vec<DeviceId>>,
    /// Sent with every request.
    pub headers: Vec<(String, String)>,
    /// Signs its deliveries.
    pub secret: WebhookSecret,
    /// Signs them as well, until then.
    pub previous_secret: Option<(WebhookSecret, Timestamp)>,
    /// Whether the next event of a device waits for the one before it.
    pub ordered: bool,
    /// Deliveries a minute at most; `None` is no limit.
    pub rate_cap: Option<u32>,
    /// When the challenge was answered; `None` when it was skipped.
    pub verified_at: Option<Timestamp>,
    /// Why nothing is delivered, and since when; `None` while it is enabled.
    pub disabled: Option<(DisableReason, Timestamp)>,
    /// The last event (its `seq`) that is delivered, not wanted, or kept aside for another try, as all before it.
    pub position: u64,
    /// Since when every try failed; `None` when the last one did not.
    pub failing_since: Option<Timestamp>,
    /// How many tries have failed in a row.
    pub failures: u32,
    /// Until when it is left alone because of them.
    pub rest_until: Option<Timestamp>,
    /// When a try last succeeded.
    pub last_success_at: Option<Timestamp>,
    /// When a try last failed.
    pub last_failure_at: Option<Timestamp>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When its settings last changed.
    pub updated_at: Timestamp,
}

impl Webhook {
    /// Whether it wants events of this type and device. Events of no device are chosen by their type alone.
    #[must_use]
    pub fn wants(&self, kind: EventType, device: Option<DeviceId>) -> bool {
        let of_device = match (&self.devices, device) {
            (Some(wanted), Some(device)) => wanted.contains(&device),
            (None, _) | (_, None) => true,
        };
        of_device && self.event_types.include(kind)
    }

    /// Where and how it is reached at `now`.
    #[must_use]
    pub fn target(&self, now: Timestamp) -> WebhookTarget {
        let previous = self.previous_secret.as_ref().filter(|(_, until)| now < *until);
        let mut secrets = vec![self.secret.clone()];
        secrets.extend(previous.map(|(secret, _)| secret.clone()));
        WebhookTarget {
            url: self.url.clone(),
            headers: self.headers.clone(),
            secrets,
        }
    }
}

/// Events that an endpoint has still to get although its position is past them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backlog {
    /// Those that wait for another try; counted up to [`Backlog::MOST`].
    pub waiting: u32,
    /// Those that were given up until they are replayed; counted up to [`Backlog::MOST`].
    pub parked: u32,
}

impl Backlog {
    /// Nothing is counted further.
    pub const MOST: u32 = 10_000;
}

/// A try to deliver an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Its place among all of them.
    pub seq: u64,
    /// Which event.
    pub event: EventId,
    /// Of which type.
    pub kind: EventType,
    /// The how-manieth of its event: 1 is the first.
    pub number: u32,
    /// When it began.
    pub at: Timestamp,
    /// How long it took.
    pub duration: Duration,
    /// The HTTP status, when an answer came.
    pub status: Option<u16>,
    /// Why it was no success; `None` when it was.
    pub failure: Option<AttemptFailure>,
    /// The beginning of the answer's body when it was no success, at most 4 KiB.
    pub excerpt: Vec<u8>,
    /// When the next try is due.
    pub next_at: Option<Timestamp>,
}

/// Which tries to list.
#[derive(Debug, Clone, Copy, Default)]
pub struct AttemptFilter {
    /// Only those that failed, or only those that did not.
    pub failed: Option<bool>,
    /// Only those of this event.
    pub event: Option<EventId>,
}

/// Which events are to be sent to an endpoint again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplayRequest {
    /// This one.
    Event(EventId),
    /// Those of a time that the endpoint is past. What it has still to get comes anyway.
    Range {
        /// Those made at or after.
        from: Option<Timestamp>,
        /// Those made before.
        until: Option<Timestamp>,
        /// Only those that were given up.
        parked: bool,
    },
}

/// A request to send events again, and how far it is worked off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replay {
    /// Its id.
    pub id: ReplayId,
    /// The endpoint that is to get them.
    pub webhook: WebhookId,
    /// Only those that were given up.
    pub parked: bool,
    /// The first event (its `seq`) of the range.
    pub first: u64,
    /// The last one; before `first` when there is none.
    pub last: u64,
    /// How far it is worked off.
    pub position: u64,
    /// How many events were found wanted so far.
    pub found: u64,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it was worked off.
    pub ended_at: Option<Timestamp>,
}

impl Replay {
    /// How much of the range was looked through, in percent; 100 only when it is worked off.
    #[must_use]
    pub fn progress(&self) -> u64 {
        if self.ended_at.is_some() {
            return 100;
        }
        let range = (self.last + 1).saturating_sub(self.first);
        let done = (self.position + 1).saturating_sub(self.first);
        (100 * done).checked_div(range).unwrap_or(0).min(99)
    }
}
