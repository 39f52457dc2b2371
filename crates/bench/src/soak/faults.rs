//! The faults of a soak: which there are, with what parameters, and when they strike whom.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};

/// What goes wrong. Left out is what the sandbox can do and what by design ends a link, fails a message, or lets a
/// later one overtake it: `replaced`, `logout`, `nack`, `lose_messages`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// The socket closes.
    Close,
    /// The stream is ended properly.
    StreamEnd,
    /// The server asks for a new connection.
    Restart,
    /// The server says that it is unavailable.
    Unavailable,
    /// The server asks for patience.
    SlowDown,
    /// The server falls silent with the socket open.
    Mute,
    /// Messages are delivered and not acknowledged.
    LoseAcks,
    /// Stanzas to the device arrive twice.
    DuplicateDelivery,
    /// After some more frames nothing is read any more.
    DropFramesAfter,
    /// Everything the server says comes late.
    Slow,
    /// Logins fail with a server's error.
    LoginFailure,
    /// The server does not recognise its own key at the next login.
    IkFailure,
    /// The server says something that no client knows.
    UnknownError,
    /// What contacts write cannot be decrypted, and must be asked for again.
    Undecryptable,
}

impl Kind {
    /// The sandbox's word for it.
    pub(crate) fn name(self) -> String {
        use clap::ValueEnum as _;
        self.to_possible_value()
            .map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// The parameters of one strike.
    fn parameters(self, chance: &mut StdRng) -> Value {
        match self {
            Self::LoseAcks | Self::DuplicateDelivery | Self::Undecryptable => {
                json!({ "count": chance.random_range(1..=5) })
            }
            Self::IkFailure => {
                let mode = ["fallback", "reject"].choose(chance).copied();
                json!({ "mode": mode.unwrap_or("fallback") })
            }
            Self::DropFramesAfter => json!({ "frames": chance.random_range(0..=20) }),
            Self::Slow => json!({ "latencyMs": chance.random_range(50..=2_000) }),
            Self::LoginFailure => {
                let code = [500, 503].choose(chance).copied().unwrap_or(503);
                json!({ "code": code, "count": chance.random_range(1..=3) })
            }
            _ => json!({}),
        }
    }

    /// How long it is left in force and what ends it then; `None` when it wears off by itself.
    fn end(self, chance: &mut StdRng) -> Option<(Duration, Value)> {
        // Clearing would also take back what else is in force for the device.
        (self == Self::Slow).then(|| {
            let lasts = Duration::from_secs(chance.random_range(5..=15));
            (lasts, json!({ "latencyMs": 1 }))
        })
    }
}

/// One fault that strikes one device.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Strike {
    /// Since the start of the traffic.
    pub(crate) at: Duration,
    /// The number of the device.
    pub(crate) device: usize,
    pub(crate) kind: Kind,
    pub(crate) parameters: Value,
    /// Whether it ends an earlier one of its kind.
    pub(crate) ends: bool,
}

/// The strikes of a whole soak in order of time, decided by the seed alone.
pub(crate) fn plan(
    seed: u64,
    kinds: &[Kind],
    devices: usize,
    length: Duration,
    per_minute: f64,
) -> Vec<Strike> {
    let mut chance = StdRng::seed_from_u64(seed);
    let mut strikes = Vec::new();
    // Infinite when none are wanted.
    let pause = 60.0 / per_minute;
    let mut at = 0.0;
    loop {
        // Between none and twice the mean pause.
        at += chance.random_range(0.0..2.0) * pause;
        if at.is_nan() || at >= length.as_secs_f64() {
            break;
        }
        let device = chance.random_range(0..devices);
        let Some(&kind) = kinds.choose(&mut chance) else {
            break;
        };
        let strike = |at, parameters, ends| Strike {
            at,
            device,
            kind,
            parameters,
            ends,
        };
        let at = Duration::from_secs_f64(at);
        strikes.push(strike(at, kind.parameters(&mut chance), false));
        if let Some((lasts, parameters)) = kind.end(&mut chance) {
            strikes.push(strike(at + lasts, parameters, true));
        }
    }
    strikes.sort_by_key(|strike| strike.at);
    strikes
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    #[test]
    fn a_seed_is_a_plan() {
        let minute = Duration::from_secs(60);
        let planned = |seed| plan(seed, Kind::value_variants(), 50, minute, 120.0);
        assert_eq!(planned(7), planned(7));
        assert_ne!(planned(7), planned(8));
        let strikes = planned(7);
        assert!(strikes.len() > 60, "{}", strikes.len());
        assert!(strikes.is_sorted_by_key(|strike| strike.at));
        assert!(strikes.iter().all(|strike| strike.device < 50));
        assert_eq!(plan(7, Kind::value_variants(), 50, minute, 0.0), []);
    }

    #[test]
    fn names_are_the_sandboxs() {
        assert_eq!(Kind::DropFramesAfter.name(), "drop_frames_after");
        assert_eq!(Kind::Close.name(), "close");
    }
}
