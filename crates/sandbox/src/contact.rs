//! A virtual contact: it reads what it gets, sends receipts, and writes when it is told to.

use std::sync::Arc;

use buffa::Message as _;
use postern_domain::PhoneNumber;
use rand::RngExt as _;
use wacore::messages::{MessageUtils, decode_plaintext};
use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Jid, Node};
use wacore_libsignal::protocol::PreKeyBundle;
use waproto::whatsapp::Message;

use crate::address::{lid_jid, pn_jid};
use crate::companion::{Class, Queued};
use crate::inbox::Received;
use crate::network::Network;
use crate::person::{Envelope, Person, PersonState, Sent};
use crate::phone::name_of;
use crate::signal::{Sealed, SignalError, address};
use crate::stanza::{bytes_node, short_id_bytes};

/// After so many requests for one message a contact gives up.
const RETRY_LIMIT: u8 = 5;
/// How many unreadable messages a contact keeps count of; then it begins anew.
const UNREADABLE_LIMIT: usize = 10_000;

/// Why a contact cannot write.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WriteError {
    #[error("no device is linked to this account")]
    NotLinked,
    #[error(transparent)]
    Signal(#[from] SignalError),
}

/// Which time it is that a contact writes a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Attempt {
    First,
    Again,
}

/// What a message makes a contact do.
enum Reaction {
    Nothing,
    Receipts { read: bool },
    AskAgain(Node),
}

/// A message reaches the contact's phone, or waits until the phone is online.
pub(crate) fn receive(network: &Network, contact: &Person, envelope: Envelope) {
    let reaction = {
        let mut state = contact.lock();
        if !state.behaviour.registered {
            return;
        }
        if !state.behaviour.online {
            state.hold(envelope);
            return;
        }
        read(&mut state, &envelope)
    };
    let Some(sender) = network.known(envelope.from) else {
        return;
    };
    match reaction {
        Reaction::Nothing => {}
        Reaction::Receipts { read } => {
            sender.push_to_companions(&receipt(&envelope, None));
            if read {
                sender.push_to_companions(&receipt(&envelope, Some("read")));
            }
        }
        Reaction::AskAgain(node) => {
            if let Some(companion) = sender.lock().account.companions.get_mut(&envelope.from_device) {
                companion.push(Queued {
                    class: Class::Receipt,
                    id: envelope.stanza_id,
                    kind: "retry".to_owned(),
                    node,
                });
            }
        }
    }
}

/// The contact's phone is online again: it gets what it missed.
pub(crate) fn catch_up(network: &Network, contact: &Person) {
    let held = std::mem::take(&mut contact.lock().held);
    for envelope in held {
        receive(network, contact, envelope);
    }
}

/// Decrypts and keeps a message. A copy that cannot be decrypted again, because its key was used up
/// by the first one, is still a copy: a phone confirms it again.
fn read(state: &mut PersonState, envelope: &Envelope) -> Reaction {
    let peer = address(envelope.from, envelope.from_device);
    let opened = state
        .party
        .decrypt(&peer, &envelope.enc_kind, &envelope.ciphertext)
        .map_err(|error| tracing::debug!(%error, "a contact cannot decrypt a message"))
        .ok()
        .and_then(|plaintext| decode_plaintext(&plaintext, 2).ok());
    let Some(message) = opened else {
        return if state.inbox.count_copy(envelope.from, &envelope.stanza_id) {
            receipts(state)
        } else {
            ask_again(state, envelope).unwrap_or(Reaction::Nothing)
        };
    };
    state.retries.remove(&(envelope.from, envelope.stanza_id.clone()));
    let text = text_of(message);
    state.inbox.record(Received {
        stanza_id: envelope.stanza_id.clone(),
        from: envelope.from,
        kind: if text.is_some() {
            "text".to_owned()
        } else {
            envelope.media.clone()
        },
        text,
        received_at: crate::clock::now(),
        copies: 1,
    });
    receipts(state)
}

fn text_of(message: Message) -> Option<String> {
    message.conversation.or_else(|| {
        message
            .extended_text_message
            .into_option()
            .and_then(|extended| extended.text)
    })
}

/// An account's phone is in a pocket; whoever is a contact only reads at once, if it is to.
fn receipts(state: &PersonState) -> Reaction {
    Reaction::Receipts {
        read: state.behaviour.auto_read && state.account.companions.is_empty(),
    }
}

fn receipt(envelope: &Envelope, kind: Option<&'static str>) -> Queued {
    let mut node = NodeBuilder::new("receipt")
        .attr("from", chat_jid(envelope))
        .attr("id", envelope.stanza_id.as_str())
        .attr("t", crate::clock::unix_seconds());
    if let Some(kind) = kind {
        node = node.attr("type", kind);
    }
    Queued {
        class: Class::Receipt,
        id: envelope.stanza_id.clone(),
        kind: kind.unwrap_or_default().to_owned(),
        node: node.build(),
    }
}

fn chat_jid(envelope: &Envelope) -> Jid {
    envelope.chat.parse().unwrap_or_default()
}

/// The session is lost on this side: the sender is asked to begin another one.
fn ask_again(state: &mut PersonState, envelope: &Envelope) -> Option<Reaction> {
    if state.retries.len() >= UNREADABLE_LIMIT {
        state.retries.clear();
    }
    let key = (envelope.from, envelope.stanza_id.clone());
    let count = state.retries.entry(key).or_insert(0);
    if *count >= RETRY_LIMIT {
        return None;
    }
    *count += 1;
    let retry = NodeBuilder::new("retry")
        .attr("v", "1")
        .attr("count", u32::from(*count))
        .attr("id", envelope.stanza_id.as_str())
        .attr("t", crate::clock::unix_seconds())
        .build();
    let bundle = state.party.bundle().ok()?;
    let node = NodeBuilder::new("receipt")
        .attr("from", chat_jid(envelope))
        .attr("id", envelope.stanza_id.as_str())
        .attr("type", "retry")
        .attr("t", crate::clock::unix_seconds())
        .children([
            retry,
            bytes_node("registration", bundle.registration_id().ok()?.to_be_bytes()),
            keys(&bundle)?,
        ]);
    Some(Reaction::AskAgain(node.build()))
}

fn keys(bundle: &PreKeyBundle) -> Option<Node> {
    let id = |id: u32| bytes_node("id", short_id_bytes(id));
    let one_time = NodeBuilder::new("key").children([
        id(bundle.pre_key_id().ok()??.into()),
        bytes_node("value", bundle.pre_key_public().ok()??.public_key_bytes()),
    ]);
    let signed = NodeBuilder::new("skey").children([
        id(bundle.signed_pre_key_id().ok()?.into()),
        bytes_node("value", bundle.signed_pre_key_public().ok()?.public_key_bytes()),
        bytes_node("signature", bundle.signed_pre_key_signature().ok()?),
    ]);
    let identity = bundle.identity_key().ok()?.public_key();
    let keys = NodeBuilder::new("keys").children([
        bytes_node("type", [5]),
        bytes_node("identity", identity.public_key_bytes()),
        one_time.build(),
        signed.build(),
    ]);
    Some(keys.build())
}

/// The contact writes to all companions of an account; returns the stanza id.
pub(crate) fn write(
    network: &Network,
    contact: &Person,
    account: &Arc<Person>,
    text: &str,
) -> Result<String, WriteError> {
    let devices: Vec<u16> = account.lock().account.companions.keys().copied().collect();
    if devices.is_empty() {
        return Err(WriteError::NotLinked);
    }
    let stanza_id = new_stanza_id();
    contact.lock().remember_sent(Sent {
        stanza_id: stanza_id.clone(),
        to: account.phone,
        text: text.to_owned(),
    });
    for device in devices {
        write_to_device(contact, account, device, &stanza_id, text, Attempt::First)?;
    }
    network.changed.notify_one();
    Ok(stanza_id)
}

/// A companion could not read one of the contact's messages: the contact writes it again, on a new session.
pub(crate) fn write_again(
    contact: &Person,
    account: &Person,
    device: u16,
    stanza_id: &str,
) -> Result<(), SignalError> {
    let text = {
        let mut state = contact.lock();
        let sent = state
            .sent
            .iter()
            .find(|sent| sent.stanza_id == stanza_id && sent.to == account.phone);
        let Some(text) = sent.map(|sent| sent.text.clone()) else {
            return Ok(());
        };
        state.party.forget_session(&address(account.phone, device));
        text
    };
    write_to_device(contact, account, device, stanza_id, &text, Attempt::Again)
}

fn write_to_device(
    contact: &Person,
    account: &Person,
    device: u16,
    stanza_id: &str,
    text: &str,
    attempt: Attempt,
) -> Result<(), SignalError> {
    let peer = address(account.phone, device);
    let plaintext = MessageUtils::pad_message_v2(
        Message {
            conversation: Some(text.to_owned()),
            ..Default::default()
        }
        .encode_to_vec(),
    );
    let has_session = contact.lock().party.has_session(&peer);
    let bundle = if has_session {
        None
    } else {
        match account.lock().account.companions.get_mut(&device) {
            Some(companion) => Some(companion.take_bundle()?),
            None => return Ok(()),
        }
    };
    let mut sealed = {
        let mut state = contact.lock();
        if let Some(bundle) = &bundle {
            state.party.start_session(&peer, bundle)?;
        }
        state.party.encrypt(&peer, &plaintext)?
    };
    let mut state = account.lock();
    let lid_migrated = state.account.lid_migrated;
    if let Some(companion) = state.account.companions.get_mut(&device) {
        if attempt == Attempt::First && companion.faults.next_text_is_spoiled() {
            spoil(&mut sealed);
        }
        companion.push(Queued {
            class: Class::Message,
            id: stanza_id.to_owned(),
            kind: String::new(),
            node: message(contact.phone, lid_migrated, stanza_id, sealed),
        });
    }
    Ok(())
}

/// Makes a message unreadable in such a way that its reader asks for it again.
fn spoil(sealed: &mut Sealed) {
    // In a message that begins a session these are the signed prekey's id, elsewhere the code that
    // proves the message intact.
    if let Some(last) = sealed.bytes.last_mut() {
        *last ^= 1;
    }
}

fn message(from: PhoneNumber, lid_migrated: bool, stanza_id: &str, sealed: Sealed) -> Node {
    let message = NodeBuilder::new("message")
        .attr("id", stanza_id)
        .attr("t", crate::clock::unix_seconds())
        .attr("type", "text")
        .attr("notify", name_of(from));
    let message = if lid_migrated {
        message
            .attr("from", lid_jid(from, 0))
            .attr("addressing_mode", "lid")
            .attr("sender_pn", pn_jid(from, 0))
    } else {
        message
            .attr("from", pn_jid(from, 0))
            .attr("sender_lid", lid_jid(from, 0))
    };
    message.children([enc(sealed)]).build()
}

pub(crate) fn enc(sealed: Sealed) -> Node {
    NodeBuilder::new("enc")
        .attr("v", "2")
        .attr("type", sealed.kind)
        .bytes(sealed.bytes)
        .build()
}

/// In the form WhatsApp's own clients use.
pub(crate) fn new_stanza_id() -> String {
    let random: [u8; 9] = rand::rng().random();
    format!("3EB0{}", hex::encode_upper(random))
}
