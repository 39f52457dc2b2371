//! How often something took how long, or was how large.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// From a quarter of a millisecond, which is a commit on a fast disk, to ten seconds.
const WORK: &[u64] = &[
    250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
    5_000_000, 10_000_000,
];
/// From ten milliseconds to a day: what waits for other people's machines, for its turn, or for a person.
const JOURNEY: &[u64] = &[
    10_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    30_000_000,
    60_000_000,
    300_000_000,
    1_800_000_000,
    3_600_000_000,
    21_600_000_000,
    86_400_000_000,
];
/// Doublings up to the most jobs of a commit.
const SIZE: &[u64] = &[1, 2, 4, 8, 16, 32, 64, 128, 256, 512];

/// Counts amounts in buckets. The bounds are fixed, and an amount that equals one counts below it.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static [u64],
    /// How many units are one of what is read: a million for what is counted in microseconds.
    scale: u32,
    /// One for each bound, and one for what is beyond the last.
    counts: Box<[AtomicU64]>,
    sum: AtomicU64,
}

/// What a histogram holds at a moment; counts that come meanwhile may be in some of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// The upper bound of each bucket (the last is infinite), in seconds or things, and how many amounts it alone holds.
    pub buckets: Vec<(f64, u64)>,
    /// All amounts together.
    pub sum: f64,
}

impl Histogram {
    /// For work of this machine: durations from 250 µs to 10 s.
    #[must_use]
    pub fn of_work() -> Self {
        Self::new(WORK, 1_000_000)
    }

    /// For what others have a part in: durations from 10 ms to a day.
    #[must_use]
    pub fn of_journeys() -> Self {
        Self::new(JOURNEY, 1_000_000)
    }

    /// For numbers of things, from 1 to 512.
    #[must_use]
    pub fn of_sizes() -> Self {
        Self::new(SIZE, 1)
    }

    fn new(bounds: &'static [u64], scale: u32) -> Self {
        Self {
            bounds,
            scale,
            counts: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect(),
            sum: AtomicU64::new(0),
        }
    }

    /// Counts how long something took.
    pub fn took(&self, duration: Duration) {
        self.count(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX));
    }

    /// Counts how many things there were.
    pub fn held(&self, things: usize) {
        self.count(u64::try_from(things).unwrap_or(u64::MAX));
    }

    fn count(&self, amount: u64) {
        let bucket = self.bounds.partition_point(|bound| *bound < amount);
        self.counts[bucket].fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(amount, Ordering::Relaxed);
    }

    /// What was counted since the process began.
    #[must_use]
    pub fn read(&self) -> Reading {
        let bounds = self.bounds.iter().map(|bound| self.scaled(*bound));
        let counts = self.counts.iter().map(|count| count.load(Ordering::Relaxed));
        Reading {
            buckets: bounds.chain([f64::INFINITY]).zip(counts).collect(),
            sum: self.scaled(self.sum.load(Ordering::Relaxed)),
        }
    }

    /// 52 bits of microseconds, which a float holds exactly, are 142 years.
    fn scaled(&self, amount: u64) -> f64 {
        amount as f64 / f64::from(self.scale)
    }
}

impl Reading {
    /// How many amounts were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().map(|(_, count)| count).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_counts_in_the_first_bucket_that_reaches_it() {
        let sizes = Histogram::of_sizes();
        for things in [0, 1, 2, 3, 512, 513] {
            sizes.held(things);
        }
        let reading = sizes.read();
        assert_eq!(reading.buckets[..3], [(1.0, 2), (2.0, 1), (4.0, 1)]);
        assert_eq!(reading.buckets[9..], [(512.0, 1), (f64::INFINITY, 1)]);
        assert_eq!((reading.count(), reading.sum), (6, 1031.0));
    }

    #[test]
    fn durations_are_read_in_seconds() {
        for histogram in [Histogram::of_work(), Histogram::of_journeys()] {
            histogram.took(Duration::from_millis(1_500));
            let reading = histogram.read();
            let (bound, _) = reading.buckets.iter().find(|(_, count)| *count > 0).expect("one");
            assert_eq!((*bound, reading.sum), (2.5, 1.5));
        }
    }

    #[test]
    fn bounds_grow() {
        for bounds in [WORK, JOURNEY, SIZE] {
            assert!(bounds.is_sorted_by(|one, next| one < next));
        }
    }
}
