//! Received messages: stored once, each with its event.

use postern_domain::event::{EventPayload, Quoted};
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
        quoted: None,
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

#[tokio::test]
async fn what_could_not_be_decrypted_is_completed_and_told_of_again() {
    let fixture = Fixture::new().await;
    let unread = || Inbound {
        content: Content::Undecryptable,
        push_name: None,
        ..inbound("A", 1)
    };
    let receive = async |message, now| {
        let received = fixture.store.receive(fixture.device, vec![message], at(now));
        received.await.expect("received")
    };
    assert_eq!(receive(unread(), 10).await, 1);
    // Its turn to be indexed passes while it says nothing.
    while fixture.store.index_messages().await.expect("indexed") {}
    assert_eq!(receive(unread(), 11).await, 0);
    assert_eq!(receive(inbound("A", 1), 20).await, 0, "it is no other message");
    assert_eq!(receive(inbound("A", 1), 30).await, 0);
    assert_eq!(receive(unread(), 40).await, 0, "and what it says stays");

    let told: Vec<_> = fixture
        .events()
        .await
        .into_iter()
        .map(|event| match event.payload {
            EventPayload::Received { message, content, .. } => (event.at.as_millis(), message, content),
            _ => panic!("a received message"),
        })
        .collect();
    let [first, second] = told.as_slice() else {
        panic!("two events: {told:?}");
    };
    assert_eq!((first.0, &first.2), (10, &Content::Undecryptable));
    assert_eq!((second.0, &second.2), (20, &inbound("A", 1).content));
    assert_eq!(first.1, second.1, "of one message");
    let stored = fixture.stored(first.1).await;
    assert_eq!(stored.content, inbound("A", 1).content);
    assert_eq!(stored.push_name.as_deref(), Some("Grace"));
    assert_eq!(fixture.steps(first.1).await, ["received", "received"]);
    let filter = MessageFilter {
        text: Some("hello".parse().expect("words")),
        ..MessageFilter::default()
    };
    let found = fixture.store.messages(fixture.workspace, filter, 9, None).await;
    assert_eq!(found.expect("a page").rows.len(), 1, "its words are found");
}

#[tokio::test]
async fn an_answer_names_the_message_that_it_answers() {
    let fixture = Fixture::new().await;
    let sent = fixture.accept(1, 10).await;
    let answering = |stanza: &str, quoted: &StanzaId| Inbound {
        quoted: Some(quoted.clone()),
        ..inbound(stanza, 1)
    };
    let elsewhere = fixture.accept(2, 10).await;
    let first = inbound("A", 1);
    let batch = vec![
        first.clone(),
        answering("B", &sent.stanza),
        answering("C", &first.stanza),
        // Of another chat, and of nobody.
        answering("D", &elsewhere.stanza),
        answering("E", &StanzaId::from("3EB0FF".to_owned())),
    ];
    let received = fixture.store.receive(fixture.device, batch, at(20)).await;
    assert_eq!(received, Ok(5));
    let mut ids = Vec::new();
    let mut quoted = Vec::new();
    for event in fixture.events().await {
        if let EventPayload::Received {
            message, quoted: of, ..
        } = event.payload
        {
            ids.push(message);
            quoted.push(of);
        }
    }
    let stanza = |id: &StanzaId| Some(Quoted::Stanza(id.clone()));
    let expected = [
        None,
        Some(Quoted::Message(sent.id)),
        Some(Quoted::Message(ids[0])),
        stanza(&elsewhere.stanza),
        stanza(&"3EB0FF".to_owned().into()),
    ];
    assert_eq!(quoted, expected);
}
