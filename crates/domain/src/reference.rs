//! What a caller calls a message in its own books.

use std::fmt;
use std::str::FromStr;

/// The longest reference, in bytes.
const MAX_LENGTH: usize = 255;

/// A caller's own name for a message, e.g. the number of an order: 1 to 255 printable ASCII characters.
///
/// Any number of messages may have the same. Never shown by `Debug`: it may be about a person.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ClientReference(String);

/// Why a text is not a reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to {MAX_LENGTH} printable ASCII characters")]
pub struct ReferenceError;

impl ClientReference {
    /// The text as the caller wrote it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ClientReference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let printable = text.bytes().all(|byte| (0x20..=0x7e).contains(&byte));
        if !printable || !(1..=MAX_LENGTH).contains(&text.len()) {
            return Err(ReferenceError);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for ClientReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ClientReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientReference(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_printable_ascii_of_a_sane_length_is_a_reference() {
        let longest = "r".repeat(MAX_LENGTH);
        for good in ["1", "order 1234/2", "~!\"' ", &longest] {
            assert_eq!(good.parse::<ClientReference>().expect(good).as_str(), good);
        }
        let too_long = format!("{longest}r");
        for bad in ["", "é", "a\tb", "a\nb", "\u{7f}", "a\0b", &too_long] {
            assert_eq!(bad.parse::<ClientReference>(), Err(ReferenceError), "{bad:?}");
        }
    }
}
