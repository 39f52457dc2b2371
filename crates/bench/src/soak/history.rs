//! What struck whom and when, so that a problem can be laid at a fault's door.

use std::collections::BTreeMap;
use std::time::Duration;

/// How long after the last change of a message a fault may strike and still be what kept it from the next one.
const AFTERWARDS: Duration = Duration::from_secs(1);
/// What a problem is put down to when nothing had struck its device yet.
pub(crate) const NOTHING: &str = "none yet";
/// What a kill of the daemon is called.
pub(crate) const KILL: &str = "kill -9";

/// The strikes that happened, in order.
#[derive(Debug, Default)]
pub(crate) struct History {
    strikes: Vec<Struck>,
    /// Strikes for which there was no target, e.g. a link to close.
    missed: BTreeMap<String, u64>,
}

#[derive(Debug)]
struct Struck {
    at: Duration,
    /// `None` is all of them.
    device: Option<usize>,
    kind: String,
}

impl History {
    /// A fault struck a device, or all of them.
    pub(crate) fn struck(&mut self, at: Duration, device: Option<usize>, kind: String) {
        self.strikes.push(Struck { at, device, kind });
    }

    /// A fault found nothing to strike.
    pub(crate) fn missed(&mut self, kind: String) {
        *self.missed.entry(kind).or_default() += 1;
    }

    /// How often each kind struck, and how often it missed.
    pub(crate) fn counts(&self) -> BTreeMap<String, (u64, u64)> {
        let mut counts: BTreeMap<String, (u64, u64)> = BTreeMap::new();
        for strike in &self.strikes {
            counts.entry(strike.kind.clone()).or_default().0 += 1;
        }
        for (kind, missed) in &self.missed {
            counts.entry(kind.clone()).or_default().1 += missed;
        }
        counts
    }

    /// The last fault that struck a device before this moment, or right after it.
    pub(crate) fn blame(&self, device: usize, until: Duration) -> &str {
        self.of(device)
            .take_while(|strike| strike.at <= until + AFTERWARDS)
            .last()
            .map_or(NOTHING, |strike| &strike.kind)
    }

    /// What struck a device around this moment, in words.
    pub(crate) fn around(&self, device: usize, moment: Duration) -> String {
        const NEAR: Duration = Duration::from_secs(30);
        let near: Vec<String> = self
            .of(device)
            .filter(|strike| strike.at.abs_diff(moment) <= NEAR)
            .map(|strike| format!("{} at {:.1} s", strike.kind, strike.at.as_secs_f64()))
            .collect();
        near.join(", ")
    }

    fn of(&self, device: usize) -> impl Iterator<Item = &Struck> {
        self.strikes
            .iter()
            .filter(move |strike| strike.device.is_none_or(|struck| struck == device))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_strike_is_to_blame() {
        let second = Duration::from_secs;
        let mut history = History::default();
        history.struck(second(10), Some(1), "close".to_owned());
        history.struck(second(15), Some(2), "slow".to_owned());
        history.struck(second(20), None, "kill".to_owned());
        assert_eq!(history.blame(1, second(5)), NOTHING);
        assert_eq!(history.blame(1, second(9)), "close");
        assert_eq!(history.blame(1, second(16)), "close");
        assert_eq!(history.blame(1, second(60)), "kill");
        assert_eq!(history.around(2, second(40)), "slow at 15.0 s, kill at 20.0 s");
    }
}
