//! Received messages on their way to being committed, before WhatsApp is told that they arrived.

use std::sync::Arc;

use async_trait::async_trait;
use postern_domain::port::{Inbound, NotCommitted};
use postern_domain::{Content, StanzaId};
use wacore::types::message::{MessageCategory, MessageInfo};
use wacore_binary::{JidExt as _, Server};
use whatsapp_rust::types::events::InboundMessage;
use whatsapp_rust::{Client, InboundDurabilityHook};

use crate::report::Reporter;
use crate::{address, content};

/// Holds WhatsApp's delivery back until the observer has committed it.
pub(crate) struct CommitFirst(pub(crate) Arc<Reporter>);

#[async_trait]
impl InboundDurabilityHook for CommitFirst {
    async fn on_messages(&self, client: Arc<Client>, batch: &[InboundMessage]) -> anyhow::Result<()> {
        Ok(commit(&self.0, client.as_ref(), batch).await?)
    }
}

/// Translates what people sent and hands it over; the rest of the batch is only for the client.
pub(crate) async fn commit(
    reporter: &Reporter,
    directory: &impl address::Directory,
    batch: &[InboundMessage],
) -> Result<(), NotCommitted> {
    let mut messages = Vec::with_capacity(batch.len());
    for message in batch {
        messages.extend(translate(reporter, directory, message).await);
    }
    if messages.is_empty() {
        return Ok(());
    }
    reporter.receive(messages).await
}

/// Hands over that something came which cannot be decrypted yet. What it says comes by itself later, or never.
pub(crate) async fn announce(
    reporter: &Reporter,
    directory: &impl address::Directory,
    info: &MessageInfo,
) -> Result<(), NotCommitted> {
    if !is_from_a_person(info) {
        return Ok(());
    }
    match described(reporter, directory, info, Content::Undecryptable).await {
        Some(message) => reporter.receive(vec![message]).await,
        None => Ok(()),
    }
}

async fn translate(
    reporter: &Reporter,
    directory: &impl address::Directory,
    message: &InboundMessage,
) -> Option<Inbound> {
    if !is_from_a_person(&message.info) {
        return None;
    }
    let content = content::received(&message.message)?;
    Some(Inbound {
        quoted: content::quoted(&message.message),
        ..described(reporter, directory, &message.info, content).await?
    })
}

/// The message with whom it is from and when.
async fn described(
    reporter: &Reporter,
    directory: &impl address::Directory,
    info: &MessageInfo,
    content: Content,
) -> Option<Inbound> {
    let source = &info.source;
    let other = source.sender_alt.as_ref();
    let sender = address::person(&source.sender, other, directory).await;
    let chat = match source.chat.server {
        Server::Group => address::group(&source.chat),
        // Whoever sends to a list of many writes to each of them.
        _ => sender.clone(),
    };
    let (Some(sender), Some(chat)) = (sender, chat) else {
        tracing::warn!(
            device.id = %reporter.device,
            message.kind = content.type_name(),
            sender.space = source.sender.server.as_str(),
            "a message was skipped: its sender is of a kind that this release has no address for"
        );
        return None;
    };
    Some(Inbound {
        stanza: StanzaId::from(info.id.clone()),
        chat,
        sender,
        sender_lid: address::lid(&source.sender).or_else(|| other.and_then(address::lid)),
        push_name: Some(info.push_name.clone()).filter(|name| !name.is_empty()),
        sent_at: info.timestamp.into(),
        content,
        quoted: None,
    })
}

/// Not the account's own devices, not the account's own copies, not stories, not channels.
fn is_from_a_person(info: &MessageInfo) -> bool {
    let source = &info.source;
    !source.is_from_me
        && info.category != MessageCategory::Peer
        && !source.chat.is_status_broadcast()
        && !source.chat.is_newsletter()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use postern_domain::{Address, Timestamp};
    use wacore::types::message::MessageSource;
    use wacore_binary::Jid;
    use waproto::whatsapp::Message;

    use super::*;
    use crate::address::tests::OnePair;
    use crate::report::tests::reporter;

    fn jid(text: &str) -> Jid {
        text.parse().expect("a JID")
    }

    fn source(chat: &str, sender: &str, other: Option<&str>) -> MessageSource {
        MessageSource {
            chat: jid(chat),
            sender: jid(sender),
            sender_alt: other.map(jid),
            is_group: chat.ends_with("@g.us"),
            ..Default::default()
        }
    }

    fn text(info: MessageInfo) -> InboundMessage {
        let message = Message {
            conversation: Some("hello".to_owned()),
            ..Default::default()
        };
        InboundMessage::builder()
            .message(Arc::new(message))
            .info(Arc::new(info))
            .build()
    }

    fn from(source: MessageSource) -> InboundMessage {
        text(MessageInfo {
            id: "3EB0AA".to_owned(),
            push_name: "Ada".to_owned(),
            timestamp: wacore::time::from_secs(1_700_000_000).expect("a time"),
            source,
            ..Default::default()
        })
    }

    async fn committed(batch: &[InboundMessage]) -> Vec<Inbound> {
        let (reporter, notes) = reporter();
        commit(&reporter, &OnePair, batch).await.expect("committed");
        std::mem::take(&mut notes.received.lock().expect("unpoisoned"))
    }

    #[tokio::test]
    async fn a_contact_is_one_chat_whatever_the_stanza_calls_it() {
        let batch = [
            from(source(
                "15551234567@s.whatsapp.net",
                "15551234567:3@s.whatsapp.net",
                Some("100000012345678@lid"),
            )),
            from(source(
                "100000012345678@lid",
                "100000012345678:3@lid",
                Some("15551234567@s.whatsapp.net"),
            )),
            from(source("100000012345678@lid", "100000012345678@lid", None)),
        ];
        let phone: Address = "+15551234567".parse().expect("a number");
        for message in committed(&batch).await {
            let expected = Inbound {
                stanza: "3EB0AA".to_owned().into(),
                chat: phone.clone(),
                sender: phone.clone(),
                sender_lid: address::lid(&jid("100000012345678@lid")),
                push_name: Some("Ada".to_owned()),
                sent_at: Timestamp::from_millis(1_700_000_000_000),
                content: Content::Text {
                    body: "hello".to_owned(),
                },
                quoted: None,
            };
            assert_eq!(message, expected);
        }
    }

    #[tokio::test]
    async fn chats_are_groups_or_senders() {
        let batch = [
            from(source(
                "120363021033254949@g.us",
                "200000012345678:1@lid",
                Some("15551234567@s.whatsapp.net"),
            )),
            from(source("1400000000@broadcast", "15551234567@s.whatsapp.net", None)),
            from(source("200000012345678@lid", "200000012345678:1@lid", None)),
        ];
        let chats: Vec<_> = committed(&batch)
            .await
            .iter()
            .map(|message| (message.chat.to_string(), message.sender.to_string()))
            .collect();
        let expected = [
            ("120363021033254949@g.us", "+15551234567"),
            ("+15551234567", "+15551234567"),
            ("200000012345678@lid", "200000012345678@lid"),
        ];
        assert_eq!(
            chats,
            expected.map(|(chat, sender)| (chat.to_owned(), sender.to_owned()))
        );
    }

    #[tokio::test]
    async fn what_cannot_be_decrypted_is_announced_as_from_whom_it_will_be() {
        let person = from(source(
            "100000012345678@lid",
            "100000012345678:3@lid",
            Some("15551234567@s.whatsapp.net"),
        ));
        let story = from(source("status@broadcast", "15551234567@s.whatsapp.net", None));
        let (reporter, notes) = reporter();
        for message in [&person, &story] {
            let announced = announce(&reporter, &OnePair, &message.info).await;
            announced.expect("committed");
        }
        let announced = std::mem::take(&mut *notes.received.lock().expect("unpoisoned"));
        let mut expected = committed(&[person]).await;
        expected[0].content = Content::Undecryptable;
        assert_eq!(announced, expected);
    }

    #[tokio::test]
    async fn what_no_person_sent_is_not_reported() {
        let mine = MessageSource {
            is_from_me: true,
            ..source("15551234567@s.whatsapp.net", "15557654321:2@s.whatsapp.net", None)
        };
        let peer = text(MessageInfo {
            category: MessageCategory::Peer,
            source: source("15557654321@s.whatsapp.net", "15557654321@s.whatsapp.net", None),
            ..Default::default()
        });
        let batch = [
            from(mine),
            peer,
            from(source("status@broadcast", "15551234567@s.whatsapp.net", None)),
            from(source(
                "120363000000000000@newsletter",
                "120363000000000000@newsletter",
                None,
            )),
            from(source("13135550002@bot", "13135550002@bot", None)),
        ];
        assert_eq!(committed(&batch).await, []);
    }

    #[tokio::test]
    async fn what_was_not_committed_is_not_confirmed() {
        let (reporter, notes) = reporter();
        notes.full.store(true, Ordering::SeqCst);
        let person = from(source(
            "15551234567@s.whatsapp.net",
            "15551234567@s.whatsapp.net",
            None,
        ));
        assert_eq!(commit(&reporter, &OnePair, &[person]).await, Err(NotCommitted));
        // Nothing to commit is nothing to refuse.
        let story = from(source("status@broadcast", "15551234567@s.whatsapp.net", None));
        assert_eq!(commit(&reporter, &OnePair, &[story]).await, Ok(()));
    }
}
