//! Messages a companion sends: acknowledged, then handed to every device they are encrypted for.

use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Jid, Node, NodeRef};

use crate::address::{lid_jid, phone_of, pn_jid};
use crate::companion::{Class, Queued};
use crate::contact;
use crate::faults::MessageFault;
use crate::person::Envelope;
use crate::phone;
use crate::session::LoggedIn;
use crate::stanza::{attr_is, bytes_node, child_bytes, children, jid_attr, text_attr};

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
    let (Some(ciphertext), Some(enc_kind)) = (enc.content_bytes(), text_attr(enc, "type")) else {
        return;
    };
    let Some(person) = phone_of(recipient).and_then(|phone| session.network.person(phone).ok()) else {
        return;
    };
    let envelope = Envelope {
        from: session.person.phone,
        from_device: session.device,
        chat: letter.chat.to_string(),
        stanza_id: letter.stanza_id.clone(),
        media: text_attr(enc, "mediatype").unwrap_or_else(|| letter.kind.clone()),
        enc_kind,
        ciphertext: ciphertext.to_vec(),
    };
    if recipient.device != 0 {
        let mut state = person.lock();
        let lid_migrated = state.account.lid_migrated;
        if let Some(companion) = state.account.companions.get_mut(&recipient.device) {
            let node = relayed(
                session,
                letter,
                &envelope,
                person.phone == session.person.phone,
                lid_migrated,
            );
            companion.push(Queued {
                class: Class::Message,
                id: letter.stanza_id.clone(),
                kind: String::new(),
                node,
            });
        }
    } else if person.phone == session.person.phone {
        phone::receive(&person, &envelope);
    } else {
        contact::receive(&session.network, &person, envelope);
    }
}

/// The copy for another real client.
fn relayed(
    session: &LoggedIn,
    letter: &Letter,
    envelope: &Envelope,
    is_own: bool,
    lid_migrated: bool,
) -> Node {
    let sender = session.person.phone;
    let mut message = NodeBuilder::new("message")
        .attr("id", letter.stanza_id.as_str())
        .attr("type", letter.kind.as_str())
        .attr("t", crate::clock::unix_seconds())
        .attr("notify", phone::name_of(sender));
    message = if lid_migrated {
        message
            .attr("from", lid_jid(sender, session.device))
            .attr("addressing_mode", "lid")
            .attr("sender_pn", pn_jid(sender, 0))
    } else {
        message
            .attr("from", pn_jid(sender, session.device))
            .attr("sender_lid", lid_jid(sender, 0))
    };
    if is_own {
        message = message.attr("recipient", &letter.recipient);
    }
    let mut enc = NodeBuilder::new("enc")
        .attr("v", "2")
        .attr("type", envelope.enc_kind.as_str());
    if envelope.media != letter.kind {
        enc = enc.attr("mediatype", envelope.media.as_str());
    }
    let mut content = vec![enc.bytes(envelope.ciphertext.clone()).build()];
    if envelope.enc_kind == "pkmsg"
        && let Some(identity) = &letter.device_identity
    {
        content.push(bytes_node("device-identity", identity.clone()));
    }
    message.children(content).build()
}
