//! How sessions behave; every value has a default that suits an ordinary account.

use std::time::Duration;

use postern_domain::Pacing;
use postern_runtime::Backoff;

/// Settings of the session manager.
#[derive(Debug, Clone)]
pub struct SessionsConfig {
    /// Devices that may be logging in at the same time. 1 or more; 0 counts as 1. Default 16.
    pub start_concurrency: usize,
    /// Each login at start is delayed at random by up to this. Zero or more. Default 250 ms.
    pub start_jitter: Duration,
    /// How long WhatsApp may take to acknowledge a message before it is sent again with the same stanza id, and
    /// how long nothing at all may come through the link meanwhile before the device shows as degraded. More
    /// than zero; 5 s or more outside tests. Default 20 s.
    pub ack_timeout: Duration,
    /// Messages of one device that may be under way at once. 1 or more; 0 counts as 1. Default 64.
    pub in_flight: usize,
    /// How long to wait between attempts to send a message. Default 2 s, doubling up to 5 min.
    pub retry: Backoff,
    /// A message that could not be sent for this long fails, counted from when it was accepted, or from when
    /// it became due where it was scheduled. More than zero. Default 24 h.
    pub max_age: Duration,
    /// How long to wait before starting a session again that failed inside the gateway. Default 1 s, doubling
    /// up to 1 min.
    pub restart: Backoff,
    /// How long to wait before a login is tried again that WhatsApp refused with a code that says nothing of
    /// bans, versions or the link. More than zero. Default 30 min.
    pub login_retry: Duration,
    /// How fast a device may send that has no pacing of its own. Default: no limit.
    pub pacing: Pacing,
    /// How often to look although nothing rang: what a lost wake-up costs. More than zero. Default 5 s.
    pub poll: Duration,
    /// How long messages are kept that have ended; `None` keeps them for ever. Default 90 days.
    pub message_retention: Option<Duration>,
    /// How long events are kept; `None` keeps them for ever. Default 30 days.
    pub event_retention: Option<Duration>,
    /// For how long the tries to deliver events are kept; `None` for ever.
    pub attempt_retention: Option<Duration>,
    /// For how long the audit keeps what was done with API keys; `None` for ever. Default 365 days.
    pub act_retention: Option<Duration>,
}

impl Default for SessionsConfig {
    fn default() -> Self {
        Self {
            start_concurrency: 16,
            start_jitter: Duration::from_millis(250),
            ack_timeout: Duration::from_secs(20),
            in_flight: 64,
            retry: Backoff::new(Duration::from_secs(2), Duration::from_secs(300)),
            max_age: Duration::from_secs(24 * 3600),
            restart: Backoff::new(Duration::from_secs(1), Duration::from_secs(60)),
            login_retry: Duration::from_secs(30 * 60),
            pacing: Pacing::OFF,
            poll: Duration::from_secs(5),
            message_retention: Some(Duration::from_hours(90 * 24)),
            event_retention: Some(Duration::from_hours(30 * 24)),
            attempt_retention: Some(Duration::from_hours(7 * 24)),
            act_retention: Some(Duration::from_hours(365 * 24)),
        }
    }
}
