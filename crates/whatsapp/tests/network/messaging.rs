//! Texts out and in.

use std::sync::atomic::Ordering;

use postern_domain::port::{ReceiptKind, SendError};
use postern_domain::{Content, StanzaId};
use serde_json::json;

use crate::support::{CONTACT, Lab};

#[tokio::test(flavor = "multi_thread")]
async fn a_text_is_acked_delivered_and_read_under_the_given_id() {
    let lab = Lab::start().await;
    let device = lab.linked().await;
    for text in ["hello", "👩‍👩‍👧‍👦 e\u{301}"] {
        let sent = device.send(text).await;
        device.is_acked(&sent).await;
        device.is_confirmed(&sent, ReceiptKind::Delivered).await;
        device.is_confirmed(&sent, ReceiptKind::Read).await;
        let received = lab.received().await;
        let message = received
            .iter()
            .find(|message| message["stanzaId"] == sent.as_str())
            .expect("received");
        assert_eq!(message["text"], text);
    }
    device.session.stop().await;
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sending_again_under_the_same_id_arrives_once() {
    let lab = Lab::start().await;
    let device = lab.linked().await;
    let stanza = StanzaId::generate();
    for _ in 0..3 {
        device.try_send(&stanza, CONTACT, "once").await.expect("sent");
    }
    device.is_confirmed(&stanza, ReceiptKind::Delivered).await;
    crate::support::eventually("three copies", async || {
        (lab.received().await[0]["copies"] == 3).then_some(())
    })
    .await;
    assert_eq!(lab.received().await.len(), 1);
    device.session.stop().await;
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_arrives_in_order() {
    let lab = Lab::start().await;
    let device = lab.linked().await;
    let mut last = None;
    for number in 0..100 {
        last = Some(device.send(&format!("number {number}")).await);
    }
    device
        .is_confirmed(&last.expect("sent"), ReceiptKind::Delivered)
        .await;
    let texts: Vec<_> = lab
        .received()
        .await
        .iter()
        .map(|message| message["text"].clone())
        .collect();
    let expected: Vec<_> = (0..100).map(|number| json!(format!("number {number}"))).collect();
    assert_eq!(texts, expected);
    device.session.stop().await;
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_without_an_account_is_said_to_be_one() {
    let lab = Lab::start().await;
    lab.set_contact(CONTACT, json!({ "registered": false })).await;
    let device = lab.linked().await;
    let stanza = StanzaId::generate();
    assert_eq!(
        device.try_send(&stanza, CONTACT, "anybody?").await,
        Err(SendError::NotOnWhatsApp)
    );
    // A no is not remembered: people join.
    lab.set_contact(CONTACT, json!({ "registered": true })).await;
    device.try_send(&stanza, CONTACT, "now?").await.expect("sent");
    device.is_confirmed(&stanza, ReceiptKind::Read).await;
    device.session.stop().await;
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_writes_and_is_one_address() {
    let lab = Lab::start().await;
    let device = lab.linked().await;
    let id = lab.write("hello gateway").await;
    let message = device.receives(&id).await;
    assert_eq!(message.chat.to_string(), CONTACT);
    assert_eq!(message.sender.to_string(), CONTACT);
    assert!(message.sender_lid.is_some());
    let body = "hello gateway".to_owned();
    assert_eq!(message.content, Content::Text { body });
    // Only what people send is reported: not the keys that the phone shared, not its history.
    assert_eq!(device.received().len(), 1);
    device.session.stop().await;
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_committed_is_delivered_again() {
    let lab = Lab::start().await;
    let device = lab.linked().await;
    device.notes.full.store(true, Ordering::SeqCst);
    let id = lab.write("do not lose me").await;
    let after = device.send("a sign that it was seen").await;
    device.is_confirmed(&after, ReceiptKind::Read).await;
    assert_eq!(device.received(), []);
    device.session.stop().await;

    let again = lab.open(device.id).await;
    let message = again.receives(&id).await;
    let body = "do not lose me".to_owned();
    assert_eq!(message.content, Content::Text { body });
    again.session.stop().await;
    lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_while_a_device_is_away_waits_for_it_in_order() {
    let lab = Lab::start().await;
    let device = lab.linked().await;
    device.session.stop().await;
    let mut ids = Vec::new();
    for number in 0..30 {
        ids.push(lab.write(&format!("number {number}")).await);
    }
    let again = lab.open(device.id).await;
    again.receives(&ids[29]).await;
    let received: Vec<_> = again
        .received()
        .into_iter()
        .map(|message| message.stanza)
        .collect();
    assert_eq!(received, ids);
    again.session.stop().await;
    lab.stop().await;
}
