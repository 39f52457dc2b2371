//! What a companion confirms: messages by receipts, everything else by acks.

use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Jid, JidExt as _, NodeRef};

use crate::address::{lid_jid, phone_of};
use crate::companion::{Class, Queued};
use crate::session::LoggedIn;
use crate::stanza::{children, jid_attr, text_attr};
use crate::{phone, writing};

/// A client that cannot read a message after so many attempts will not read it at all.
const RETRY_LIMIT: u64 = 5;

/// The message that a receipt is about.
#[derive(Clone, Copy)]
struct Confirmed<'r> {
    chat: &'r Jid,
    /// The same as the chat, but in a group.
    author: &'r Jid,
}

impl Confirmed<'_> {
    /// A receipt as its author's companions get it: from the reader, or from the reader in a group.
    fn receipt(self, reader: Jid, reader_lid: Jid) -> NodeBuilder {
        let receipt = NodeBuilder::new("receipt").attr("t", crate::clock::unix_seconds());
        if self.chat.is_group() {
            receipt.attr("from", self.chat).attr("participant", reader_lid)
        } else {
            receipt.attr("from", reader)
        }
    }
}

pub(crate) fn handle_receipt(session: &LoggedIn, stanza: &NodeRef<'_>) {
    let (Some(id), Some(to)) = (text_attr(stanza, "id"), jid_attr(stanza, "to")) else {
        return;
    };
    let kind = text_attr(stanza, "type").unwrap_or_default();
    let participant = jid_attr(stanza, "participant").filter(|_| to.is_group());
    let mut ack = NodeBuilder::new("ack")
        .attr("class", "receipt")
        .attr("id", id.as_str())
        .attr("from", &to);
    if let Some(participant) = &participant {
        ack = ack.attr("participant", participant);
    }
    if !kind.is_empty() {
        ack = ack.attr("type", kind.as_str());
    }
    session.outbox.send(ack.build());

    let mut ids = vec![id];
    if let Some(list) = stanza.get_optional_child("list") {
        ids.extend(children(list, "item").filter_map(|item| text_attr(item, "id")));
    }
    // Who asks for a message again acknowledges the one it could not read as well. Until then that one waits, so that
    // the acknowledgement is not taken for one of the repetition, which has the same id.
    if kind != "retry"
        && let Some(companion) = session.person.lock().account.companions.get_mut(&session.device)
    {
        for id in &ids {
            companion.confirm(Class::Message, id, "");
        }
    }
    let message = Confirmed {
        chat: &to,
        author: participant.as_ref().unwrap_or(&to),
    };
    match kind.as_str() {
        "retry" => retry(session, stanza, message, &ids[0]),
        "" | "read" | "played" => relay(session, message, &kind, &ids),
        _ => {}
    }
    session.network.changed.notify_one();
}

pub(crate) fn handle_ack(session: &LoggedIn, stanza: &NodeRef<'_>) {
    let class = match text_attr(stanza, "class").as_deref() {
        // In place of a receipt, when the client cannot use the message at all.
        Some("message") => Class::Message,
        Some("receipt") => Class::Receipt,
        Some("notification") => Class::Notification,
        _ => return,
    };
    let Some(id) = text_attr(stanza, "id") else { return };
    let kind = text_attr(stanza, "type").unwrap_or_default();
    if let Some(companion) = session.person.lock().account.companions.get_mut(&session.device) {
        companion.confirm(class, &id, &kind);
    }
    session.network.changed.notify_one();
}

/// Tells the companions of the message's sender, if the sender is an account. They know the reader by
/// the name under which they write to it.
fn relay(session: &LoggedIn, message: Confirmed<'_>, kind: &str, ids: &[String]) {
    let own = session.person.phone;
    let Some(sender) = phone_of(message.author)
        .filter(|phone| *phone != own)
        .and_then(|phone| session.network.known(phone))
    else {
        return;
    };
    let from = sender.lock().account.name_for(own, 0);
    for id in ids {
        let mut node = message
            .receipt(from.clone(), lid_jid(own, 0))
            .attr("id", id.as_str());
        if !kind.is_empty() {
            node = node.attr("type", kind);
        }
        sender.push_to_companions(&Queued {
            class: Class::Receipt,
            id: id.clone(),
            kind: kind.to_owned(),
            node: node.build(),
        });
    }
}

/// The companion could not read a message; whoever wrote it writes it again.
fn retry(session: &LoggedIn, stanza: &NodeRef<'_>, message: Confirmed<'_>, id: &str) {
    let count = stanza
        .get_optional_child("retry")
        .and_then(|retry| text_attr(retry, "count"))
        .and_then(|count| count.parse().ok())
        .unwrap_or(1_u64);
    let author = message.author;
    let Some(writer) = phone_of(author).and_then(|phone| session.network.known(phone)) else {
        return;
    };
    if count > RETRY_LIMIT {
        return;
    }
    if author.device != 0 {
        ask_companion(session, stanza, message, id);
    } else if writer.phone == session.person.phone {
        phone::share_app_state_key_again(&writer, session.device);
    } else if let Err(error) = writing::write_again(&writer, &session.person, session.device, id) {
        tracing::warn!(%error, "a contact could not write a message again");
    }
}

fn ask_companion(session: &LoggedIn, stanza: &NodeRef<'_>, message: Confirmed<'_>, id: &str) {
    let author = message.author;
    let Some(writer) = phone_of(author).and_then(|phone| session.network.known(phone)) else {
        return;
    };
    let mut state = writer.lock();
    let from = state.account.name_for(session.person.phone, session.device);
    let Some(companion) = state.account.companions.get_mut(&author.device) else {
        return;
    };
    let own_lid = lid_jid(session.person.phone, session.device);
    let mut node = message
        .receipt(from, own_lid)
        .attr("id", id)
        .attr("type", "retry");
    if let Some(recipient) = jid_attr(stanza, "recipient") {
        node = node.attr("recipient", recipient);
    }
    let mut node = node.build();
    node.content = stanza.to_owned().content;
    companion.push(Queued {
        class: Class::Receipt,
        id: id.to_owned(),
        kind: "retry".to_owned(),
        node,
    });
}
