//! What a contact received, in order, each stanza id once.

use std::collections::{HashMap, VecDeque};

use chrono::{DateTime, Utc};
use postern_domain::PhoneNumber;

/// A contact remembers its latest messages only, so that a load test does not fill the memory.
pub(crate) const LIMIT: usize = 100_000;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Received {
    pub(crate) stanza_id: String,
    pub(crate) from: PhoneNumber,
    /// The group it was written into.
    pub(crate) group: Option<String>,
    /// `text`, or WhatsApp's word for what it is.
    pub(crate) kind: String,
    pub(crate) text: Option<String>,
    pub(crate) received_at: DateTime<Utc>,
    /// How often this stanza id came from this sender.
    pub(crate) copies: u32,
}

#[derive(Debug, Default)]
pub(crate) struct Inbox {
    messages: VecDeque<Received>,
    /// How many messages were forgotten: the number of the first one that is kept.
    first: u64,
    /// Sender and stanza id → the message's number.
    numbers: HashMap<(PhoneNumber, String), u64>,
}

impl Inbox {
    /// Adds a message, or a copy to the one with its sender and stanza id.
    pub(crate) fn record(&mut self, message: Received) {
        if self.count_copy(message.from, &message.stanza_id) {
            return;
        }
        let number = self.first + self.messages.len() as u64;
        self.numbers
            .insert((message.from, message.stanza_id.clone()), number);
        self.messages.push_back(message);
        if self.messages.len() > LIMIT
            && let Some(oldest) = self.messages.pop_front()
        {
            self.first += 1;
            self.numbers.remove(&(oldest.from, oldest.stanza_id));
        }
    }

    /// Counts another copy of a message that is here already; false when it is not.
    pub(crate) fn count_copy(&mut self, from: PhoneNumber, stanza_id: &str) -> bool {
        let known = self
            .numbers
            .get(&(from, stanza_id.to_owned()))
            .and_then(|number| usize::try_from(number - self.first).ok())
            .and_then(|index| self.messages.get_mut(index));
        match known {
            Some(message) => {
                message.copies = message.copies.saturating_add(1);
                true
            }
            None => false,
        }
    }

    pub(crate) fn messages(&self) -> impl Iterator<Item = &Received> {
        self.messages.iter()
    }
}

impl FromIterator<Received> for Inbox {
    fn from_iter<I: IntoIterator<Item = Received>>(messages: I) -> Self {
        let mut inbox = Self::default();
        for message in messages {
            inbox.record(message);
        }
        inbox
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(from: &str, stanza_id: usize) -> Received {
        Received {
            stanza_id: stanza_id.to_string(),
            from: PhoneNumber::from_digits(from).expect("a number"),
            group: None,
            kind: "text".to_owned(),
            text: None,
            received_at: DateTime::UNIX_EPOCH,
            copies: 1,
        }
    }

    #[test]
    fn a_stanza_id_is_one_message_per_sender() {
        let mut inbox = Inbox::default();
        for from in ["15551234567", "15551234568", "15551234567"] {
            inbox.record(message(from, 1));
        }
        let copies: Vec<u32> = inbox.messages().map(|message| message.copies).collect();
        assert_eq!(copies, [2, 1]);
    }

    #[test]
    fn the_oldest_are_forgotten_and_the_rest_are_still_found() {
        let mut inbox: Inbox = (0..LIMIT + 10).map(|id| message("15551234567", id)).collect();
        assert_eq!(inbox.messages().count(), LIMIT);
        let from = message("15551234567", 0).from;
        assert!(!inbox.count_copy(from, "9"));
        assert!(inbox.count_copy(from, "10"));
        assert_eq!(inbox.messages().next().expect("the oldest").copies, 2);
    }
}
