//! How sessions behave; every value has a default that suits an ordinary account.

use std::time::Duration;

use postern_runtime::Backoff;

/// Settings of the session manager.
#[derive(Debug, Clone)]
pub struct SessionsConfig {
    /// Devices that may be logging in at the same time; 1 or more.
    pub start_concurrency: usize,
    /// Each login at start is delayed at random by up to this.
    pub start_jitter: Duration,
    /// How long WhatsApp may take to acknowledge a message before it is sent again with the same stanza id.
    pub ack_timeout: Duration,
    /// Messages of one device that may be under way at once; 1 or more.
    pub in_flight: usize,
    /// How long to wait between attempts to send a message.
    pub retry: Backoff,
    /// A message that could not be sent for this long fails.
    pub max_age: Duration,
    /// How long to wait before starting a session again that failed inside the gateway.
    pub restart: Backoff,
    /// How often to look although nothing rang: what a lost wake-up costs.
    pub poll: Duration,
    /// How long idempotency records are kept.
    pub idempotency_retention: Duration,
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
            poll: Duration::from_secs(5),
            idempotency_retention: Duration::from_secs(24 * 3600),
        }
    }
}
