//! The copy of a message for another real client.

use wacore_binary::Node;
use wacore_binary::builder::NodeBuilder;

use super::Letter;
use crate::address::{lid_jid, pn_jid};
use crate::person::Envelope;
use crate::phone::name_of;
use crate::stanza::bytes_node;

/// `is_own` when it is for another companion of the sender; `lid_migrated` decides what its reader calls
/// the sender.
pub(super) fn copy(letter: &Letter, envelope: &Envelope, is_own: bool, lid_migrated: bool) -> Node {
    let (sender, device) = (envelope.from, envelope.from_device);
    let message = NodeBuilder::new("message")
        .attr("id", letter.stanza_id.as_str())
        .attr("type", letter.kind.as_str())
        .attr("t", crate::clock::unix_seconds())
        .attr("notify", name_of(sender));
    let mut message = if envelope.group().is_some() {
        message
            .attr("from", &letter.chat)
            .attr("participant", lid_jid(sender, device))
            .attr("addressing_mode", "lid")
            .attr("participant_pn", pn_jid(sender, 0))
    } else if lid_migrated {
        message
            .attr("from", lid_jid(sender, device))
            .attr("addressing_mode", "lid")
            .attr("sender_pn", pn_jid(sender, 0))
    } else {
        message
            .attr("from", pn_jid(sender, device))
            .attr("sender_lid", lid_jid(sender, 0))
    };
    if is_own && envelope.group().is_none() {
        message = message.attr("recipient", &letter.recipient);
    }
    message.children(content(letter, envelope)).build()
}

fn content(letter: &Letter, envelope: &Envelope) -> Vec<Node> {
    let enc = |kind: &str| NodeBuilder::new("enc").attr("v", "2").attr("type", kind);
    let mut content = Vec::new();
    let mut begins_session = envelope.enc_kind == "pkmsg";
    if let Some(key) = &envelope.group_key {
        begins_session |= key.enc_kind == "pkmsg";
        content.push(enc(&key.enc_kind).bytes(key.ciphertext.clone()).build());
    }
    let mut message = enc(&envelope.enc_kind);
    if envelope.media != letter.kind {
        message = message.attr("mediatype", envelope.media.as_str());
    }
    content.push(message.bytes(envelope.ciphertext.clone()).build());
    if begins_session && let Some(identity) = &letter.device_identity {
        content.push(bytes_node("device-identity", identity.clone()));
    }
    content
}
