//! Stops sending when WhatsApp fails whatever is tried, and feels its way back with one message at a time.

use std::collections::HashSet;
use std::time::Duration;

use postern_domain::StanzaId;
use postern_runtime::Backoff;

/// So many different messages fail, and none succeeds, before the fault is taken to be WhatsApp's. One message that
/// fails again and again has its own schedule.
const MESSAGES: usize = 5;

/// Whether attempts make sense at all.
pub(crate) struct Circuit {
    backoff: Backoff,
    /// Messages whose attempts failed since the last success.
    failed: HashSet<StanzaId>,
    /// How often it opened since the last success.
    openings: u32,
}

impl Circuit {
    pub(crate) fn new(backoff: Backoff) -> Self {
        Self {
            backoff,
            failed: HashSet::new(),
            openings: 0,
        }
    }

    /// An attempt failed in a way that another message could as well; how long to try nothing, if it opens.
    pub(crate) fn failed(&mut self, stanza: &StanzaId) -> Option<Duration> {
        if self.failed.len() < MESSAGES {
            self.failed.insert(stanza.clone());
        }
        if self.failed.len() < MESSAGES {
            return None;
        }
        self.openings = self.openings.saturating_add(1);
        Some(self.backoff.delay(self.openings))
    }

    /// WhatsApp took a message; whether that was in doubt.
    pub(crate) fn succeeded(&mut self) -> bool {
        self.failed.clear();
        std::mem::take(&mut self.openings) > 0
    }

    /// Whether only one message may go, to see.
    pub(crate) fn is_in_doubt(&self) -> bool {
        self.openings > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stanza(number: usize) -> StanzaId {
        StanzaId::from(format!("OUT{number}"))
    }

    #[test]
    fn it_opens_for_many_messages_and_not_for_one() {
        let mut circuit = Circuit::new(Backoff::new(Duration::from_secs(1), Duration::from_secs(60)));
        for _ in 0..100 {
            assert_eq!(circuit.failed(&stanza(0)), None);
        }
        for number in 1..MESSAGES - 1 {
            assert_eq!(circuit.failed(&stanza(number)), None);
        }
        assert!(!circuit.succeeded(), "it was never in doubt");
        for number in 0..MESSAGES - 1 {
            assert_eq!(circuit.failed(&stanza(number)), None);
        }
        let first = circuit.failed(&stanza(MESSAGES)).expect("it opens");
        assert!(first <= Duration::from_secs(2) && circuit.is_in_doubt());
        for _ in 0..5 {
            circuit.failed(&stanza(0));
        }
        let later = circuit.failed(&stanza(0)).expect("it stays open");
        assert!(later >= Duration::from_secs(60), "the pauses grow: {later:?}");
        assert!(circuit.succeeded() && !circuit.is_in_doubt());
    }
}
