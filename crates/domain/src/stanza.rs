//! WhatsApp's own message id, chosen when a message is accepted and reused on every attempt.

use std::fmt;

use rand::RngExt as _;

/// A stanza id.
///
/// Ours are `3EB0` and 18 upper-case hexadecimal digits, the form WhatsApp Web uses; those of received
/// messages are whatever the sender chose. WhatsApp folds two messages of one sender with the same id
/// into one, which is what makes sending again safe.
///
/// Ours are random throughout. Beginning with the time would keep what an index of them writes together, 8 of the 34 µs
/// that an acceptance takes of the writer, and would tell WhatsApp that this is not WhatsApp Web.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StanzaId(String);

impl StanzaId {
    /// A new random id.
    #[must_use]
    pub fn generate() -> Self {
        let bytes: [u8; 9] = rand::rng().random();
        let mut text = String::with_capacity(22);
        text.push_str("3EB0");
        for byte in bytes {
            text.push_str(&format!("{byte:02X}"));
        }
        Self(text)
    }

    /// The text that goes over the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for StanzaId {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Display for StanzaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
