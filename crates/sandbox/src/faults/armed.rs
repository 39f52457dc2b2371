//! The faults that wait for one companion, in the order in which they were armed.

use std::collections::VecDeque;
use std::num::NonZeroU32;

use serde::Serialize;

/// More than this waits for no companion.
const LIMIT: usize = 64;

/// A fault that waits for its occasion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub(crate) enum Trap {
    /// A login is refused.
    LoginFailure(LoginRefusal),
    /// A client's cached server key is not recognised.
    IkFailure { mode: IkRefusal },
    /// On a connection the server falls silent.
    Mute,
    /// Everything the server says comes so much later.
    Slow { latency_ms: u64 },
    /// A message is delivered, but not acknowledged.
    LoseAcks,
    /// A message is neither delivered nor acknowledged.
    LoseMessages,
    /// A message is refused with this code.
    Nack { code: u16 },
    /// A stanza for the companion is sent twice.
    DuplicateDelivery,
    /// A contact's message cannot be decrypted.
    Undecryptable,
}

/// Why a login is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct LoginRefusal {
    pub(crate) code: u16,
    /// How long a temporary ban lasts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) seconds: Option<u32>,
}

impl LoginRefusal {
    pub(crate) fn because(code: u16) -> Self {
        Self { code, seconds: None }
    }
}

/// What the server does about a key of its own that it does not recognise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum IkRefusal {
    /// It introduces itself in the same handshake, as WhatsApp does.
    #[default]
    Fallback,
    /// It answers with what the client cannot use, so that the client begins anew.
    Reject,
}

/// What befalls a message from the companion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MessageFault {
    AckLost,
    Lost,
    Refused { code: u16 },
}

/// How often a trap still strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Left {
    Times(NonZeroU32),
    UntilCleared,
}

impl Left {
    /// Zero stands for "until cleared".
    pub(crate) fn from_count(count: u32) -> Self {
        NonZeroU32::new(count).map_or(Self::UntilCleared, Self::Times)
    }

    /// The number of times; `None` when there is no end.
    pub(crate) fn count(self) -> Option<u32> {
        match self {
            Self::Times(times) => Some(times.get()),
            Self::UntilCleared => None,
        }
    }

    /// After one strike; `None` when it was the last.
    fn after_one(self) -> Option<Self> {
        match self {
            Self::Times(times) => NonZeroU32::new(times.get() - 1).map(Self::Times),
            Self::UntilCleared => Some(self),
        }
    }
}

/// Too many faults are armed already.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Full;

/// What is armed for one companion.
#[derive(Debug, Default)]
pub(crate) struct Armed {
    traps: VecDeque<(Trap, Left)>,
}

impl Armed {
    /// Adds a trap behind those that are there. A companion has one latency, the latest.
    pub(crate) fn arm(&mut self, trap: Trap, left: Left) -> Result<(), Full> {
        if matches!(trap, Trap::Slow { .. }) {
            self.traps
                .retain(|(other, _)| !matches!(other, Trap::Slow { .. }));
        }
        if self.traps.len() >= LIMIT {
            return Err(Full);
        }
        self.traps.push_back((trap, left));
        Ok(())
    }

    pub(crate) fn clear(&mut self) {
        self.traps.clear();
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &(Trap, Left)> {
        self.traps.iter()
    }

    /// The client logs in.
    pub(crate) fn next_login(&mut self) -> Option<LoginRefusal> {
        self.spring(|trap| match trap {
            Trap::LoginFailure(refusal) => Some(*refusal),
            _ => None,
        })
    }

    /// The client uses the server key it has cached.
    pub(crate) fn next_cached_key(&mut self) -> Option<IkRefusal> {
        self.spring(|trap| match trap {
            Trap::IkFailure { mode } => Some(*mode),
            _ => None,
        })
    }

    /// A connection begins, or one is there to be muted: whether the server falls silent on it.
    pub(crate) fn next_connection_is_mute(&mut self) -> bool {
        self.springs(&Trap::Mute)
    }

    /// How late the server is, in milliseconds.
    pub(crate) fn latency_ms(&self) -> u64 {
        let latency = self.traps.iter().find_map(|(trap, _)| match trap {
            Trap::Slow { latency_ms } => Some(*latency_ms),
            _ => None,
        });
        latency.unwrap_or(0)
    }

    /// The companion sends a message.
    pub(crate) fn next_message(&mut self) -> Option<MessageFault> {
        self.spring(|trap| match trap {
            Trap::LoseAcks => Some(MessageFault::AckLost),
            Trap::LoseMessages => Some(MessageFault::Lost),
            Trap::Nack { code } => Some(MessageFault::Refused { code: *code }),
            _ => None,
        })
    }

    /// A message or receipt is written to the companion: whether it is written twice.
    pub(crate) fn next_delivery_is_doubled(&mut self) -> bool {
        self.springs(&Trap::DuplicateDelivery)
    }

    /// A contact writes to the companion: whether the client cannot read it.
    pub(crate) fn next_text_is_spoiled(&mut self) -> bool {
        self.springs(&Trap::Undecryptable)
    }

    fn springs(&mut self, wanted: &Trap) -> bool {
        self.spring(|trap| (trap == wanted).then_some(())).is_some()
    }

    /// The first trap that is for this occasion strikes.
    fn spring<T>(&mut self, mut occasion: impl FnMut(&Trap) -> Option<T>) -> Option<T> {
        let (index, struck) = self
            .traps
            .iter()
            .enumerate()
            .find_map(|(index, (trap, _))| Some((index, occasion(trap)?)))?;
        match self.traps[index].1.after_one() {
            Some(left) => self.traps[index].1 = left,
            None => drop(self.traps.remove(index)),
        }
        Some(struck)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn armed(traps: impl IntoIterator<Item = (Trap, u32)>) -> Armed {
        let mut armed = Armed::default();
        for (trap, count) in traps {
            armed.arm(trap, Left::from_count(count)).expect("room");
        }
        armed
    }

    #[test]
    fn traps_of_one_occasion_strike_in_the_order_they_were_armed() {
        let mut armed = armed([(Trap::Nack { code: 479 }, 2), (Trap::LoseAcks, 1)]);
        let struck = [(); 4].map(|()| armed.next_message());
        let refused = Some(MessageFault::Refused { code: 479 });
        assert_eq!(struck, [refused, refused, Some(MessageFault::AckLost), None]);
    }

    #[test]
    fn another_occasion_uses_nothing_up() {
        let mut armed = armed([(Trap::LoseMessages, 1)]);
        assert_eq!(armed.next_login(), None);
        assert!(!armed.next_connection_is_mute());
        assert!(!armed.next_delivery_is_doubled());
        assert!(!armed.next_text_is_spoiled());
        assert_eq!(armed.next_cached_key(), None);
        assert_eq!(armed.next_message(), Some(MessageFault::Lost));
    }

    #[test]
    fn a_count_of_zero_lasts_until_it_is_cleared() {
        let refusal = LoginRefusal {
            code: 503,
            seconds: None,
        };
        let mut armed = armed([(Trap::LoginFailure(refusal), 0)]);
        for _ in 0..100 {
            assert_eq!(armed.next_login(), Some(refusal));
        }
        armed.clear();
        assert_eq!(armed.next_login(), None);
    }

    #[test]
    fn the_latest_latency_counts() {
        let mut armed = armed([
            (Trap::Slow { latency_ms: 5 }, 0),
            (Trap::Slow { latency_ms: 7 }, 0),
        ]);
        assert_eq!(armed.latency_ms(), 7);
        assert_eq!(armed.iter().count(), 1);
        armed.clear();
        assert_eq!(armed.latency_ms(), 0);
    }

    #[test]
    fn what_is_armed_is_bounded() {
        let mut armed = armed((0..LIMIT).map(|_| (Trap::Mute, 1)));
        assert_eq!(armed.arm(Trap::Mute, Left::UntilCleared), Err(Full));
        assert_eq!(armed.iter().count(), LIMIT);
    }
}
