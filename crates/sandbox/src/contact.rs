//! A virtual contact reads what it gets, sends receipts, and asks again for what it cannot read.

use postern_domain::PhoneNumber;
use wacore::messages::decode_plaintext;
use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Jid, Node};
use wacore_libsignal::protocol::{PreKeyBundle, ProtocolAddress};
use waproto::whatsapp::Message;

use crate::address::lid_jid;
use crate::companion::{Class, Queued};
use crate::inbox::Received;
use crate::network::Network;
use crate::person::{Envelope, Person, PersonState};
use crate::signal::{Party, SignalError, address};
use crate::stanza::{bytes_node, short_id_bytes};

/// After so many requests for one message a contact gives up.
const RETRY_LIMIT: u8 = 5;
/// How many unreadable messages a contact keeps count of; then it begins anew.
const UNREADABLE_LIMIT: usize = 10_000;

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
        read(contact.phone, &mut state, &envelope)
    };
    let Some(sender) = network.known(envelope.from) else {
        return;
    };
    match reaction {
        Reaction::Nothing => {}
        Reaction::Receipts { read } => {
            sender.push_to_companions(&receipt(contact, &envelope, None));
            if read {
                sender.push_to_companions(&receipt(contact, &envelope, Some("read")));
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
fn read(contact: PhoneNumber, state: &mut PersonState, envelope: &Envelope) -> Reaction {
    let Some(message) = open(&mut state.party, envelope) else {
        return if state.inbox.count_copy(envelope.from, &envelope.stanza_id) {
            receipts(state)
        } else {
            ask_again(contact, state, envelope).unwrap_or(Reaction::Nothing)
        };
    };
    state.retries.remove(&(envelope.from, envelope.stanza_id.clone()));
    let text = text_of(message);
    state.inbox.record(Received {
        stanza_id: envelope.stanza_id.clone(),
        from: envelope.from,
        group: envelope.group().map(str::to_owned),
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

/// Whatever comes with a group's key makes the key known.
fn open(party: &mut Party, envelope: &Envelope) -> Option<Message> {
    let peer = address(envelope.from, envelope.from_device);
    if let Some(key) = &envelope.group_key {
        let opened = party.decrypt(&peer, &key.enc_kind, &key.ciphertext);
        take_group_key(party, &peer, &decoded(opened)?);
    }
    let opened = match envelope.group().filter(|_| envelope.enc_kind == "skmsg") {
        Some(group) => party.sender_keys.open(group, &peer, &envelope.ciphertext),
        None => party.decrypt(&peer, &envelope.enc_kind, &envelope.ciphertext),
    };
    let message = decoded(opened)?;
    take_group_key(party, &peer, &message);
    Some(message)
}

fn decoded(opened: Result<Vec<u8>, SignalError>) -> Option<Message> {
    match opened {
        Ok(plaintext) => decode_plaintext(&plaintext, 2).ok(),
        Err(error) => {
            tracing::debug!(%error, "a contact cannot decrypt a message");
            None
        }
    }
}

fn take_group_key(party: &mut Party, sender: &ProtocolAddress, message: &Message) {
    let key = message.sender_key_distribution_message.as_option();
    if let Some(key) = key
        && let (Some(group), Some(distribution)) =
            (&key.group_id, &key.axolotl_sender_key_distribution_message)
        && let Err(error) = party.sender_keys.learn(group, sender, distribution)
    {
        tracing::debug!(%error, "a contact cannot use a group's key");
    }
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

fn receipt(contact: &Person, envelope: &Envelope, kind: Option<&'static str>) -> Queued {
    let mut node = receipt_from(contact.phone, envelope);
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

fn receipt_from(contact: PhoneNumber, envelope: &Envelope) -> NodeBuilder {
    let chat: Jid = envelope.chat.parse().unwrap_or_default();
    let node = NodeBuilder::new("receipt")
        .attr("from", chat)
        .attr("id", envelope.stanza_id.as_str())
        .attr("t", crate::clock::unix_seconds());
    match envelope.group() {
        Some(_) => node.attr("participant", lid_jid(contact, 0)),
        None => node,
    }
}

/// The session is lost on this side: the sender is asked to begin another one.
fn ask_again(contact: PhoneNumber, state: &mut PersonState, envelope: &Envelope) -> Option<Reaction> {
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
    let node = receipt_from(contact, envelope).attr("type", "retry").children([
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
