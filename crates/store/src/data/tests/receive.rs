//! Received messages: stored once, each with its event.

use postern_domain::event::EventPayload;
use postern_domain::port::Inbound;
use postern_domain::{Direction, GroupId, Lid};

use super::*;

/// A message from the contact with this number.
pub(super) fn inbound(stanza: &str, from: usize) -> Inbound {
    Inbound {
        stanza: StanzaId::from(stanza.to_owned()),
        chat: chat(from),
        sender: chat(from),
        sender_lid: Lid::from_digits("18446744073709551").ok(),
        push_name: Some("Grace".to_owned()),
        sent_at: at(5),
        content: Content::Text {
            body: "hello".to_owned(),
        },
    }
}

#[tokio::test]
async fn a_message_is_stored_once_however_often_it_comes() {
    let fixture = Fixture::new().await;
    let receive = |batch, now| fixture.store.receive(fixture.device, batch, at(now));
    let first = vec![inbound("A", 1), inbound("B", 1), inbound("A", 1)];
    assert_eq!(receive(first, 10).await, Ok(2));
    // The same id in another chat, and from another sender, is another message.
    let group = Address::Group(GroupId::new("120363021033254949").expect("a group"));
    let in_group = |from| Inbound {
        chat: group.clone(),
        ..inbound("A", from)
    };
    let again = vec![
        inbound("B", 1),
        inbound("A", 2),
        in_group(1),
        in_group(2),
        in_group(1),
    ];
    assert_eq!(receive(again, 20).await, Ok(3));

    let events = fixture.events().await;
    assert_eq!(events.len(), 5);
    let device_seqs: Vec<_> = events.iter().filter_map(|event| event.device_seq).collect();
    assert!(device_seqs.windows(2).all(|pair| pair[1] == pair[0] + 1));
    let EventPayload::Received { message, sent_at, .. } = &events[0].payload else {
        panic!("a received message");
    };
    assert_eq!(*sent_at, at(5));
    let stored = fixture.stored(*message).await;
    assert_eq!(
        (stored.direction, stored.status),
        (Direction::Inbound, MessageStatus::Received)
    );
    assert_eq!((stored.chat, stored.sender), (chat(1), Some(chat(1))));
    assert_eq!(stored.sender_lid, inbound("A", 1).sender_lid);
    assert_eq!(stored.push_name.as_deref(), Some("Grace"));
    assert_eq!(stored.stanza.as_str(), "A");
    assert_eq!(stored.timeline.len(), 1);
    assert_eq!(events[0].workspace, fixture.workspace);
}

#[tokio::test]
async fn what_cannot_be_represented_is_kept() {
    let fixture = Fixture::new().await;
    let content = Content::Unsupported {
        kind: "imageMessage".to_owned(),
    };
    let message = Inbound {
        content: content.clone(),
        ..inbound("A", 1)
    };
    assert_eq!(
        fixture.store.receive(fixture.device, vec![message], at(10)).await,
        Ok(1)
    );
    let event = fixture.events().await.pop().expect("an event");
    let EventPayload::Received {
        message,
        content: told,
        ..
    } = event.payload
    else {
        panic!("a received message");
    };
    assert_eq!(told, content);
    assert_eq!(fixture.stored(message).await.content, content);
}

#[tokio::test]
async fn nothing_is_confirmed_for_a_device_that_is_gone() {
    let fixture = Fixture::new().await;
    let received = fixture
        .store
        .receive(DeviceId::generate(), vec![inbound("A", 1)], at(10))
        .await;
    assert!(received.is_err());
}
