//! Messages a companion sends: acknowledged, then handed to every device they are encrypted for.

mod group;
mod relay;

use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Jid, JidExt as _, NodeRef};

use crate::address::phone_of;
use crate::companion::{Class, Queued};
use crate::contact;
use crate::faults::MessageFault;
use crate::person::{Envelope, Person};
use crate::phone;
use crate::session::LoggedIn;
use crate::stanza::{attr_is, child_bytes, children, jid_attr, text_attr};

/// What all copies of a message have in common.
struct Letter {
    stanza_id: String,
    /// The conversation, as the sender calls it, without a device.
    chat: Jid,
    /// Whom a copy for the account's other devices was written to.
    recipient: Jid,
    kind: String,
    device_identity: Option<Vec<u8>>,
}

pub(crate) fn handle(session: &LoggedIn, stanza: &NodeRef<'_>) {
    let (Some(stanza_id), Some(to)) = (text_attr(stanza, "id"), jid_attr(stanza, "to")) else {
        return;
    };
    let ack = NodeBuilder::new("ack")
        .attr("class", "message")
        .attr("id", stanza_id.as_str())
        .attr("from", &to)
        .attr("t", crate::clock::unix_seconds());
    if let Some(code) = group::refusal(session, &to) {
        session.outbox.send(ack.attr("error", code).build());
        return;
    }
    match fault(session, stanza) {
        None => session.outbox.send(ack.build()),
        Some(MessageFault::AckLost) => {}
        Some(MessageFault::Lost) => return,
        Some(MessageFault::Refused { code }) => {
            session.outbox.send(ack.attr("error", code).build());
            return;
        }
    }
    let letter = Letter {
        stanza_id,
        chat: to.to_non_ad(),
        // Named where a copy is sent again, which goes to the device that asked for it.
        recipient: jid_attr(stanza, "recipient").unwrap_or_else(|| to.to_non_ad()),
        kind: text_attr(stanza, "type").unwrap_or_else(|| "text".to_owned()),
        device_identity: child_bytes(stanza, "device-identity").map(<[u8]>::to_vec),
    };
    if to.is_group() {
        group::deliver(session, &letter, stanza);
        session.network.changed.notify_one();
        return;
    }
    if let Some(enc) = stanza.get_optional_child("enc") {
        // To one device only: a retry, or a message to the own phone.
        deliver(session, &letter, &to, enc);
    }
    let participants = stanza.get_optional_child("participants");
    for participant in participants.into_iter().flat_map(|list| children(list, "to")) {
        if let (Some(jid), Some(enc)) = (
            jid_attr(participant, "jid"),
            participant.get_optional_child("enc"),
        ) {
            deliver(session, &letter, &jid, enc);
        }
    }
    session.network.changed.notify_one();
}

/// What is armed for this message. What a client tells the account's own phone behind the scenes
/// uses nothing up.
fn fault(session: &LoggedIn, stanza: &NodeRef<'_>) -> Option<MessageFault> {
    if attr_is(stanza, "category", "peer") {
        return None;
    }
    let mut state = session.person.lock();
    let companion = state.account.companions.get_mut(&session.device)?;
    companion.faults.next_message()
}

fn deliver(session: &LoggedIn, letter: &Letter, recipient: &Jid, enc: &NodeRef<'_>) {
    let person = phone_of(recipient).and_then(|phone| session.network.person(phone).ok());
    if let (Some(person), Some(envelope)) = (person, letter.envelope(session, enc)) {
        hand_over(session, letter, &person, recipient.device, envelope);
    }
}

/// Gives a message to one device: a real client's, the account's own phone, or a contact's.
fn hand_over(session: &LoggedIn, letter: &Letter, person: &Person, device: u16, envelope: Envelope) {
    if device != 0 {
        let mut state = person.lock();
        let account = &mut state.account;
        if let Some(companion) = account.companions.get_mut(&device) {
            let is_own = person.phone == session.person.phone;
            let node = relay::copy(letter, &envelope, is_own, account.lid_migrated);
            companion.push(Queued {
                class: Class::Message,
                id: letter.stanza_id.clone(),
                kind: String::new(),
                node,
            });
        }
    } else if person.phone == session.person.phone {
        phone::receive(person, &envelope);
    } else {
        contact::receive(&session.network, person, envelope);
    }
}

impl Letter {
    /// What is in an `<enc>`, with what all copies have in common.
    fn envelope(&self, session: &LoggedIn, enc: &NodeRef<'_>) -> Option<Envelope> {
        Some(Envelope {
            from: session.person.phone,
            from_device: session.device,
            chat: self.chat.to_string(),
            stanza_id: self.stanza_id.clone(),
            media: text_attr(enc, "mediatype").unwrap_or_else(|| self.kind.clone()),
            enc_kind: text_attr(enc, "type")?,
            ciphertext: enc.content_bytes()?.to_vec(),
            group_key: None,
        })
    }
}
