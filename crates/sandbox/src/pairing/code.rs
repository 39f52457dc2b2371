//! The phone's side of linking by a code that is typed in.
//!
//! The client hides its ephemeral key behind the code and the phone hides its own in the same way,
//! so that only two sides with the same code agree on a secret. Neither can tell whether the other
//! has the right code before the client's key bundle is opened.

use wacore::crypto::hkdf_sha256_into;
use wacore::libsignal::crypto::aes_256_gcm_decrypt;
use wacore::pair_code::PairCodeUtils;
use wacore_libsignal::protocol::{KeyPair, PublicKey};

use super::LinkError;
use crate::certificate::{KeyError, public_bytes};

/// Salt, nonce, and the sealed keys with their tag.
const BUNDLE_LENGTH: usize = 32 + 12 + 96 + 16;
const CODE_LENGTH: usize = 8;

/// A code as somebody types it: eight letters and digits, in any case, with or without a dash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TypedCode(String);

impl TypedCode {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let code: String = text.chars().filter(|letter| *letter != '-').collect();
        let fits = code.len() == CODE_LENGTH && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
        fits.then(|| Self(code.to_ascii_uppercase()))
    }
}

/// What the phone knows after it has read the client's key with the code.
pub(crate) struct PhoneHello {
    ephemeral: KeyPair,
    companion_ephemeral: PublicKey,
    /// The phone's key, hidden behind the code.
    pub(crate) wrapped_ephemeral: [u8; 80],
}

impl PhoneHello {
    /// Slow on purpose, as the derivation from so short a code must be: it belongs on a thread that
    /// may block.
    pub(crate) fn new(code: &TypedCode, wrapped_companion_ephemeral: &[u8; 80]) -> Result<Self, LinkError> {
        let companion_ephemeral =
            PairCodeUtils::decrypt_primary_ephemeral_pub(wrapped_companion_ephemeral, &code.0)
                .map_err(|error| LinkError::Key(error.to_string()))?;
        let ephemeral = KeyPair::generate(&mut rand::rng());
        let mut own_ephemeral = [0; 32];
        own_ephemeral.copy_from_slice(ephemeral.public_key.public_key_bytes());
        Ok(Self {
            wrapped_ephemeral: PairCodeUtils::encrypt_ephemeral_pub(&own_ephemeral, &code.0),
            companion_ephemeral: PublicKey::from_djb_public_key_bytes(&companion_ephemeral)
                .map_err(KeyError::from)?,
            ephemeral,
        })
    }

    /// The secret that takes the place of a QR code's; [`LinkError::WrongCode`] when the client's
    /// answer was sealed with another one.
    pub(crate) fn secret(
        &self,
        account: &KeyPair,
        companion_identity: &[u8; 32],
        wrapped_bundle: &[u8],
    ) -> Result<[u8; 32], LinkError> {
        let agree = |own: &KeyPair, theirs: &PublicKey| {
            let shared = own.private_key.calculate_agreement(theirs);
            shared.map_err(KeyError::from)
        };
        let identity = PublicKey::from_djb_public_key_bytes(companion_identity).map_err(KeyError::from)?;
        let ephemeral_secret = agree(&self.ephemeral, &self.companion_ephemeral)?;
        let identity_secret = agree(account, &identity)?;
        let random = open_bundle(wrapped_bundle, &ephemeral_secret)
            .and_then(|bundle| {
                let known = [companion_identity.as_slice(), &public_bytes(account)].concat();
                bundle.strip_prefix(known.as_slice()).map(<[u8]>::to_vec)
            })
            .ok_or(LinkError::WrongCode)?;
        let mut secret = [0; 32];
        hkdf_sha256_into(
            &[ephemeral_secret.as_ref(), identity_secret.as_ref(), &random].concat(),
            None,
            b"adv_secret",
            &mut secret,
        )
        .map_err(|error| LinkError::Key(error.to_string()))?;
        Ok(secret)
    }
}

fn open_bundle(wrapped: &[u8], ephemeral_secret: &[u8]) -> Option<Vec<u8>> {
    let wrapped: &[u8; BUNDLE_LENGTH] = wrapped.try_into().ok()?;
    let (salt, rest) = wrapped.split_at(32);
    let (nonce, sealed) = rest.split_at(12);
    let mut key = [0; 32];
    let purpose = b"link_code_pairing_key_bundle_encryption_key";
    hkdf_sha256_into(ephemeral_secret, Some(salt), purpose, &mut key).ok()?;
    let mut bundle = Vec::new();
    aes_256_gcm_decrypt(&key, nonce.try_into().ok()?, b"", sealed, &mut bundle).ok()?;
    Some(bundle)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(key: &KeyPair) -> [u8; 32] {
        public_bytes(key).try_into().expect("32 bytes")
    }

    #[test]
    fn a_code_may_be_typed_in_any_case_and_with_a_dash() {
        for text in ["ABCD1234", "abcd-1234", "AbCd-1234"] {
            assert_eq!(TypedCode::parse(text), Some(TypedCode("ABCD1234".to_owned())));
        }
        for text in ["", "ABCD123", "ABCD12345", "ABCD 123", "ÄBCD123", "--------"] {
            assert_eq!(TypedCode::parse(text), None, "{text}");
        }
    }

    /// The other side is the real client's own code.
    #[test]
    fn both_sides_agree_on_a_secret_only_with_the_same_code() {
        let mut random = rand::rng();
        let account = KeyPair::generate(&mut random);
        let identity = KeyPair::generate(&mut random);
        let ephemeral = KeyPair::generate(&mut random);
        let shown = "ABCD1234";
        let hidden = PairCodeUtils::encrypt_ephemeral_pub(&raw(&ephemeral), shown);
        for (typed, right) in [("abcd-1234", true), ("ABCD1235", false)] {
            let typed = TypedCode::parse(typed).expect("a code");
            let hello = PhoneHello::new(&typed, &hidden).expect("a hello");
            let theirs = PairCodeUtils::decrypt_primary_ephemeral_pub(&hello.wrapped_ephemeral, shown);
            let (bundle, secret) = PairCodeUtils::prepare_key_bundle(
                &ephemeral,
                &theirs.expect("a key"),
                &raw(&account),
                &identity,
            )
            .expect("a bundle");
            let expected = if right {
                Ok(secret)
            } else {
                Err(LinkError::WrongCode)
            };
            assert_eq!(hello.secret(&account, &raw(&identity), &bundle), expected);
        }
    }
}
