//! How long things took: many durations in a few numbers.

use std::time::Duration;

/// Below this many milliseconds each has a bucket of its own.
const EXACT: u64 = 16;
/// Above, each doubling is parted into so many buckets of equal width, as a power of two.
const PARTS: u32 = 3;
/// The bucket of 12 days, and of everything that took longer.
const LAST: usize = 16 + (30 - 4) * 8 - 1;

/// Durations counted in buckets that are the wider the longer they are: what is read from them is at most 7 % off, up to
/// 12 days.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Latencies(Vec<u64>);

impl Latencies {
    /// Counts one.
    pub fn add(&mut self, duration: Duration) {
        let bucket = bucket(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX));
        if self.0.len() <= bucket {
            self.0.resize(bucket + 1, 0);
        }
        self.0[bucket] += 1;
    }

    /// Counts all that the other has.
    pub fn merge(&mut self, other: &Self) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        for (count, more) in self.0.iter_mut().zip(&other.0) {
            *count = count.saturating_add(*more);
        }
    }

    /// Whether nothing was counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|count| *count == 0)
    }

    /// What `percent` of 100 did not exceed, in whole milliseconds; `None` when nothing was counted.
    #[must_use]
    pub fn percentile(&self, percent: u64) -> Option<Duration> {
        let total: u64 = self.0.iter().sum();
        let rank = total.saturating_mul(percent).div_ceil(100).max(1);
        let mut seen = 0;
        let found = self.0.iter().position(|count| {
            seen += count;
            seen >= rank
        })?;
        Some(Duration::from_millis(middle(found)))
    }

    /// How many there are in each bucket, which is how they are stored.
    #[must_use]
    pub fn counts(&self) -> &[u64] {
        &self.0
    }
}

/// The inverse of [`Latencies::counts`]; more buckets than there are count as the last one.
impl From<Vec<u64>> for Latencies {
    fn from(mut counts: Vec<u64>) -> Self {
        if counts.len() > LAST + 1 {
            let beyond: u64 = counts.split_off(LAST + 1).iter().sum();
            counts[LAST] = counts[LAST].saturating_add(beyond);
        }
        Self(counts)
    }
}

fn bucket(millis: u64) -> usize {
    if millis < EXACT {
        return usize::try_from(millis).unwrap_or(LAST);
    }
    let doubling = millis.ilog2();
    let part = (millis >> (doubling - PARTS)) & ((1 << PARTS) - 1);
    let bucket = EXACT + (u64::from(doubling - 4) << PARTS) + part;
    usize::try_from(bucket).map_or(LAST, |bucket| bucket.min(LAST))
}

/// What stands for all in a bucket.
fn middle(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    let Some(above) = bucket.checked_sub(EXACT) else {
        return bucket;
    };
    let width = 1 << (above >> PARTS) << (4 - PARTS);
    let first = ((1 << PARTS) + (above & ((1 << PARTS) - 1))) * width;
    first + (width - 1) / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(millis: impl IntoIterator<Item = u64>) -> Latencies {
        let mut latencies = Latencies::default();
        millis
            .into_iter()
            .for_each(|one| latencies.add(Duration::from_millis(one)));
        latencies
    }

    fn percentile(latencies: &Latencies, percent: u64) -> Option<u128> {
        latencies.percentile(percent).map(|duration| duration.as_millis())
    }

    #[test]
    fn what_is_read_is_at_most_7_percent_off() {
        let mut millis = 0;
        while millis < 1 << 30 {
            let read = middle(bucket(millis));
            assert!(
                read.abs_diff(millis) * 100 <= millis * 7,
                "{millis} is read as {read}"
            );
            millis += 1 + millis / 1_000;
        }
        for beyond in [1 << 30, 1 << 31, u64::MAX] {
            assert_eq!(bucket(beyond), LAST);
        }
        assert_eq!(bucket((1 << 30) - 1), LAST);
    }

    #[test]
    fn buckets_follow_each_other_without_a_gap() {
        let mut last = 0;
        for millis in 0..100_000 {
            let this = bucket(millis);
            assert!(this == last || this == last + 1, "{millis}");
            last = this;
        }
    }

    #[test]
    fn percentiles_are_of_the_nearest_rank() {
        let one_to_ten = of(1..=10);
        assert_eq!(percentile(&one_to_ten, 50), Some(5));
        assert_eq!(percentile(&one_to_ten, 95), Some(10));
        assert_eq!(percentile(&of([3]), 99), Some(3));
        assert_eq!(percentile(&of([]), 50), None);
        let mut all = of([1; 99]);
        all.merge(&of([5_000]));
        assert_eq!(percentile(&all, 99), Some(1));
        assert!(percentile(&all, 100).is_some_and(|most| most > 4_600));
    }

    #[test]
    fn counts_come_back() {
        let some = of([1, 20, 300, 4_000_000]);
        assert_eq!(Latencies::from(some.counts().to_vec()), some);
        assert_eq!(Latencies::from(vec![1; LAST + 9]).counts()[LAST], 9);
        assert!(of([]).is_empty() && !some.is_empty());
    }
}
