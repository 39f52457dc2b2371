//! API keys: how they look and how they are made.

mod checks;

use std::fmt;

use rand::Rng as _;
use sha2::{Digest as _, Sha256};

pub use self::checks::{KEY_OVERLAP, MOST_KEY_OVERLAP, checked_expiry, checked_networks, checked_scopes};

/// How many hexadecimal digits follow the prefix: 192 random bits.
const KEY_DIGITS: usize = 48;

/// Which keys a daemon hands out. It takes both kinds, as long as it handed them out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// Those of a daemon that is linked to WhatsApp.
    Live,
    /// Those of a daemon that talks to a sandbox.
    Test,
}

impl KeyKind {
    const ALL: [Self; 2] = [Self::Live, Self::Test];

    /// What its keys start with.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Live => "sk_live_",
            Self::Test => "sk_test_",
        }
    }
}

/// An API key as its owner holds it: `sk_live_` or `sk_test_` and 48 hexadecimal digits. Never stored, never logged.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKeySecret {
    kind: KeyKind,
    text: String,
}

/// The text is not an API key of this gateway. It is not repeated: it may be a mistyped key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an API key is \"sk_live_\" or \"sk_test_\", followed by 48 digits and letters a to f")]
pub struct NotAnApiKey;

impl ApiKeySecret {
    /// A new random key.
    #[must_use]
    pub fn generate(kind: KeyKind) -> Self {
        let mut bytes = [0; KEY_DIGITS / 2];
        rand::rng().fill_bytes(&mut bytes);
        let text = format!("{}{}", kind.prefix(), hex::encode(bytes));
        Self { kind, text }
    }

    /// Reads a key as its owner wrote it.
    ///
    /// # Errors
    /// It does not have the form of a key.
    pub fn parse(text: &str) -> Result<Self, NotAnApiKey> {
        let split = |kind: KeyKind| Some((kind, text.strip_prefix(kind.prefix())?));
        let (kind, digits) = KeyKind::ALL.into_iter().find_map(split).ok_or(NotAnApiKey)?;
        let hexadecimal = digits
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if hexadecimal && digits.len() == KEY_DIGITS {
            let text = text.to_owned();
            Ok(Self { kind, text })
        } else {
            Err(NotAnApiKey)
        }
    }

    /// The key itself, for its owner.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// SHA-256 of the whole key: what is stored. A slow hash would add nothing to 192 random bits.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.text.as_bytes()).into()
    }

    /// What it starts with.
    #[must_use]
    pub const fn prefix(&self) -> &'static str {
        self.kind.prefix()
    }

    /// The four characters that it ends with; they are shown to tell keys apart.
    #[must_use]
    pub fn last_four(&self) -> &str {
        // The whole key is ASCII.
        &self.text[self.text.len() - 4..]
    }
}

impl fmt::Debug for ApiKeySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKeySecret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_key_has_the_documented_form_and_comes_back() {
        for (kind, prefix) in [(KeyKind::Live, "sk_live_"), (KeyKind::Test, "sk_test_")] {
            let key = ApiKeySecret::generate(kind);
            assert_eq!((key.expose().len(), &key.expose()[..8]), (56, prefix));
            assert_eq!(ApiKeySecret::parse(key.expose()), Ok(key.clone()));
            assert_ne!(ApiKeySecret::generate(kind), key);
            assert!(key.expose().ends_with(key.last_four()));
            assert_eq!((key.last_four().len(), key.prefix()), (4, prefix));
            assert!(!format!("{key:?}").contains(key.last_four()));
        }
    }

    #[test]
    fn anything_else_is_refused() {
        let digits = "0123456789abcdef".repeat(3);
        assert!(ApiKeySecret::parse(&format!("sk_live_{digits}")).is_ok());
        assert!(ApiKeySecret::parse(&format!("sk_test_{digits}")).is_ok());
        for text in [
            String::new(),
            digits.clone(),
            format!("sk_prod_{digits}"),
            format!("sk_live_{}", digits.to_uppercase()),
            format!("sk_live_{digits}0"),
            format!("sk_live_{}", &digits[1..]),
            format!("sk_live_{}é", &digits[2..]),
        ] {
            assert_eq!(ApiKeySecret::parse(&text), Err(NotAnApiKey), "{text}");
        }
    }
}
