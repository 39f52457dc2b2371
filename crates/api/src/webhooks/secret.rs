//! The secret of an endpoint, as its owner gets it: the form of Standard Webhooks.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use postern_domain::webhook::WebhookSecret;
use rand::Rng as _;

/// What every secret starts with.
const PREFIX: &str = "whsec_";

/// A new random secret.
pub(super) fn generate() -> WebhookSecret {
    let mut bytes = [0; WebhookSecret::BYTES];
    rand::rng().fill_bytes(&mut bytes);
    WebhookSecret::from_bytes(bytes)
}

/// The text its owner verifies signatures with.
pub(super) fn shown(secret: &WebhookSecret) -> String {
    format!("{PREFIX}{}", STANDARD.encode(secret.expose()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_looks_as_standard_webhooks_says_and_no_two_are_the_same() {
        let zeros = WebhookSecret::from_bytes([0; WebhookSecret::BYTES]);
        assert_eq!(shown(&zeros), format!("whsec_{}=", "A".repeat(43)));
        assert_ne!(shown(&generate()), shown(&generate()));
    }
}
