//! Claimed messages that wait for their turn: a line for each chat, and the chats take turns.

use std::collections::{HashMap, VecDeque};

use postern_domain::Address;
use postern_store::Claimed;

/// The lines of one device.
///
/// A chat whose message [`Self::next`] gave out is being written to, and its next one stays until [`Self::advance`].
#[derive(Default)]
pub(crate) struct Lines {
    /// Chats that have messages here, and those that are being written to.
    waiting: HashMap<Address, VecDeque<Claimed>>,
    /// Chats whose turn has not come.
    turns: VecDeque<Address>,
}

impl Lines {
    /// How many messages wait.
    pub(crate) fn len(&self) -> usize {
        self.waiting.values().map(VecDeque::len).sum()
    }

    /// The message waits behind those of its chat, unless it does already.
    pub(crate) fn push(&mut self, message: Claimed) {
        match self.waiting.get_mut(&message.to) {
            Some(line) if line.iter().any(|waiting| waiting.stanza == message.stanza) => {}
            Some(line) => line.push_back(message),
            None => {
                self.turns.push_back(message.to.clone());
                self.waiting.insert(message.to.clone(), VecDeque::from([message]));
            }
        }
    }

    /// The first message of the chat whose turn it is.
    pub(crate) fn next(&mut self) -> Option<Claimed> {
        loop {
            let chat = self.turns.pop_front()?;
            if let Some(message) = self.waiting.get_mut(&chat).and_then(VecDeque::pop_front) {
                return Some(message);
            }
            self.waiting.remove(&chat);
        }
    }

    /// A chat is free for its next message.
    pub(crate) fn advance(&mut self, chat: &Address) {
        match self.waiting.get(chat) {
            Some(line) if line.is_empty() => drop(self.waiting.remove(chat)),
            Some(_) => self.turns.push_back(chat.clone()),
            None => {}
        }
    }

    /// Takes a chat out with all that wait for it; nothing is being written to it any more.
    pub(crate) fn remove(&mut self, chat: &Address) -> VecDeque<Claimed> {
        self.turns.retain(|waiting| waiting != chat);
        self.waiting.remove(chat).unwrap_or_default()
    }

    /// Forgets all that wait; a chat that is being written to is so until [`Self::advance`].
    pub(crate) fn forget_waiting(&mut self) {
        for chat in self.turns.drain(..) {
            self.waiting.remove(&chat);
        }
        for line in self.waiting.values_mut() {
            line.clear();
        }
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.waiting.clear();
        self.turns.clear();
    }
}

#[cfg(test)]
mod tests {
    use postern_domain::{Content, MessageId, StanzaId, Timestamp};

    use super::*;

    fn message(stanza: &str, to: &str) -> Claimed {
        Claimed {
            id: MessageId::generate(),
            stanza: StanzaId::from(stanza.to_owned()),
            to: to.parse().expect("an address"),
            content: Content::Text { body: String::new() },
            attempt: 1,
            accepted_at: Timestamp::from_millis(0),
        }
    }

    #[test]
    fn chats_take_turns_and_each_keeps_its_order() {
        let mut lines = Lines::default();
        for (stanza, to) in [
            ("A1", "+15550000001"),
            ("A2", "+15550000001"),
            ("B1", "+15550000002"),
        ] {
            lines.push(message(stanza, to));
            lines.push(message(stanza, to));
        }
        assert_eq!(lines.len(), 3, "none is in it twice");
        let next = |lines: &mut Lines| lines.next().map(|message| message.stanza.to_string());
        let (ada, grace) = (
            "+15550000001".parse().expect("valid"),
            "+15550000002".parse().expect("valid"),
        );
        assert_eq!(next(&mut lines).as_deref(), Some("A1"));
        assert_eq!(next(&mut lines).as_deref(), Some("B1"));
        assert_eq!(next(&mut lines), None, "both are being written to");
        lines.push(message("A3", "+15550000001"));
        assert_eq!(next(&mut lines), None);
        lines.advance(&grace);
        lines.advance(&ada);
        assert_eq!(next(&mut lines).as_deref(), Some("A2"));
        let left: Vec<_> = lines
            .remove(&ada)
            .into_iter()
            .map(|message| message.stanza.to_string())
            .collect();
        assert_eq!(left, ["A3"]);
        lines.push(message("A4", "+15550000001"));
        assert_eq!(
            next(&mut lines).as_deref(),
            Some("A4"),
            "nothing is being written to it any more"
        );
        assert_eq!(lines.len(), 0);
    }

    #[test]
    fn what_waits_can_be_forgotten_while_chats_are_written_to() {
        let (ada, grace) = ("+15550000001", "+15550000002");
        let mut lines = Lines::default();
        for (stanza, to) in [("A1", ada), ("B1", grace), ("A2", ada)] {
            lines.push(message(stanza, to));
        }
        let next = |lines: &mut Lines| lines.next().map(|message| message.stanza.to_string());
        assert_eq!(next(&mut lines).as_deref(), Some("A1"));
        lines.forget_waiting();
        assert_eq!((lines.len(), next(&mut lines)), (0, None));
        lines.push(message("A3", ada));
        assert_eq!(next(&mut lines), None, "it is still being written to");
        lines.advance(&ada.parse().expect("valid"));
        assert_eq!(next(&mut lines).as_deref(), Some("A3"));
        lines.push(message("B2", grace));
        assert_eq!(next(&mut lines).as_deref(), Some("B2"));
    }
}
