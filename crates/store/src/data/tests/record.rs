//! Acks, receipts and failures: forward only, each with its step and its event.

use postern_domain::FailureCode;
use postern_domain::event::EventPayload;
use postern_domain::port::ReceiptKind::{Delivered, Played, Read};

use super::*;

#[tokio::test]
async fn a_message_goes_all_the_way() {
    let fixture = Fixture::new().await;
    let message = fixture.accept(1, 10).await;
    let claimed = fixture
        .store
        .claim(fixture.device, 5, at(1_000), at(20))
        .await
        .expect("a claim");
    let [claimed] = claimed.as_slice() else {
        panic!("one message waits");
    };
    assert_eq!(claimed.id, message.id);
    assert_eq!(claimed.stanza, message.stanza);
    assert_eq!(claimed.to, message.to);
    assert_eq!(claimed.content, message.content);
    assert_eq!((claimed.attempt, claimed.accepted_at), (1, at(10)));

    fixture.record(acked("OUT0"), 30).await;
    fixture.record(receipt("OUT0", Delivered), 40).await;
    fixture.record(receipt("OUT0", Read), 50).await;
    fixture.record(receipt("OUT0", Played), 60).await;
    let stored = fixture.stored(message.id).await;
    assert_eq!(stored.status, MessageStatus::Played);
    assert_eq!(
        (stored.attempts, stored.created_at, stored.updated_at),
        (1, at(10), at(60))
    );
    let steps: Vec<_> = stored
        .timeline
        .iter()
        .map(|step| (step.status.name(), step.at.as_millis()))
        .collect();
    assert_eq!(
        steps,
        [
            ("queued", 10),
            ("processing", 20),
            ("sent", 30),
            ("delivered", 40),
            ("read", 50),
            ("played", 60)
        ]
    );
    assert_eq!(
        fixture.event_names().await,
        [
            "message.accepted",
            "message.sent",
            "message.delivered",
            "message.read",
            "message.read"
        ]
    );
    assert_eq!(fixture.next_due().await, None);
}

#[tokio::test]
async fn nothing_goes_back_and_nothing_happens_twice() {
    let fixture = Fixture::new().await;
    let message = fixture.accept(1, 10).await;
    fixture.claim(1, 20).await;
    // The receipt overtakes the ack and proves it.
    fixture.record(receipt("OUT0", Read), 30).await;
    assert_eq!(fixture.next_due().await, None, "a receipt empties the outbox");
    let batch = vec![
        acked("OUT0"),
        receipt("OUT0", Delivered),
        receipt("OUT0", Read),
        retry("OUT0", 99),
        failed("OUT0"),
    ];
    fixture
        .store
        .record(fixture.device, batch, at(40))
        .await
        .expect("recorded");
    assert_eq!(fixture.steps(message.id).await, ["queued", "processing", "read"]);
    assert_eq!(fixture.event_names().await, ["message.accepted", "message.read"]);
    assert_eq!(fixture.next_due().await, None);
}

#[tokio::test]
async fn a_batch_is_recorded_in_order() {
    let fixture = Fixture::new().await;
    let message = fixture.accept(1, 10).await;
    fixture.claim(1, 20).await;
    let batch = vec![acked("nobody's"), acked("OUT0"), receipt("OUT0", Delivered)];
    fixture
        .store
        .record(fixture.device, batch, at(30))
        .await
        .expect("recorded");
    assert_eq!(
        fixture.steps(message.id).await,
        ["queued", "processing", "sent", "delivered"]
    );
}

#[tokio::test]
async fn a_failure_says_why_and_a_receipt_disproves_it() {
    let fixture = Fixture::new().await;
    let message = NewMessage {
        client_reference: "order-1234".parse().ok(),
        ..fixture.message(1)
    };
    fixture.accept_this(&message, 10).await;
    fixture.claim(1, 20).await;
    fixture.record(failed("OUT0"), 30).await;
    let stored = fixture.stored(message.id).await;
    let failure = Some((FailureCode::NotOnWhatsApp, "nobody there".to_owned()));
    assert_eq!(
        (stored.status, &stored.failure),
        (MessageStatus::Failed, &failure)
    );
    assert_eq!(
        stored.timeline.last().and_then(|step| step.detail.as_deref()),
        Some("NOT_ON_WHATSAPP")
    );
    let event = fixture.events().await.pop().expect("an event");
    assert_eq!(
        event.payload,
        EventPayload::Message {
            message: message.id,
            to: message.to,
            status: MessageStatus::Failed,
            failure,
            client_reference: message.client_reference,
            metadata: message.metadata,
            batch: None,
        }
    );
    assert_eq!(fixture.next_due().await, None);

    fixture.record(receipt("OUT0", Delivered), 40).await;
    let stored = fixture.stored(message.id).await;
    assert_eq!((stored.status, stored.failure), (MessageStatus::Delivered, None));
}

#[tokio::test]
async fn a_retry_waits_for_its_time() {
    let fixture = Fixture::new().await;
    let message = fixture.accept(1, 10).await;
    fixture.claim(1, 20).await;
    fixture.record(retry("OUT0", 500), 30).await;
    assert_eq!(fixture.stored(message.id).await.status, MessageStatus::Retrying);
    assert_eq!(fixture.next_due().await, Some(500));
    assert!(fixture.claim(1, 499).await.is_empty());
    assert_eq!(fixture.claim(1, 500).await, ["OUT0"]);
    assert_eq!(
        fixture.steps(message.id).await,
        ["queued", "processing", "retrying", "processing"]
    );
    assert_eq!(fixture.stored(message.id).await.attempts, 2);
    assert_eq!(
        fixture.event_names().await,
        ["message.accepted"],
        "attempts make no events"
    );
}

#[tokio::test]
async fn a_stanza_id_that_somebody_else_chose_is_not_ours() {
    let fixture = Fixture::new().await;
    let message = fixture.accept(1, 10).await;
    fixture.claim(1, 20).await;
    // A contact may choose the id of one of our messages, and another device may have sent the same.
    let inbound = receive::inbound("OUT0", 1);
    fixture
        .store
        .receive(fixture.device, vec![inbound], at(25))
        .await
        .expect("received");
    let other = DeviceId::generate();
    fixture.add_device(other, "15550000002").await;
    fixture
        .store
        .record(other, vec![acked("OUT0")], at(30))
        .await
        .expect("recorded");
    assert_eq!(fixture.stored(message.id).await.status, MessageStatus::Processing);
    fixture.record(acked("OUT0"), 40).await;
    assert_eq!(fixture.stored(message.id).await.status, MessageStatus::Sent);
    let received = fixture
        .store
        .messages(
            fixture.workspace,
            MessageFilter {
                status: Some(MessageStatus::Received),
                ..MessageFilter::default()
            },
            10,
            None,
        )
        .await
        .expect("a page");
    assert_eq!(received.rows.len(), 1);
}
