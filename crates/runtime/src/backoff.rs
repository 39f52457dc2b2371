//! How long to wait before the next try: exponential, capped, with jitter.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};

/// A retry schedule: `first`, twice that, and so on up to `longest`, each lengthened at random by up to itself.
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
}

impl Backoff {
    /// Waits at least `first` before the second try and never more than twice `longest`.
    #[must_use]
    pub const fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest }
    }

    /// How long to wait after `failures` failures in a row (1 or more).
    #[must_use]
    pub fn delay(&self, failures: u32) -> Duration {
        // Past this many doublings the cap has long been reached.
        let failures = usize::try_from(failures.clamp(1, 64)).unwrap_or(64);
        ExponentialBuilder::default()
            .with_min_delay(self.first)
            .with_max_delay(self.longest)
            .with_max_times(failures)
            .with_jitter()
            .build()
            .last()
            .unwrap_or(self.longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_cap_and_are_jittered() {
        let backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(60));
        for (failures, base) in [(0, 1), (1, 1), (2, 2), (4, 8), (7, 60), (1_000_000, 60)] {
            let delay = backoff.delay(failures);
            assert!(delay >= Duration::from_secs(base), "{failures}: {delay:?}");
            assert!(delay <= Duration::from_secs(2 * base), "{failures}: {delay:?}");
        }
        let distinct: std::collections::HashSet<_> = (0..20).map(|_| backoff.delay(3)).collect();
        assert!(distinct.len() > 1);
    }
}
