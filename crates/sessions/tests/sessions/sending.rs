//! From the outbox to the port: order, resends with the same stanza id, retries, restarts.

use std::sync::atomic::Ordering;

use postern_domain::port::{Observed, ReceiptKind, SendError};
use postern_domain::{DeviceState, FailureCode, MessageStatus, Timestamp};

use crate::{Gateway, config, eventually};

const OWNER: &str = "+4915112345678";
const CONTACT: &str = "+15551234567";

#[tokio::test]
async fn a_message_is_sent_acknowledged_and_read() {
    let gateway = Gateway::start().await;
    let device = gateway.linked(OWNER).await;
    let (id, stanza) = gateway.accept(device, CONTACT, "hi").await;
    gateway.reaches(id, MessageStatus::Sent).await;
    let receipt = |kind| Observed::Receipt {
        stanzas: vec![stanza.clone()],
        kind,
        at: Timestamp::from_millis(0),
    };
    gateway.network.tell(device, receipt(ReceiptKind::Read));
    gateway.network.tell(device, receipt(ReceiptKind::Delivered));
    gateway.reaches(id, MessageStatus::Read).await;
    assert_eq!(
        *gateway.network.client(device).sent.lock().expect("no panic"),
        [stanza]
    );
}

#[tokio::test]
async fn without_an_ack_it_is_sent_again_with_the_same_stanza_id() {
    let gateway = Gateway::start().await;
    let device = gateway.linked(OWNER).await;
    let client = gateway.network.client(device);
    client.acks.store(false, Ordering::SeqCst);
    let (id, stanza) = gateway.accept(device, CONTACT, "hi").await;
    eventually(async || (client.sent.lock().expect("no panic").len() >= 2).then_some(())).await;
    client.acks.store(true, Ordering::SeqCst);
    let sent = gateway.reaches(id, MessageStatus::Sent).await;
    assert!(sent.attempts >= 3);
    assert!(
        client
            .sent
            .lock()
            .expect("no panic")
            .iter()
            .all(|sent| *sent == stanza)
    );
}

#[tokio::test]
async fn silence_shows_as_degraded_until_something_comes_through() {
    let gateway = Gateway::start().await;
    let device = gateway.linked(OWNER).await;
    let client = gateway.network.client(device);
    client.acks.store(false, Ordering::SeqCst);
    let (id, _) = gateway.accept(device, CONTACT, "hi").await;
    gateway.becomes(device, DeviceState::Degraded).await;
    client.acks.store(true, Ordering::SeqCst);
    gateway.becomes(device, DeviceState::Connected).await;
    gateway.reaches(id, MessageStatus::Sent).await;
}

#[tokio::test]
async fn what_was_in_flight_when_the_link_broke_leaves_again_in_order() {
    let gateway = Gateway::start().await;
    let device = gateway.linked(OWNER).await;
    let client = gateway.network.client(device);
    client.acks.store(false, Ordering::SeqCst);
    let mut messages = Vec::new();
    for number in 0..20 {
        messages.push(gateway.accept(device, CONTACT, &number.to_string()).await);
    }
    eventually(async || (client.sent.lock().expect("no panic").len() >= 20).then_some(())).await;
    gateway.network.tell(device, Observed::ConnectionLost);
    gateway.becomes(device, DeviceState::Degraded).await;
    client.sent.lock().expect("no panic").clear();
    client.acks.store(true, Ordering::SeqCst);
    gateway.network.tell(device, Observed::Connected);
    for (id, _) in &messages {
        gateway.reaches(*id, MessageStatus::Sent).await;
    }
    let stanzas: Vec<_> = messages.into_iter().map(|(_, stanza)| stanza).collect();
    assert_eq!(*client.sent.lock().expect("no panic"), stanzas);
}

#[tokio::test]
async fn a_retry_holds_back_its_own_chat_only_and_keeps_its_order() {
    let gateway = Gateway::start().await;
    let device = gateway.linked(OWNER).await;
    let client = gateway.network.client(device);
    gateway.network.tell(device, Observed::ConnectionLost);
    gateway.becomes(device, DeviceState::Degraded).await;
    let (first, first_stanza) = gateway.accept(device, CONTACT, "1").await;
    let (second, second_stanza) = gateway.accept(device, CONTACT, "2").await;
    let (other, other_stanza) = gateway.accept(device, "+442071838750", "3").await;
    *client.failures.lock().expect("no panic") = vec![SendError::Failed("on purpose".to_owned())];
    gateway.network.tell(device, Observed::Connected);
    for id in [first, second, other] {
        gateway.reaches(id, MessageStatus::Sent).await;
    }
    let sent = client.sent.lock().expect("no panic").clone();
    assert_eq!(sent, [other_stanza, first_stanza, second_stanza]);
}

#[tokio::test]
async fn final_errors_fail_at_once_with_their_code() {
    let gateway = Gateway::start().await;
    let device = gateway.linked(OWNER).await;
    let client = gateway.network.client(device);
    let cases = [
        (SendError::NotOnWhatsApp, FailureCode::NotOnWhatsApp),
        (SendError::NotSendable("why".to_owned()), FailureCode::NotSendable),
    ];
    for (error, code) in cases {
        client.failures.lock().expect("no panic").push(error);
        let (id, _) = gateway.accept(device, CONTACT, "x").await;
        let failed = gateway.reaches(id, MessageStatus::Failed).await;
        assert_eq!(failed.failure.map(|(code, _)| code), Some(code));
    }
    client.acks.store(false, Ordering::SeqCst);
    let (id, stanza) = gateway.accept(device, CONTACT, "x").await;
    gateway.reaches(id, MessageStatus::Processing).await;
    gateway.network.tell(
        device,
        Observed::Refused {
            stanza,
            code: "479".to_owned(),
        },
    );
    let failed = gateway.reaches(id, MessageStatus::Failed).await;
    assert_eq!(
        failed.failure.map(|(code, _)| code),
        Some(FailureCode::RejectedByWhatsApp)
    );
}

#[tokio::test]
async fn a_restart_opens_linked_devices_and_sends_what_was_left_with_its_id() {
    let mut gateway = Gateway::start().await;
    let device = gateway.linked(OWNER).await;
    let client = gateway.network.client(device);
    client.acks.store(false, Ordering::SeqCst);
    let (id, stanza) = gateway.accept(device, CONTACT, "hi").await;
    gateway.reaches(id, MessageStatus::Processing).await;
    gateway.stop().await;
    let opens = client.opens.load(Ordering::SeqCst);
    client.sent.lock().expect("no panic").clear();
    client.acks.store(true, Ordering::SeqCst);

    gateway.store.close().await;
    gateway.store = crate::open(&gateway.folder);
    gateway.start_sessions(config());
    gateway.network.opened(device, opens + 1).await;
    gateway.network.tell(device, Observed::Connected);
    gateway.reaches(id, MessageStatus::Sent).await;
    assert_eq!(*client.sent.lock().expect("no panic"), [stanza]);
}

#[tokio::test]
async fn an_ack_that_comes_before_the_send_returns_makes_room_at_once() {
    let mut config = config();
    config.in_flight = 4;
    config.ack_timeout = std::time::Duration::from_secs(600);
    let gateway = Gateway::start_with(config).await;
    let device = gateway.linked(OWNER).await;
    let mut messages = Vec::new();
    for number in 0..40 {
        messages.push(gateway.accept(device, CONTACT, &number.to_string()).await.0);
    }
    for id in messages {
        gateway.reaches(id, MessageStatus::Sent).await;
    }
}
