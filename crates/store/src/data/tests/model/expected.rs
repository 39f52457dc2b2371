//! The model: what must have become of every message, in words that know no tables.

use std::collections::BTreeSet;

use postern_domain::ParkReason;

use super::super::*;

/// A time that has always come, whatever becomes of the clock.
pub(super) const ANY_TIME: i64 = 0;

/// An accepted message.
pub(super) struct Sent {
    pub(super) accepted: NewMessage,
    pub(super) chat: usize,
    pub(super) status: MessageStatus,
    /// When it may be attempted, or attempted again.
    pub(super) due: i64,
    pub(super) attempts: u32,
    /// Since which step it waits for its turn: what is sent later, or again, queues up once more.
    pub(super) queued: usize,
    /// The account it was accepted for.
    pub(super) account: u8,
    pub(super) parked: Option<ParkReason>,
}

/// Everything that is promised to be there.
pub(super) struct Model {
    pub(super) now: i64,
    /// How many steps were taken.
    pub(super) steps: usize,
    pub(super) messages: Vec<Sent>,
    pub(super) received: BTreeSet<usize>,
    /// The account the device is linked to.
    pub(super) linked: Option<u8>,
    /// The account it is, or was last, linked to.
    pub(super) last_account: u8,
}

impl Default for Model {
    fn default() -> Self {
        Self {
            now: 1_000,
            steps: 0,
            messages: Vec::new(),
            received: BTreeSet::new(),
            linked: Some(0),
            last_account: 0,
        }
    }
}

impl Sent {
    /// Whether it waits for its turn, or for its next attempt.
    pub(super) fn is_waiting(&self) -> bool {
        self.parked.is_none() && matches!(self.status, MessageStatus::Queued | MessageStatus::Retrying)
    }

    /// Its turn comes, whatever the time.
    pub(super) fn queue(&mut self, step: usize) {
        (self.status, self.due, self.parked) = (MessageStatus::Queued, ANY_TIME, None);
        self.queued = step;
    }

    /// It stays until somebody acts; of an attempt that was under way the outcome is unknown.
    pub(super) fn park(&mut self, reason: ParkReason) {
        if self.status == MessageStatus::Processing {
            self.status = MessageStatus::Retrying;
        }
        self.parked = Some(reason);
    }

    /// Something was learned of it; whether that changes anything.
    pub(super) fn learn(&mut self, status: MessageStatus) -> bool {
        let changes = self.status.may_become(status);
        if changes {
            self.status = status;
            if !status.is_in_outbox() {
                self.parked = None;
            }
        }
        changes
    }
}

/// What a claim without a limit may do.
#[derive(Default)]
pub(super) struct Turn {
    /// Whose turn it is.
    pub(super) claimable: BTreeSet<usize>,
    /// Those in flight that may be taken back to wait behind another.
    pub(super) taken_back: BTreeSet<usize>,
    /// Those that wait and belong to another account: they may be parked.
    pub(super) foreign: BTreeSet<usize>,
}

impl Model {
    pub(super) fn turn(&self) -> Turn {
        let mut turn = Turn::default();
        let Some(linked) = self.linked else {
            return turn;
        };
        let (mut held, mut queueing) = (BTreeSet::new(), BTreeSet::new());
        for (number, message) in self.messages.iter().enumerate() {
            let (chat, due) = (message.chat, message.due <= self.now);
            if message.is_waiting() && message.account != linked {
                turn.foreign.insert(number);
            } else if message.is_waiting() {
                queueing.insert(chat);
                if !due {
                    held.insert(chat);
                } else if !held.contains(&chat) {
                    turn.claimable.insert(number);
                }
            } else if message.status == MessageStatus::Processing && due {
                if queueing.contains(&chat) {
                    turn.taken_back.insert(number);
                }
                if !held.contains(&chat) {
                    turn.claimable.insert(number);
                }
            }
        }
        turn
    }

    /// Whether taking `later` and leaving `earlier` breaks the order of their chat.
    pub(super) fn is_overtaking(&self, later: usize, earlier: usize) -> bool {
        let (one, other) = (&self.messages[earlier], &self.messages[later]);
        let in_order = earlier < later && one.queued < other.queued;
        in_order && one.chat == other.chat && one.is_waiting() && other.is_waiting()
    }

    pub(super) fn number_of(&self, stanza: &StanzaId) -> usize {
        let sent = |message: &Sent| message.accepted.stanza == *stanza;
        self.messages
            .iter()
            .position(sent)
            .expect("a message of this test")
    }

    /// The numbers of the parked messages.
    pub(super) fn parked(&self) -> Vec<usize> {
        let numbers = 0..self.messages.len();
        numbers
            .filter(|number| self.messages[*number].parked.is_some())
            .collect()
    }

    /// The message that a step means, if there is any.
    pub(super) fn pick(&self, number: usize) -> Option<usize> {
        number.checked_rem(self.messages.len())
    }
}
