//! The rate cap of an endpoint.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

/// Lets so many deliveries a minute pass, evenly; everything when there is no cap.
pub(super) struct Pace(Option<DefaultDirectRateLimiter>);

impl Pace {
    /// By the endpoint's cap.
    pub(super) fn of(cap: Option<u32>) -> Self {
        let limiter = cap.and_then(NonZeroU32::new).map(|cap| {
            // A second's worth may go at once.
            let burst = NonZeroU32::MIN.saturating_add(cap.get() / 60);
            RateLimiter::direct(Quota::per_minute(cap).allow_burst(burst))
        });
        Self(limiter)
    }

    /// Takes a place; answers how long it takes until there is one.
    pub(super) fn take(&self) -> Result<(), Duration> {
        let Some(limiter) = &self.0 else {
            return Ok(());
        };
        let now = DefaultClock::default().now();
        limiter.check().map_err(|full| full.wait_time_from(now))
    }
}
