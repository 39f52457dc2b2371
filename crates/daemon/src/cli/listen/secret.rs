//! The secret that forwarded events are signed with.

use std::fmt;
use std::str::FromStr;

use rand::RngExt as _;
use standardwebhooks::Webhook;

/// What base64 is written with.
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/// 24 bytes, the least that Standard Webhooks asks for, are 32 letters without padding: any 32.
const LETTERS: usize = 32;

/// The secret that is signed with: `whsec_` and base64.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// A new one.
    pub(crate) fn generate() -> Self {
        let mut random = rand::rng();
        let letters = (0..LETTERS).map(|_| char::from(ALPHABET[random.random_range(0..ALPHABET.len())]));
        Self(format!("whsec_{}", letters.collect::<String>()))
    }

    /// The text, for the one who may see it.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl FromStr for Secret {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_one = text.len() > "whsec_".len() && text.starts_with("whsec_") && Webhook::new(text).is_ok();
        is_one
            .then(|| Self(text.to_owned()))
            .ok_or("it must be whsec_ and base64")
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_that_is_made_is_one_and_does_not_show_itself() {
        let secret = Secret::generate();
        assert!(secret.0.parse::<Secret>().is_ok());
        assert_ne!(secret.0, Secret::generate().0);
        assert_eq!(format!("{secret:?}"), "Secret(…)");
        for bad in ["", "whsec_", "whsec_!", "AAAA"] {
            assert!(bad.parse::<Secret>().is_err(), "{bad}");
        }
    }
}
