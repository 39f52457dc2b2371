//! The key that deliveries to an endpoint are signed with, in the form of Standard Webhooks.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rand::Rng as _;

/// What every secret starts with.
const PREFIX: &str = "whsec_";

/// The key that deliveries to an endpoint are signed with. Shown once; never logged.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookSecret([u8; Self::BYTES]);

impl WebhookSecret {
    /// Its length. Standard Webhooks asks for 24 to 64.
    pub const BYTES: usize = 32;
    /// For how many hours a secret that was replaced signs as well, unless told.
    pub const OVERLAP_HOURS: u64 = 24;
    /// For how many hours it can at most.
    pub const MOST_OVERLAP_HOURS: u64 = 7 * 24;

    /// A new random secret.
    #[must_use]
    pub fn generate() -> Self {
        let mut bytes = [0; Self::BYTES];
        rand::rng().fill_bytes(&mut bytes);
        Self(bytes)
    }

    /// A secret of these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }

    /// The bytes that sign.
    #[must_use]
    pub const fn expose(&self) -> &[u8; Self::BYTES] {
        &self.0
    }

    /// The text that its owner verifies signatures with.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{PREFIX}{}", STANDARD.encode(self.0))
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_looks_as_standard_webhooks_says_and_no_two_are_the_same() {
        let zeros = WebhookSecret::from_bytes([0; WebhookSecret::BYTES]);
        assert_eq!(zeros.to_text(), format!("whsec_{}=", "A".repeat(43)));
        assert_ne!(
            WebhookSecret::generate().to_text(),
            WebhookSecret::generate().to_text()
        );
    }

    #[test]
    fn a_secret_does_not_show_itself() {
        let secret = WebhookSecret::from_bytes([0x41; WebhookSecret::BYTES]);
        assert_eq!(format!("{secret:?}"), "WebhookSecret(…)");
    }
}
