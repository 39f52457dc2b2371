//! A virtual contact writes to the companions of an account, and writes again what they cannot read.

use buffa::Message as _;
use postern_domain::PhoneNumber;
use rand::RngExt as _;
use wacore::messages::MessageUtils;
use wacore_binary::Node;
use wacore_binary::builder::NodeBuilder;
use waproto::whatsapp::Message;

use crate::address::{lid_jid, pn_jid};
use crate::companion::{Class, Queued};
use crate::network::Network;
use crate::person::{Person, Sent};
use crate::phone::name_of;
use crate::signal::{Sealed, SignalError, address};

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
    First {
        /// So that the companion must ask for it again.
        spoiled: bool,
    },
    Again,
}

/// The contact writes to all companions of an account; returns the stanza id. What is spoiled cannot be read
/// before it is asked for again.
pub(crate) fn write(
    network: &Network,
    contact: &Person,
    account: &Person,
    text: &str,
    spoiled: bool,
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
        write_to_device(
            contact,
            account,
            device,
            &stanza_id,
            text,
            Attempt::First { spoiled },
        )?;
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
    let content = Message {
        conversation: Some(text.to_owned()),
        ..Default::default()
    };
    let plaintext = MessageUtils::pad_message_v2(content.encode_to_vec());
    let Some(mut sealed) = seal(contact, account, device, &plaintext)? else {
        return Ok(());
    };
    let mut state = account.lock();
    let account = &mut state.account;
    if let Some(companion) = account.companions.get_mut(&device) {
        if let Attempt::First { spoiled } = attempt
            && (spoiled || companion.faults.next_text_is_spoiled())
        {
            spoil(&mut sealed);
        }
        let node = message(contact.phone, account.lid_migrated, stanza_id, sealed);
        companion.push(Queued {
            class: Class::Message,
            id: stanza_id.to_owned(),
            kind: String::new(),
            node,
        });
    }
    Ok(())
}

/// Encrypts for one companion, on a new session if there is none; `None` when there is no such companion.
fn seal(
    contact: &Person,
    account: &Person,
    device: u16,
    plaintext: &[u8],
) -> Result<Option<Sealed>, SignalError> {
    let peer = address(account.phone, device);
    let has_session = contact.lock().party.has_session(&peer);
    let bundle = if has_session {
        None
    } else {
        match account.lock().account.companions.get_mut(&device) {
            Some(companion) => Some(companion.take_bundle()?),
            None => return Ok(None),
        }
    };
    let mut state = contact.lock();
    if let Some(bundle) = &bundle {
        state.party.start_session(&peer, bundle)?;
    }
    state.party.encrypt(&peer, plaintext).map(Some)
}

/// Makes a message unreadable in such a way that its reader asks for it again.
fn spoil(sealed: &mut Sealed) {
    // The code that proves a message intact covers this byte or has it in it: eight bytes at the end, behind
    // which a message that begins a session has the registration id and the signed prekey's, four to ten more.
    if let Some(byte) = sealed.bytes.iter_mut().nth_back(11) {
        *byte ^= 1;
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
