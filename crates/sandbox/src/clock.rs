//! The only place that reads the clock.

use chrono::{DateTime, Utc};

#[expect(
    clippy::disallowed_methods,
    reason = "the sandbox plays another party, whose time the gateway's clock does not set"
)]
pub(crate) fn now() -> DateTime<Utc> {
    Utc::now()
}

/// Seconds since 1970, as stanzas carry them.
pub(crate) fn unix_seconds() -> u64 {
    now().timestamp().try_into().unwrap_or(0)
}
