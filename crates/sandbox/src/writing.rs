//! A virtual contact writes to the companions of accounts, and writes again what they cannot read.

use std::sync::Arc;

use buffa::{Message as _, MessageField};
use postern_domain::PhoneNumber;
use rand::RngExt as _;
use wacore::messages::MessageUtils;
use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Jid, Node};
use waproto::whatsapp::Message;
use waproto::whatsapp::message::SenderKeyDistributionMessage;

use crate::address::{lid_jid, pn_jid};
use crate::companion::{Class, Queued};
use crate::groups::Group;
use crate::network::Network;
use crate::person::{Person, Recipient, Sent};
use crate::phone::name_of;
use crate::said::Said;
use crate::signal::{Sealed, SignalError, address};

/// Why a contact cannot write.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WriteError {
    #[error("no device is linked to this account")]
    NotLinked,
    #[error("nobody in this group has a linked device")]
    NobodyLinked,
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

/// The contact writes to all companions of an account; returns the stanza id. What is spoiled cannot be
/// read before it is asked for again.
pub(crate) fn write(
    network: &Network,
    contact: &Person,
    account: &Person,
    said: &Said,
    spoiled: bool,
) -> Result<String, WriteError> {
    let devices = devices(account);
    if devices.is_empty() {
        return Err(WriteError::NotLinked);
    }
    let sent = remember(contact, Recipient::Account(account.phone), said);
    for device in devices {
        let sealed = seal(contact, account, device, &content(&sent, None))?;
        let sealed = sealed.into_iter().collect();
        deliver(
            contact,
            &sent,
            account,
            device,
            sealed,
            Attempt::First { spoiled },
        );
    }
    network.changed.notify_one();
    Ok(sent.stanza_id)
}

/// The contact writes to all companions in a group. The contacts in it do not hear of each other.
pub(crate) fn write_to_group(
    network: &Network,
    contact: &Person,
    group: &Group,
    said: &Said,
    spoiled: bool,
) -> Result<String, WriteError> {
    let jid = group.jid().to_string();
    let readers = group.participants.iter();
    let readers = readers.filter(|phone| **phone != contact.phone);
    let readers: Vec<(Arc<Person>, u16)> = readers
        .filter_map(|phone| network.known(*phone))
        .flat_map(|person| {
            devices(&person)
                .into_iter()
                .map(move |device| (person.clone(), device))
        })
        .collect();
    if readers.is_empty() {
        return Err(WriteError::NobodyLinked);
    }
    let sent = remember(contact, Recipient::Group(jid.clone()), said);
    let (key, message) = {
        let keys = &mut contact.lock().party.sender_keys;
        (keys.distribution(&jid)?, keys.seal(&jid, &content(&sent, None))?)
    };
    let key = MessageUtils::pad_message_v2(group_key(&jid, key).encode_to_vec());
    for (account, device) in readers {
        let peer = address(account.phone, device);
        let lacks_key = contact.lock().party.sender_keys.share(&jid, &peer);
        let mut sealed = Vec::new();
        if lacks_key {
            sealed.extend(seal(contact, &account, device, &key)?);
        }
        sealed.push(message.clone());
        deliver(
            contact,
            &sent,
            &account,
            device,
            sealed,
            Attempt::First { spoiled },
        );
    }
    network.changed.notify_one();
    Ok(sent.stanza_id)
}

/// A companion could not read one of the contact's messages: the contact writes it again, on a new session.
pub(crate) fn write_again(
    contact: &Person,
    account: &Person,
    device: u16,
    stanza_id: &str,
) -> Result<(), SignalError> {
    let (sent, key) = {
        let mut state = contact.lock();
        let sent = state.sent.iter().find(|sent| sent.stanza_id == stanza_id);
        let Some(sent) = sent.filter(|sent| sent.to.may_be(account.phone)).cloned() else {
            return Ok(());
        };
        let peer = address(account.phone, device);
        let keys = &mut state.party.sender_keys;
        keys.unshare(|reader| *reader == peer);
        let key = match sent.to.group() {
            Some(group) => {
                keys.share(group, &peer);
                Some(keys.distribution(group)?)
            }
            None => None,
        };
        (sent, key)
    };
    begin_session(contact, account, device)?;
    let sealed = seal(contact, account, device, &content(&sent, key))?;
    let sealed = sealed.into_iter().collect();
    deliver(contact, &sent, account, device, sealed, Attempt::Again);
    Ok(())
}

fn devices(account: &Person) -> Vec<u16> {
    account.lock().account.companions.keys().copied().collect()
}

fn remember(contact: &Person, to: Recipient, said: &Said) -> Sent {
    let sent = Sent {
        stanza_id: new_stanza_id(),
        to,
        said: said.clone(),
    };
    contact.lock().remember_sent(sent.clone());
    sent
}

/// What is said, with the writer's key for the group if its reader lacks that.
fn content(sent: &Sent, key: Option<Vec<u8>>) -> Vec<u8> {
    let key = sent.to.group().zip(key);
    let message = key.map_or_else(Message::default, |(group, key)| group_key(group, key));
    MessageUtils::pad_message_v2(sent.said.encode(message))
}

fn group_key(group: &str, key: Vec<u8>) -> Message {
    Message {
        sender_key_distribution_message: MessageField::some(SenderKeyDistributionMessage {
            group_id: Some(group.to_owned()),
            axolotl_sender_key_distribution_message: Some(key),
        }),
        ..Default::default()
    }
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
    if !has_session && !begin_session(contact, account, device)? {
        return Ok(None);
    }
    contact.lock().party.encrypt(&peer, plaintext).map(Some)
}

/// What the companion still seals on an earlier session can be opened as well. False when there is no such companion.
fn begin_session(contact: &Person, account: &Person, device: u16) -> Result<bool, SignalError> {
    let bundle = match account.lock().account.companions.get_mut(&device) {
        Some(companion) => companion.take_bundle()?,
        None => return Ok(false),
    };
    let peer = address(account.phone, device);
    contact.lock().party.start_session(&peer, &bundle)?;
    Ok(true)
}

/// Puts what was sealed for a companion into its queue. The text itself is in the last of it.
fn deliver(
    contact: &Person,
    sent: &Sent,
    account: &Person,
    device: u16,
    mut sealed: Vec<Sealed>,
    attempt: Attempt,
) {
    let mut state = account.lock();
    let account = &mut state.account;
    let (Some(companion), Some(text)) = (account.companions.get_mut(&device), sealed.last_mut()) else {
        return;
    };
    if let Attempt::First { spoiled } = attempt
        && (spoiled || companion.faults.next_text_is_spoiled())
    {
        spoil(text);
    }
    companion.push(Queued {
        class: Class::Message,
        id: sent.stanza_id.clone(),
        kind: String::new(),
        node: message(contact.phone, sent, account.lid_migrated, sealed),
    });
}

/// Makes a message unreadable in such a way that its reader asks for it again.
fn spoil(sealed: &mut Sealed) {
    // The code that proves a message intact covers this byte or has it in it: eight bytes at the end, behind
    // which a message that begins a session has the registration id and the signed prekey's, four to ten more.
    // In a message into a group it lies in the signature.
    if let Some(byte) = sealed.bytes.iter_mut().nth_back(11) {
        *byte ^= 1;
    }
}

fn message(from: PhoneNumber, sent: &Sent, lid_migrated: bool, sealed: Vec<Sealed>) -> Node {
    let message = NodeBuilder::new("message")
        .attr("id", sent.stanza_id.as_str())
        .attr("t", crate::clock::unix_seconds())
        .attr("type", sent.said.stanza_type())
        .attr("notify", name_of(from));
    let message = match &sent.to {
        Recipient::Group(group) => message
            .attr("from", group.parse::<Jid>().unwrap_or_default())
            .attr("participant", lid_jid(from, 0))
            .attr("addressing_mode", "lid")
            .attr("participant_pn", pn_jid(from, 0)),
        Recipient::Account(_) if lid_migrated => message
            .attr("from", lid_jid(from, 0))
            .attr("addressing_mode", "lid")
            .attr("sender_pn", pn_jid(from, 0)),
        Recipient::Account(_) => message
            .attr("from", pn_jid(from, 0))
            .attr("sender_lid", lid_jid(from, 0)),
    };
    message
        .children(sealed.into_iter().map(enc).collect::<Vec<_>>())
        .build()
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
