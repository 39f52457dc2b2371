//! What a phone signs when it links a companion, so that everybody can tell whose device it is.

use buffa::Message as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use wacore_libsignal::protocol::{KeyPair, PublicKey};
use waproto::whatsapp::{
    ADVDeviceIdentity, ADVKeyIndexList, ADVSignedDeviceIdentity, ADVSignedDeviceIdentityHMAC,
    ADVSignedKeyIndexList,
};

use crate::certificate::{KeyError, public_bytes};

const ACCOUNT_SIGNATURE: &[u8] = &[6, 0];
const DEVICE_SIGNATURE: &[u8] = &[6, 1];
const KEY_INDEX_SIGNATURE: &[u8] = &[6, 2];

/// The account's word for one companion.
pub(crate) struct Endorsement {
    details: Vec<u8>,
    device_identity: PublicKey,
    account_identity: Vec<u8>,
    /// For `<device-identity>` of pair-success.
    pub(crate) container: Vec<u8>,
}

/// Endorses the companion with this identity. `secret` is what the QR code gave the phone.
pub(crate) fn endorse(
    account: &KeyPair,
    raw_id: u32,
    key_index: u32,
    device_identity: PublicKey,
    secret: &[u8],
) -> Result<Endorsement, KeyError> {
    let details = ADVDeviceIdentity {
        raw_id: Some(raw_id),
        timestamp: Some(crate::clock::unix_seconds()),
        key_index: Some(key_index),
        ..Default::default()
    }
    .encode_to_vec();
    let message = [ACCOUNT_SIGNATURE, &details, device_identity.public_key_bytes()].concat();
    let signature = account.calculate_signature(&message, &mut rand::rng())?;
    let account_identity = public_bytes(account);
    let signed = ADVSignedDeviceIdentity {
        details: Some(details.clone()),
        account_signature_key: Some(account_identity.clone()),
        account_signature: Some(signature.to_vec()),
        ..Default::default()
    }
    .encode_to_vec();
    let container = ADVSignedDeviceIdentityHMAC {
        hmac: Some(authenticate(secret, &signed)),
        details: Some(signed),
        ..Default::default()
    }
    .encode_to_vec();
    Ok(Endorsement {
        details,
        device_identity,
        account_identity,
        container,
    })
}

impl Endorsement {
    /// Whether the companion's answer carries these details with its own valid signature.
    pub(crate) fn is_countersigned_by(&self, answer: &[u8]) -> bool {
        let Ok(answer) = ADVSignedDeviceIdentity::decode_from_slice(answer) else {
            return false;
        };
        let message = [
            DEVICE_SIGNATURE,
            &self.details,
            self.device_identity.public_key_bytes(),
            &self.account_identity,
        ]
        .concat();
        answer.details.as_ref() == Some(&self.details)
            && answer
                .device_signature
                .is_some_and(|signature| self.device_identity.verify_signature(&message, &signature))
    }
}

/// The signed list of the companions that count, as usync serves it.
pub(crate) fn key_index_list(account: &KeyPair, raw_id: u32, indexes: Vec<u32>) -> Result<Vec<u8>, KeyError> {
    let details = ADVKeyIndexList {
        raw_id: Some(raw_id),
        timestamp: Some(crate::clock::unix_seconds()),
        current_index: Some(indexes.iter().copied().max().unwrap_or(0)),
        valid_indexes: indexes,
        ..Default::default()
    }
    .encode_to_vec();
    let signature =
        account.calculate_signature(&[KEY_INDEX_SIGNATURE, &details].concat(), &mut rand::rng())?;
    Ok(ADVSignedKeyIndexList {
        details: Some(details),
        account_signature: Some(signature.to_vec()),
        account_signature_key: Some(public_bytes(account)),
    }
    .encode_to_vec())
}

fn authenticate(secret: &[u8], message: &[u8]) -> Vec<u8> {
    match Hmac::<Sha256>::new_from_slice(secret) {
        Ok(mut mac) => {
            mac.update(message);
            mac.finalize().into_bytes().to_vec()
        }
        // HMAC takes keys of every length.
        Err(_) => Vec::new(),
    }
}
