//! API keys: how they look, how they are made, and what of them is stored.

use std::fmt;

use postern_domain::{ApiKeyId, WorkspaceId};
use postern_store::NewApiKey;
use rand::Rng as _;
use sha2::{Digest as _, Sha256};

/// What every key starts with.
pub const KEY_PREFIX: &str = "sk_live_";
/// How many hexadecimal digits follow: 192 random bits.
const KEY_DIGITS: usize = 48;

/// An API key as its owner holds it: `sk_live_` and 48 hexadecimal digits. Never stored, never logged.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKeySecret(String);

/// The text is not an API key of this gateway. It is not repeated: it may be a mistyped key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an API key is \"sk_live_\" followed by 48 digits and letters a to f")]
pub struct NotAnApiKey;

impl ApiKeySecret {
    /// A new random key.
    #[must_use]
    pub fn generate() -> Self {
        let mut bytes = [0; KEY_DIGITS / 2];
        rand::rng().fill_bytes(&mut bytes);
        Self(format!("{KEY_PREFIX}{}", hex::encode(bytes)))
    }

    /// Reads a key as its owner wrote it.
    ///
    /// # Errors
    /// It does not have the form of a key.
    pub fn parse(text: &str) -> Result<Self, NotAnApiKey> {
        let digits = text.strip_prefix(KEY_PREFIX).ok_or(NotAnApiKey)?;
        let hexadecimal = digits
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if hexadecimal && digits.len() == KEY_DIGITS {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotAnApiKey)
        }
    }

    /// The key itself, for its owner.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// SHA-256 of the whole key: what is stored. A slow hash would add nothing to 192 random bits.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }

    /// What the store keeps of this key.
    #[must_use]
    pub fn to_stored(&self, workspace: WorkspaceId, name: impl Into<String>) -> NewApiKey {
        NewApiKey {
            id: ApiKeyId::generate(),
            workspace,
            name: name.into(),
            hash: self.hash(),
            prefix: KEY_PREFIX.to_owned(),
            last_four: self.0.chars().skip(KEY_PREFIX.len() + KEY_DIGITS - 4).collect(),
        }
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
        let key = ApiKeySecret::generate();
        assert_eq!(key.expose().len(), 56);
        assert_eq!(ApiKeySecret::parse(key.expose()), Ok(key.clone()));
        assert_ne!(ApiKeySecret::generate(), key);
        let stored = key.to_stored(WorkspaceId::generate(), "first");
        assert!(key.expose().ends_with(&stored.last_four));
        assert_eq!((stored.last_four.len(), stored.hash), (4, key.hash()));
        assert!(!format!("{key:?}").contains(&stored.last_four));
    }

    #[test]
    fn anything_else_is_refused() {
        let digits = "0123456789abcdef".repeat(3);
        assert!(ApiKeySecret::parse(&format!("sk_live_{digits}")).is_ok());
        for text in [
            String::new(),
            digits.clone(),
            format!("sk_test_{digits}"),
            format!("sk_live_{}", digits.to_uppercase()),
            format!("sk_live_{digits}0"),
            format!("sk_live_{}", &digits[1..]),
            format!("sk_live_{}é", &digits[2..]),
        ] {
            assert_eq!(ApiKeySecret::parse(&text), Err(NotAnApiKey), "{text}");
        }
    }
}
