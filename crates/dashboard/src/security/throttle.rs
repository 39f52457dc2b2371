//! How often somebody may be wrong: counted for a name and an address together, so that an owner who logs in from
//! elsewhere is not locked out by whoever guesses.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use postern_domain::Timestamp;

/// Wrong passwords before anybody has to wait.
const FREE: u32 = 5;
/// The longest wait.
const LONGEST: Duration = Duration::from_secs(300);
/// After so long without a wrong password all is forgotten.
const FORGET: Duration = Duration::from_secs(3600);
/// How many are remembered at most.
const REMEMBERED: usize = 4096;

/// Those who were wrong lately.
#[derive(Default)]
pub(crate) struct Throttle(Mutex<HashMap<(String, IpAddr), Strikes>>);

#[derive(Clone, Copy)]
struct Strikes {
    count: u32,
    last: Timestamp,
}

impl Strikes {
    /// 1 s after the fifth, then twice as much each time.
    fn wait(self) -> Duration {
        let Some(over) = self.count.checked_sub(FREE) else {
            return Duration::ZERO;
        };
        LONGEST.min(Duration::from_secs(1) * 2_u32.saturating_pow(over))
    }
}

impl Throttle {
    /// How long this one has to wait before the next try.
    pub(crate) fn wait(&self, name: &str, address: IpAddr, now: Timestamp) -> Option<Duration> {
        let struck = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let strikes = struck.get(&(name.to_owned(), address))?;
        let left = strikes.last.after(strikes.wait()).since(now);
        (left > Duration::ZERO).then_some(left)
    }

    /// A try begins: it counts as wrong until it turns out right, so that many at once are no way around.
    pub(crate) fn strike(&self, name: &str, address: IpAddr, now: Timestamp) {
        let mut struck = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if struck.len() >= REMEMBERED {
            struck.retain(|_, strikes| now.since(strikes.last) < FORGET);
        }
        if struck.len() >= REMEMBERED {
            // Whoever comes with thousands of names fills this; the ones longest ago make room.
            let oldest = struck.iter().min_by_key(|(_, strikes)| strikes.last);
            if let Some(key) = oldest.map(|(key, _)| key.clone()) {
                struck.remove(&key);
            }
        }
        let strikes = struck
            .entry((name.to_owned(), address))
            .or_insert(Strikes { count: 0, last: now });
        if now.since(strikes.last) >= FORGET {
            strikes.count = 0;
        }
        *strikes = Strikes {
            count: strikes.count.saturating_add(1),
            last: now,
        };
    }

    /// The password was right.
    pub(crate) fn forgive(&self, name: &str, address: IpAddr) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&(name.to_owned(), address));
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const ELSEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

    #[test]
    fn waits_grow_for_who_guesses_and_for_nobody_else() {
        let (throttle, now) = (Throttle::default(), Timestamp::from_millis(0));
        for _ in 0..4 {
            throttle.strike("ada", ELSEWHERE, now);
            assert_eq!(throttle.wait("ada", ELSEWHERE, now), None);
        }
        let mut waits = Vec::new();
        for _ in 0..12 {
            throttle.strike("ada", ELSEWHERE, now);
            waits.extend(throttle.wait("ada", ELSEWHERE, now));
        }
        assert_eq!(waits[..3], [1, 2, 4].map(Duration::from_secs));
        assert_eq!(waits.last(), Some(&LONGEST));
        assert_eq!(
            throttle.wait("ada", HERE, now),
            None,
            "the owner is not locked out"
        );
        assert_eq!(throttle.wait("eve", ELSEWHERE, now), None);
        assert_eq!(throttle.wait("ada", ELSEWHERE, now.after(LONGEST)), None);
        throttle.forgive("ada", ELSEWHERE);
        assert_eq!(throttle.wait("ada", ELSEWHERE, now), None);
    }

    #[test]
    fn no_more_are_remembered_than_fit() {
        let throttle = Throttle::default();
        for number in 0..2 * i64::try_from(REMEMBERED).expect("fits") {
            throttle.strike(&number.to_string(), HERE, Timestamp::from_millis(number));
        }
        assert!(throttle.0.lock().expect("no panic").len() <= REMEMBERED);
    }
}
