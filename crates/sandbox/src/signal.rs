//! One party of the Signal protocol: the keys and sessions of a person's device 0.

use std::collections::HashMap;

use async_trait::async_trait;
use futures_util::FutureExt as _;
use postern_domain::PhoneNumber;
use rand::RngExt as _;
use wacore_libsignal::protocol::error::Result as SignalResult;
use wacore_libsignal::protocol::{
    CiphertextMessage, CiphertextMessageType, Direction, GenericSignedPreKey as _, IdentityChange,
    IdentityKey, IdentityKeyPair, IdentityKeyStore, KeyPair, PreKeyBundle, PreKeyId, PreKeyRecord,
    PreKeySignalMessage, PreKeyStore, ProtocolAddress, PublicKey, SessionRecord, SessionStore, SignalMessage,
    SignalProtocolError, SignedPreKeyId, SignedPreKeyRecord, SignedPreKeyStore, Timestamp, UsePQRatchet,
    message_decrypt, message_encrypt, process_prekey_bundle,
};

use crate::address::lid_of;
use crate::certificate::{KeyError, key_pair};
use crate::sender_keys::{SavedSenderKeys, SenderKeys};

const SIGNED_PREKEY: u32 = 1;

/// Who the other side of a session is: a person's device, whichever name it is called by. Errors of
/// the protocol repeat it, so it must not show the phone number.
pub(crate) fn address(phone: PhoneNumber, device: u16) -> ProtocolAddress {
    ProtocolAddress::new(&lid_of(phone).to_string(), u32::from(device).into())
}

pub(crate) struct Party {
    own: OwnIdentity,
    signed_prekey: SignedPrekey,
    prekeys: Prekeys,
    sessions: Sessions,
    pub(crate) sender_keys: SenderKeys,
}

/// A ciphertext and what `<enc type>` calls it.
#[derive(Debug, Clone)]
pub(crate) struct Sealed {
    pub(crate) kind: &'static str,
    pub(crate) bytes: Vec<u8>,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum SignalError {
    #[error(transparent)]
    Protocol(#[from] SignalProtocolError),
    #[error("an in-memory store made the protocol wait")]
    Waited,
    #[error("no ciphertext of this type is known")]
    UnknownType,
}

impl Party {
    pub(crate) fn generate() -> Result<Self, KeyError> {
        let mut random = rand::rng();
        let identity = KeyPair::generate(&mut random);
        let signed_prekey = KeyPair::generate(&mut random);
        // Registration ids have 14 bits and are not zero.
        let registration_id = random.random_range(1..0x3fff);
        Self::new(identity, registration_id, &signed_prekey, Vec::new(), 1)
    }

    fn new(
        identity: KeyPair,
        registration_id: u32,
        signed_prekey: &KeyPair,
        prekeys: Vec<PreKeyRecord>,
        next_prekey: u32,
    ) -> Result<Self, KeyError> {
        let signature =
            identity.calculate_signature(&signed_prekey.public_key.serialize(), &mut rand::rng())?;
        let record = SignedPreKeyRecord::new(
            SignedPreKeyId::from(SIGNED_PREKEY),
            Timestamp::from_epoch_millis(crate::clock::unix_seconds() * 1000),
            signed_prekey,
            &signature,
        );
        let records = prekeys
            .into_iter()
            .filter_map(|record| Some((u32::from(record.id().ok()?), record)))
            .collect();
        Ok(Self {
            own: OwnIdentity {
                pair: identity.into(),
                registration_id,
            },
            signed_prekey: SignedPrekey {
                record,
                private: signed_prekey.private_key.serialize().to_vec(),
            },
            prekeys: Prekeys {
                records,
                next: next_prekey,
            },
            sessions: Sessions::default(),
            sender_keys: SenderKeys::default(),
        })
    }

    pub(crate) fn identity(&self) -> KeyPair {
        KeyPair::new(*self.own.pair.public_key(), self.own.pair.private_key().clone())
    }

    /// What a stranger needs to begin a session; each bundle has a one-time key of its own.
    pub(crate) fn bundle(&mut self) -> Result<PreKeyBundle, SignalError> {
        let (id, key) = self.prekeys.issue();
        Ok(PreKeyBundle::new(
            self.own.registration_id,
            0_u32.into(),
            Some((id, key)),
            SignedPreKeyId::from(SIGNED_PREKEY),
            self.signed_prekey.record.public_key()?,
            self.signed_prekey.record.signature()?,
            *self.own.pair.identity_key(),
        )?)
    }

    pub(crate) fn has_session(&self, peer: &ProtocolAddress) -> bool {
        self.sessions.0.contains_key(peer)
    }

    pub(crate) fn forget_session(&mut self, peer: &ProtocolAddress) {
        self.sessions.0.remove(peer);
        self.sender_keys.unshare(|reader| reader == peer);
    }

    /// Forgets the sessions with all devices of a person, and their keys for groups; returns how many
    /// sessions there were.
    pub(crate) fn forget_person(&mut self, phone: PhoneNumber) -> usize {
        let person = address(phone, 0);
        let before = self.sessions.0.len();
        for peer in self.sessions.0.keys().filter(|peer| peer.name() == person.name()) {
            self.sender_keys.forget(|sender| sender == peer.as_str());
        }
        self.sender_keys.unshare(|reader| reader.name() == person.name());
        self.sessions.0.retain(|peer, _| peer.name() != person.name());
        before - self.sessions.0.len()
    }

    pub(crate) fn start_session(
        &mut self,
        peer: &ProtocolAddress,
        bundle: &PreKeyBundle,
    ) -> Result<(), SignalError> {
        process_prekey_bundle(
            peer,
            &mut self.sessions,
            &mut self.own,
            bundle,
            &mut rand::rng(),
            UsePQRatchet::No,
        )
        .now_or_never()
        .ok_or(SignalError::Waited)??;
        Ok(())
    }

    pub(crate) fn encrypt(
        &mut self,
        peer: &ProtocolAddress,
        plaintext: &[u8],
    ) -> Result<Sealed, SignalError> {
        let message = message_encrypt(plaintext, peer, &mut self.sessions, &mut self.own)
            .now_or_never()
            .ok_or(SignalError::Waited)??;
        let kind = match message.message_type() {
            CiphertextMessageType::PreKey => "pkmsg",
            _ => "msg",
        };
        Ok(Sealed {
            kind,
            bytes: message.serialize().to_vec(),
        })
    }

    /// Opens a ciphertext. The padding is still on it.
    pub(crate) fn decrypt(
        &mut self,
        peer: &ProtocolAddress,
        kind: &str,
        ciphertext: &[u8],
    ) -> Result<Vec<u8>, SignalError> {
        let message = match kind {
            "pkmsg" => CiphertextMessage::PreKeySignalMessage(PreKeySignalMessage::try_from(ciphertext)?),
            "msg" => CiphertextMessage::SignalMessage(SignalMessage::try_from(ciphertext)?),
            _ => return Err(SignalError::UnknownType),
        };
        let opened = message_decrypt(
            &message,
            peer,
            &mut self.sessions,
            &mut self.own,
            &mut self.prekeys,
            &self.signed_prekey,
            &mut rand::rng(),
            UsePQRatchet::No,
        )
        .now_or_never()
        .ok_or(SignalError::Waited)??;
        if let Some(used) = opened.consumed_prekey_id {
            self.prekeys.records.remove(&u32::from(used));
        }
        Ok(opened.plaintext)
    }

    pub(crate) fn save(&self) -> Result<SavedParty, SignalError> {
        let sessions = self.sessions.0.iter().map(|(peer, record)| {
            Ok(SavedSession {
                name: peer.name().to_owned(),
                device: peer.device_id().into(),
                record: record.serialize()?,
            })
        });
        let prekeys = self.prekeys.records.values().map(PreKeyRecord::serialize);
        Ok(SavedParty {
            identity: self.own.pair.private_key().serialize().to_vec(),
            registration_id: self.own.registration_id,
            signed_prekey: self.signed_prekey.private.clone(),
            prekeys: prekeys.collect::<SignalResult<_>>()?,
            next_prekey: self.prekeys.next,
            sessions: sessions.collect::<Result<_, SignalError>>()?,
            sender_keys: self.sender_keys.save()?,
        })
    }

    pub(crate) fn restore(saved: &SavedParty) -> Result<Self, RestoreError> {
        let prekeys = saved.prekeys.iter().map(|bytes| PreKeyRecord::deserialize(bytes));
        let mut party = Self::new(
            key_pair(&saved.identity)?,
            saved.registration_id,
            &key_pair(&saved.signed_prekey)?,
            prekeys.collect::<SignalResult<_>>()?,
            saved.next_prekey,
        )?;
        for session in &saved.sessions {
            let peer = ProtocolAddress::new(&session.name, session.device.into());
            let record = SessionRecord::deserialize(&session.record)?;
            party.sessions.0.insert(peer, record);
        }
        party.sender_keys = SenderKeys::restore(&saved.sender_keys)?;
        Ok(party)
    }
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum RestoreError {
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error(transparent)]
    Protocol(#[from] SignalProtocolError),
}

#[derive(serde::Serialize, serde::Deserialize)]
pub(crate) struct SavedParty {
    #[serde(with = "crate::snapshot::bytes")]
    identity: Vec<u8>,
    registration_id: u32,
    #[serde(with = "crate::snapshot::bytes")]
    signed_prekey: Vec<u8>,
    #[serde(with = "crate::snapshot::byte_lists")]
    prekeys: Vec<Vec<u8>>,
    next_prekey: u32,
    sessions: Vec<SavedSession>,
    #[serde(default)]
    sender_keys: SavedSenderKeys,
}

#[derive(serde::Serialize, serde::Deserialize)]
struct SavedSession {
    name: String,
    device: u32,
    #[serde(with = "crate::snapshot::bytes")]
    record: Vec<u8>,
}

struct OwnIdentity {
    pair: IdentityKeyPair,
    registration_id: u32,
}

/// Every identity is trusted: a device that was linked anew is the same person.
#[async_trait]
impl IdentityKeyStore for OwnIdentity {
    async fn get_identity_key_pair(&self) -> SignalResult<IdentityKeyPair> {
        Ok(self.pair.clone())
    }

    async fn get_local_registration_id(&self) -> SignalResult<u32> {
        Ok(self.registration_id)
    }

    async fn save_identity(
        &mut self,
        _address: &ProtocolAddress,
        _identity: &IdentityKey,
    ) -> SignalResult<IdentityChange> {
        Ok(IdentityChange::NewOrUnchanged)
    }

    async fn is_trusted_identity(
        &self,
        _address: &ProtocolAddress,
        _identity: &IdentityKey,
        _direction: Direction,
    ) -> SignalResult<bool> {
        Ok(true)
    }

    async fn get_identity(&self, _address: &ProtocolAddress) -> SignalResult<Option<IdentityKey>> {
        Ok(None)
    }
}

struct SignedPrekey {
    record: SignedPreKeyRecord,
    private: Vec<u8>,
}

#[async_trait]
impl SignedPreKeyStore for SignedPrekey {
    async fn get_signed_pre_key(&self, id: SignedPreKeyId) -> SignalResult<SignedPreKeyRecord> {
        if u32::from(id) == SIGNED_PREKEY {
            Ok(self.record.clone())
        } else {
            Err(SignalProtocolError::InvalidSignedPreKeyId)
        }
    }

    async fn save_signed_pre_key(
        &mut self,
        _id: SignedPreKeyId,
        _record: &SignedPreKeyRecord,
    ) -> SignalResult<()> {
        Err(SignalProtocolError::InvalidSignedPreKeyId)
    }
}

struct Prekeys {
    records: HashMap<u32, PreKeyRecord>,
    next: u32,
}

impl Prekeys {
    fn issue(&mut self) -> (PreKeyId, PublicKey) {
        let pair = KeyPair::generate(&mut rand::rng());
        let id = self.next;
        // Ids have 24 bits on the wire and 0 is none.
        self.next = if id >= 0x00ff_ffff { 1 } else { id + 1 };
        self.records.insert(id, PreKeyRecord::new(id.into(), &pair));
        (id.into(), pair.public_key)
    }
}

#[async_trait]
impl PreKeyStore for Prekeys {
    async fn get_pre_key(&self, id: PreKeyId) -> SignalResult<PreKeyRecord> {
        self.records
            .get(&u32::from(id))
            .cloned()
            .ok_or(SignalProtocolError::InvalidPreKeyId)
    }

    async fn save_pre_key(&mut self, id: PreKeyId, record: &PreKeyRecord) -> SignalResult<()> {
        self.records.insert(id.into(), record.clone());
        Ok(())
    }

    async fn remove_pre_key(&mut self, id: PreKeyId) -> SignalResult<()> {
        self.records.remove(&u32::from(id));
        Ok(())
    }
}

#[derive(Default)]
struct Sessions(HashMap<ProtocolAddress, SessionRecord>);

#[async_trait]
impl SessionStore for Sessions {
    async fn load_session(&self, address: &ProtocolAddress) -> SignalResult<Option<SessionRecord>> {
        Ok(self.0.get(address).cloned())
    }

    async fn has_session(&self, address: &ProtocolAddress) -> SignalResult<bool> {
        Ok(self.0.contains_key(address))
    }

    async fn store_session(&mut self, address: &ProtocolAddress, record: SessionRecord) -> SignalResult<()> {
        self.0.insert(address.clone(), record);
        Ok(())
    }
}
