//! When a failed delivery is tried again.

use std::time::Duration;

use rand::RngExt as _;

/// By how much a wait may be longer or shorter, at random, so that what failed together does not come back together.
const JITTER: f64 = 0.2;

/// The waits before the second try, the third, and so on; an event that fails after the last of them is parked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule(Vec<Duration>);

impl Schedule {
    /// The seconds of the default schedule: thirteen tries over more than three days.
    pub const DEFAULT_SECONDS: [u64; 12] = [
        5, 30, 120, 600, 1_800, 3_600, 10_800, 21_600, 43_200, 86_400, 86_400, 86_400,
    ];

    /// A schedule of these waits in seconds.
    #[must_use]
    pub fn of_seconds(seconds: &[u64]) -> Self {
        Self(seconds.iter().copied().map(Duration::from_secs).collect())
    }

    /// How long to wait after `tries` tries (1 or more); `None` when there were enough.
    pub(crate) fn wait(&self, tries: u32) -> Option<Duration> {
        let last = usize::try_from(tries.saturating_sub(1)).ok()?;
        self.0.get(last).copied().map(jittered)
    }
}

impl Default for Schedule {
    fn default() -> Self {
        Self::of_seconds(&Self::DEFAULT_SECONDS)
    }
}

/// A wait, longer or shorter by up to a fifth.
pub(crate) fn jittered(wait: Duration) -> Duration {
    wait.mul_f64(rand::rng().random_range(1.0 - JITTER..=1.0 + JITTER))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_goes_on_for_three_days_and_ends() {
        let schedule = Schedule::default();
        let shortest = 0.8
            * Schedule::DEFAULT_SECONDS
                .map(|seconds| seconds as f64)
                .iter()
                .sum::<f64>();
        assert!(shortest >= 72.0 * 3600.0, "{shortest}");
        for (tries, seconds) in (1..).zip(Schedule::DEFAULT_SECONDS) {
            let wait = schedule.wait(tries).expect("another try").as_secs_f64();
            let ratio = wait / seconds as f64;
            assert!((0.8..=1.2).contains(&ratio), "{tries}: {ratio}");
        }
        assert_eq!(schedule.wait(13), None);
        let distinct: std::collections::HashSet<_> = (0..20).map(|_| schedule.wait(3)).collect();
        assert!(distinct.len() > 1);
    }
}
