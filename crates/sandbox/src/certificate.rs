//! The server's keys and the certificate chain it proves itself with, signed by the sandbox's own root.

use buffa::{Message as _, MessageField};
use wacore_libsignal::protocol::{CurveError, KeyPair, PrivateKey};
use waproto::whatsapp::CertChain;
use waproto::whatsapp::cert_chain::NoiseCertificate;
use waproto::whatsapp::cert_chain::noise_certificate::Details;

/// Wide enough that no client with a wrong clock trips over it: 2020-09-13 to 2100-01-01.
const VALID: (u64, u64) = (1_600_000_000, 4_102_444_800);

/// A key that should be one is not.
#[derive(Debug, thiserror::Error)]
#[error("invalid key: {0}")]
pub struct KeyError(#[from] CurveError);

/// The identity of a sandbox as a server. Clients cache it, so it must outlive restarts.
pub(crate) struct ServerKeys {
    pub(crate) root: KeyPair,
    pub(crate) intermediate: KeyPair,
    /// The server's Noise static key.
    pub(crate) server: KeyPair,
    /// The encoded chain over `server`.
    pub(crate) chain: Vec<u8>,
}

impl ServerKeys {
    pub(crate) fn generate() -> Result<Self, KeyError> {
        let mut random = rand::rng();
        Self::new(
            KeyPair::generate(&mut random),
            KeyPair::generate(&mut random),
            KeyPair::generate(&mut random),
        )
    }

    /// From the private keys of root, intermediate and server.
    pub(crate) fn restore(root: &[u8], intermediate: &[u8], server: &[u8]) -> Result<Self, KeyError> {
        Self::new(key_pair(root)?, key_pair(intermediate)?, key_pair(server)?)
    }

    fn new(root: KeyPair, intermediate: KeyPair, server: KeyPair) -> Result<Self, KeyError> {
        let (not_before, not_after) = VALID;
        let certify = |issuer: &KeyPair, issuer_serial, serial, key: &KeyPair| -> Result<_, KeyError> {
            let details = Details {
                serial: Some(serial),
                issuer_serial: Some(issuer_serial),
                key: Some(public_bytes(key)),
                not_before: Some(not_before),
                not_after: Some(not_after),
            }
            .encode_to_vec();
            let signature = issuer.calculate_signature(&details, &mut rand::rng())?;
            Ok(MessageField::some(NoiseCertificate {
                details: Some(details),
                signature: Some(signature.to_vec()),
            }))
        };
        let chain = CertChain {
            intermediate: certify(&root, 0, 1, &intermediate)?,
            leaf: certify(&intermediate, 1, 2, &server)?,
        }
        .encode_to_vec();
        Ok(Self {
            root,
            intermediate,
            server,
            chain,
        })
    }
}

pub(crate) fn key_pair(private: &[u8]) -> Result<KeyPair, KeyError> {
    let private_key = PrivateKey::deserialize(private)?;
    Ok(KeyPair::new(private_key.public_key()?, private_key))
}

/// The 32 raw bytes, as everything but Signal's own records has them.
pub(crate) fn public_bytes(key: &KeyPair) -> Vec<u8> {
    key.public_key.public_key_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use wacore_libsignal::protocol::PublicKey;

    /// The rules of whatsmeow's handshake, which are the strictest of the known clients.
    #[test]
    fn the_chain_satisfies_the_strictest_client() {
        let keys = ServerKeys::generate().expect("keys");
        let chain = CertChain::decode_from_slice(&keys.chain).expect("a chain");
        let open = |certificate: &NoiseCertificate| {
            let bytes = certificate.details.clone().expect("details");
            (Details::decode_from_slice(&bytes).expect("details"), bytes)
        };
        let intermediate = chain.intermediate.as_option().expect("an intermediate");
        let leaf = chain.leaf.as_option().expect("a leaf");
        let (issuer, issuer_bytes) = open(intermediate);
        let (subject, subject_bytes) = open(leaf);

        let signed = intermediate.signature.as_deref().expect("a signature");
        assert_eq!(signed.len(), 64);
        assert!(keys.root.public_key.verify_signature(&issuer_bytes, signed));
        let issuer_key = issuer.key.as_deref().expect("a key");
        assert_eq!(issuer_key.len(), 32);
        let issuer_key = PublicKey::from_djb_public_key_bytes(issuer_key).expect("a key");
        let signed = leaf.signature.as_deref().expect("a signature");
        assert!(issuer_key.verify_signature(&subject_bytes, signed));

        assert_eq!(issuer.issuer_serial, Some(0));
        assert_eq!(subject.issuer_serial, issuer.serial);
        assert_eq!(subject.key, Some(public_bytes(&keys.server)));
        let now = crate::clock::unix_seconds();
        for details in [issuer, subject] {
            assert!(details.not_before.expect("a date") < now && now < details.not_after.expect("a date"));
        }
    }

    #[test]
    fn restored_keys_are_the_same() {
        let keys = ServerKeys::generate().expect("keys");
        let private = |pair: &KeyPair| pair.private_key.serialize().to_vec();
        let again = ServerKeys::restore(
            &private(&keys.root),
            &private(&keys.intermediate),
            &private(&keys.server),
        )
        .expect("keys");
        assert_eq!(public_bytes(&again.root), public_bytes(&keys.root));
        assert_eq!(public_bytes(&again.server), public_bytes(&keys.server));
    }
}
