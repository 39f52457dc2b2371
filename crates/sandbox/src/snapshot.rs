//! The network's state as one JSON file, replaced whole.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use postern_domain::PhoneNumber;
use serde::{Deserialize, Serialize};
use wacore_binary::Node;
use wacore_binary::marshal::{marshal, unmarshal_ref};

use crate::certificate::ServerKeys;
use crate::companion::{Class, Companion, NumberedKey, Queued, Registration, SignedKey};
use crate::config::StartError;
use crate::faults::Armed;
use crate::groups::Group;
use crate::inbox::Received;
use crate::network::Network;
use crate::person::{Account, Behaviour, Envelope, GroupKey, Person, Recipient, Sent};
use crate::said::Said;
use crate::signal::{Party, SavedParty, SignalError};

const VERSION: u32 = 1;
const FILE: &str = "sandbox.json";

/// Where the state is kept.
#[derive(Debug, Clone)]
pub(crate) struct StateFile {
    path: PathBuf,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum SaveError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    #[error(transparent)]
    Signal(#[from] SignalError),
    #[error(transparent)]
    Stanza(#[from] wacore_binary::BinaryError),
}

impl StateFile {
    pub(crate) fn in_directory(directory: &Path) -> Result<Self, StartError> {
        fs::create_dir_all(directory).map_err(|source| StartError::State {
            path: directory.to_owned(),
            source,
        })?;
        Ok(Self {
            path: directory.join(FILE),
        })
    }

    /// The network as it was saved, or a new one when nothing was.
    pub(crate) fn load(&self) -> Result<Network, StartError> {
        let bytes = match fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Network::new(ServerKeys::generate()?, HashMap::new(), Vec::new()));
            }
            Err(source) => {
                return Err(StartError::State {
                    path: self.path.clone(),
                    source,
                });
            }
        };
        restore(&bytes).map_err(|reason| StartError::Unreadable {
            path: self.path.clone(),
            reason,
        })
    }

    /// Replaces the file. A crash leaves the old one or the new one, never a part.
    pub(crate) fn save(&self, network: &Network) -> Result<(), SaveError> {
        let people = network.people();
        let people = people.iter().map(|person| save_person(person));
        let private = |pair: &wacore_libsignal::protocol::KeyPair| pair.private_key.serialize().to_vec();
        let saved = SavedNetwork {
            version: VERSION,
            root: private(&network.keys.root),
            intermediate: private(&network.keys.intermediate),
            server: private(&network.keys.server),
            people: people.collect::<Result<_, _>>()?,
            groups: network.groups().iter().map(|group| save_group(group)).collect(),
        };
        let temporary = self.path.with_extension("json.new");
        let mut file = File::create(&temporary)?;
        file.write_all(&serde_json::to_vec(&saved)?)?;
        file.sync_all()?;
        fs::rename(&temporary, &self.path)?;
        Ok(())
    }
}

#[derive(Serialize, Deserialize)]
struct SavedNetwork {
    version: u32,
    #[serde(with = "bytes")]
    root: Vec<u8>,
    #[serde(with = "bytes")]
    intermediate: Vec<u8>,
    #[serde(with = "bytes")]
    server: Vec<u8>,
    people: Vec<SavedPerson>,
    #[serde(default)]
    groups: Vec<SavedGroup>,
}

#[derive(Serialize, Deserialize)]
struct SavedGroup {
    id: String,
    subject: String,
    created_at: DateTime<Utc>,
    participants: Vec<u64>,
}

#[derive(Serialize, Deserialize)]
struct SavedPerson {
    phone: u64,
    party: SavedParty,
    behaviour: Behaviour,
    raw_id: u32,
    #[serde(with = "bytes")]
    app_state_key: Vec<u8>,
    lid_migrated: bool,
    next_device: u16,
    next_key_index: u32,
    companions: Vec<SavedCompanion>,
    #[serde(default)]
    watchers: Vec<u64>,
    received: Vec<SavedReceived>,
    held: Vec<SavedEnvelope>,
    sent: Vec<SavedSent>,
}

#[derive(Serialize, Deserialize)]
struct SavedCompanion {
    device: u16,
    key_index: u32,
    #[serde(with = "bytes")]
    noise_key: Vec<u8>,
    #[serde(with = "bytes")]
    identity: Vec<u8>,
    registration_id: u32,
    signed_prekey: SavedKey,
    #[serde(with = "bytes")]
    signature: Vec<u8>,
    #[serde(default)]
    platform: String,
    #[serde(with = "bytes")]
    device_identity: Vec<u8>,
    prekeys: Vec<SavedKey>,
    has_app_state_key: bool,
    queue: Vec<SavedQueued>,
}

#[derive(Serialize, Deserialize)]
struct SavedKey {
    id: u32,
    #[serde(with = "bytes")]
    key: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct SavedQueued {
    class: Class,
    id: String,
    kind: String,
    #[serde(with = "bytes")]
    stanza: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct SavedReceived {
    stanza_id: String,
    from: u64,
    #[serde(default)]
    group: Option<String>,
    kind: String,
    text: Option<String>,
    received_at: DateTime<Utc>,
    copies: u32,
}

#[derive(Serialize, Deserialize)]
struct SavedEnvelope {
    from: u64,
    from_device: u16,
    chat: String,
    stanza_id: String,
    media: String,
    enc_kind: String,
    #[serde(with = "bytes")]
    ciphertext: Vec<u8>,
    #[serde(default)]
    group_key: Option<SavedGroupKey>,
}

#[derive(Serialize, Deserialize)]
struct SavedGroupKey {
    enc_kind: String,
    #[serde(with = "bytes")]
    ciphertext: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct SavedSent {
    stanza_id: String,
    #[serde(default)]
    to: Option<u64>,
    #[serde(default)]
    group: Option<String>,
    #[serde(flatten)]
    said: Said,
}

fn save_group(group: &Group) -> SavedGroup {
    SavedGroup {
        id: group.id.clone(),
        subject: group.subject.clone(),
        created_at: group.created_at,
        participants: group.participants.iter().map(|phone| phone.as_u64()).collect(),
    }
}

fn save_person(person: &Person) -> Result<SavedPerson, SaveError> {
    let state = person.lock();
    let account = &state.account;
    let received = state.inbox.messages().map(|message| SavedReceived {
        stanza_id: message.stanza_id.clone(),
        from: message.from.as_u64(),
        group: message.group.clone(),
        kind: message.kind.clone(),
        text: message.text.clone(),
        received_at: message.received_at,
        copies: message.copies,
    });
    let held = state.held.iter().map(|envelope| SavedEnvelope {
        from: envelope.from.as_u64(),
        from_device: envelope.from_device,
        chat: envelope.chat.clone(),
        stanza_id: envelope.stanza_id.clone(),
        media: envelope.media.clone(),
        enc_kind: envelope.enc_kind.clone(),
        ciphertext: envelope.ciphertext.clone(),
        group_key: envelope.group_key.as_ref().map(|key| SavedGroupKey {
            enc_kind: key.enc_kind.clone(),
            ciphertext: key.ciphertext.clone(),
        }),
    });
    let sent = state.sent.iter().map(|sent| SavedSent {
        stanza_id: sent.stanza_id.clone(),
        to: sent.to.account().map(PhoneNumber::as_u64),
        group: sent.to.group().map(str::to_owned),
        said: sent.said.clone(),
    });
    Ok(SavedPerson {
        phone: person.phone.as_u64(),
        party: state.party.save()?,
        behaviour: state.behaviour,
        raw_id: account.raw_id,
        app_state_key: account.app_state_key.to_vec(),
        lid_migrated: account.lid_migrated,
        next_device: account.next_device,
        next_key_index: account.next_key_index,
        companions: account
            .companions
            .values()
            .map(save_companion)
            .collect::<Result<_, _>>()?,
        watchers: state.watchers.iter().map(|phone| phone.as_u64()).collect(),
        received: received.collect(),
        held: held.collect(),
        sent: sent.collect(),
    })
}

fn save_companion(companion: &Companion) -> Result<SavedCompanion, SaveError> {
    let key = |key: &NumberedKey| SavedKey {
        id: key.id,
        key: key.key.to_vec(),
    };
    let queue = companion.queue.iter().map(|queued| {
        Ok(SavedQueued {
            class: queued.class,
            id: queued.id.clone(),
            kind: queued.kind.clone(),
            stanza: marshal(&queued.node)?,
        })
    });
    let Registration {
        identity,
        registration_id,
        signed_prekey,
        platform,
    } = &companion.registration;
    Ok(SavedCompanion {
        device: companion.device,
        key_index: companion.key_index,
        noise_key: companion.noise_key.to_vec(),
        identity: identity.to_vec(),
        registration_id: *registration_id,
        signed_prekey: key(&signed_prekey.key),
        signature: signed_prekey.signature.clone(),
        platform: platform.clone(),
        device_identity: companion.device_identity.clone(),
        prekeys: companion.prekeys.iter().map(key).collect(),
        has_app_state_key: companion.has_app_state_key,
        queue: queue.collect::<Result<_, SaveError>>()?,
    })
}

fn restore(json: &[u8]) -> Result<Network, String> {
    let saved: SavedNetwork = serde_json::from_slice(json).map_err(|error| error.to_string())?;
    if saved.version != VERSION {
        return Err(format!(
            "it has version {} and this is version {VERSION}",
            saved.version
        ));
    }
    let keys = ServerKeys::restore(&saved.root, &saved.intermediate, &saved.server)
        .map_err(|error| error.to_string())?;
    let people = saved.people.into_iter().map(|saved| {
        let person = restore_person(saved)?;
        Ok((person.phone, Arc::new(person)))
    });
    let groups = saved.groups.into_iter().map(restore_group);
    Ok(Network::new(
        keys,
        people.collect::<Result<_, String>>()?,
        groups.collect::<Result<_, String>>()?,
    ))
}

fn restore_group(saved: SavedGroup) -> Result<Group, String> {
    let participants = saved.participants.into_iter().map(restore_phone);
    Ok(Group {
        id: saved.id,
        subject: saved.subject,
        created_at: saved.created_at,
        participants: participants.collect::<Result<_, String>>()?,
    })
}

fn restore_person(saved: SavedPerson) -> Result<Person, String> {
    let phone = restore_phone(saved.phone)?;
    let companions = saved.companions.into_iter().map(|saved| {
        let companion = restore_companion(saved)?;
        Ok((companion.device, companion))
    });
    let account = Account {
        companions: companions.collect::<Result<_, String>>()?,
        // Device numbers begin at 1.
        next_device: saved.next_device.max(1),
        next_key_index: saved.next_key_index,
        raw_id: saved.raw_id,
        app_state_key: array(&saved.app_state_key)?,
        lid_migrated: saved.lid_migrated,
    };
    let party = Party::restore(&saved.party).map_err(|error| error.to_string())?;
    let person = Person::new(phone, party, account);
    let received = saved.received.into_iter().map(|message| {
        Ok(Received {
            stanza_id: message.stanza_id,
            from: restore_phone(message.from)?,
            group: message.group,
            kind: message.kind,
            text: message.text,
            received_at: message.received_at,
            copies: message.copies,
        })
    });
    let held = saved.held.into_iter().map(|envelope| {
        Ok(Envelope {
            from: restore_phone(envelope.from)?,
            from_device: envelope.from_device,
            chat: envelope.chat,
            stanza_id: envelope.stanza_id,
            media: envelope.media,
            enc_kind: envelope.enc_kind,
            ciphertext: envelope.ciphertext,
            group_key: envelope.group_key.map(|key| GroupKey {
                enc_kind: key.enc_kind,
                ciphertext: key.ciphertext,
            }),
        })
    });
    let sent = saved.sent.into_iter().map(|sent| {
        Ok(Sent {
            stanza_id: sent.stanza_id,
            to: match (sent.to, sent.group) {
                (_, Some(group)) => Recipient::Group(group),
                (Some(account), None) => Recipient::Account(restore_phone(account)?),
                (None, None) => return Err("a message was sent to nobody".to_owned()),
            },
            said: sent.said,
        })
    });
    {
        let mut state = person.lock();
        state.behaviour = saved.behaviour;
        let watchers = saved.watchers.into_iter().map(restore_phone);
        state.watchers = watchers.collect::<Result<_, String>>()?;
        state.inbox = received.collect::<Result<_, String>>()?;
        state.held = held.collect::<Result<_, String>>()?;
        state.sent = sent.collect::<Result<_, String>>()?;
    }
    Ok(person)
}

fn restore_companion(saved: SavedCompanion) -> Result<Companion, String> {
    let prekeys = saved.prekeys.iter().map(restore_key);
    let queue = saved.queue.into_iter().map(|queued| {
        Ok(Queued {
            class: queued.class,
            id: queued.id,
            kind: queued.kind,
            node: restore_stanza(&queued.stanza)?,
        })
    });
    Ok(Companion {
        device: saved.device,
        key_index: saved.key_index,
        noise_key: array(&saved.noise_key)?,
        registration: Registration {
            identity: array(&saved.identity)?,
            registration_id: saved.registration_id,
            signed_prekey: SignedKey {
                key: restore_key(&saved.signed_prekey)?,
                signature: saved.signature,
            },
            platform: saved.platform,
        },
        device_identity: saved.device_identity,
        prekeys: prekeys.collect::<Result<_, _>>()?,
        has_app_state_key: saved.has_app_state_key,
        queue: queue.collect::<Result<_, String>>()?,
        line: None,
        faults: Armed::default(),
    })
}

fn restore_phone(number: u64) -> Result<PhoneNumber, String> {
    PhoneNumber::from_digits(&number.to_string()).map_err(|error| error.to_string())
}

fn restore_key(saved: &SavedKey) -> Result<NumberedKey, String> {
    Ok(NumberedKey {
        id: saved.id,
        key: array(&saved.key)?,
    })
}

/// The codec puts a byte of flags in front of what it writes and wants it gone when it reads.
fn restore_stanza(marshalled: &[u8]) -> Result<Node, String> {
    let (_flags, stanza) = marshalled.split_first().ok_or("an empty stanza")?;
    let stanza = unmarshal_ref(stanza).map_err(|error| error.to_string())?;
    Ok(stanza.to_owned())
}

fn array(bytes: &[u8]) -> Result<[u8; 32], String> {
    bytes
        .try_into()
        .map_err(|_other_length| "a key does not have 32 bytes".to_owned())
}

/// Byte strings as base64.
pub(crate) mod bytes {
    use base64::Engine as _;
    use base64::prelude::BASE64_STANDARD;
    use serde::{Deserialize as _, Deserializer, Serializer, de};

    pub(crate) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64_STANDARD.encode(bytes))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        BASE64_STANDARD.decode(text).map_err(de::Error::custom)
    }
}

/// Lists of byte strings, each as base64.
pub(crate) mod byte_lists {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(transparent)]
    struct Item(#[serde(with = "super::bytes")] Vec<u8>);

    pub(crate) fn serialize<S: Serializer>(lists: &[Vec<u8>], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(lists.iter().map(|bytes| Item(bytes.clone())))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Vec<u8>>, D::Error> {
        let items = Vec::<Item>::deserialize(deserializer)?;
        Ok(items.into_iter().map(|item| item.0).collect())
    }
}
