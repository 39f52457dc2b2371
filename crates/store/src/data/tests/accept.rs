//! Acceptance: all of it or nothing, exactly once per key, and only what can be sent.

use postern_domain::event::EventPayload;
use postern_domain::{BatchId, DeviceReason, DeviceState, Direction, EventType};

use super::*;

fn key(name: &str, fingerprint: u8, body: &[u8]) -> IdempotencyKey {
    IdempotencyKey {
        endpoint: "POST /v1/messages",
        key: name.to_owned(),
        fingerprint: [fingerprint; 32],
        http_status: 202,
        body: body.to_vec(),
    }
}

const DAY: i64 = 24 * 3_600_000;

impl Fixture {
    async fn accept_with(&self, key: IdempotencyKey, now: i64) -> Result<Accepted, AcceptError> {
        self.store.accept(self.message(1), Some(key), at(now)).await
    }
}

fn first(body: &[u8]) -> Accepted {
    Accepted::Replayed {
        http_status: 202,
        body: body.to_vec(),
    }
}

#[tokio::test]
async fn an_acceptance_is_a_message_an_outbox_row_and_an_event() {
    let fixture = Fixture::new().await;
    let message = NewMessage {
        metadata: Some(r#"{"orderId":"1234"}"#.to_owned()),
        client_reference: "order-1234".parse().ok(),
        ..fixture.message(1)
    };
    fixture.accept_this(&message, 10).await;
    let stored = fixture.stored(message.id).await;
    assert_eq!(
        (stored.device, stored.direction, stored.status),
        (fixture.device, Direction::Outbound, MessageStatus::Queued)
    );
    assert_eq!((&stored.chat, &stored.sender), (&message.to, &None));
    assert_eq!(
        (&stored.content, &stored.stanza, &stored.metadata),
        (&message.content, &message.stanza, &message.metadata)
    );
    assert_eq!(stored.client_reference, message.client_reference);
    assert_eq!((stored.created_at, stored.attempts), (at(10), 0));
    assert_eq!(fixture.steps(message.id).await, ["queued"]);
    assert!(fixture.next_due().await.is_some_and(|due| due <= 10));

    let events = fixture.events().await;
    let [event] = events.as_slice() else {
        panic!("one event");
    };
    assert_eq!(
        (event.kind, event.workspace, event.device, event.at),
        (
            EventType::MessageAccepted,
            fixture.workspace,
            Some(fixture.device),
            at(10)
        )
    );
    let expected = EventPayload::Message {
        message: message.id,
        to: message.to,
        status: MessageStatus::Queued,
        failure: None,
        client_reference: message.client_reference,
        metadata: message.metadata,
        batch: None,
    };
    assert_eq!(event.payload, expected);
}

#[tokio::test]
async fn the_same_request_is_answered_with_the_first_answer() {
    let mut fixture = Fixture::new().await;
    let accepted = fixture.accept_with(key("k", 1, b"{\"id\":1}\n"), 10).await;
    assert!(matches!(accepted, Ok(Accepted::New)));
    fixture.reopen().await;
    let again = fixture.accept_with(key("k", 1, b"another answer"), 20).await;
    assert_eq!(again.expect("replayed"), first(b"{\"id\":1}\n"));
    let other = fixture.accept_with(key("k", 2, b"x"), 20).await;
    assert!(matches!(other, Err(AcceptError::IdempotencyConflict)));
    assert_eq!(fixture.event_names().await, ["message.accepted"]);
    assert_eq!(fixture.claim(9, 30).await.len(), 1);

    // A replay answers whatever became of the device, and before anything else is looked at.
    fixture.remove(fixture.device, false).await;
    let again = fixture.accept_with(key("k", 1, b""), 40).await;
    assert_eq!(again.expect("replayed"), first(b"{\"id\":1}\n"));
}

#[tokio::test]
async fn of_two_at_once_the_second_is_replayed() {
    let fixture = Fixture::new().await;
    let answers = futures_util::future::join_all(
        (0..8_u8).map(|number| fixture.accept_with(key("k", 1, &[number]), 10)),
    )
    .await;
    let answers: Vec<_> = answers
        .into_iter()
        .map(|answer| answer.expect("accepted"))
        .collect();
    assert_eq!(answers[0], Accepted::New);
    assert!(answers[1..].iter().all(|answer| *answer == first(&[0])));
    assert_eq!(fixture.claim(9, 30).await.len(), 1);
}

#[tokio::test]
async fn a_key_is_good_for_a_day_in_its_workspace_and_endpoint() {
    let fixture = Fixture::new().await;
    fixture.accept_with(key("k", 1, b"1"), 0).await.expect("accepted");
    let at_the_end = fixture.accept_with(key("k", 1, b"2"), DAY).await;
    assert_eq!(at_the_end.expect("replayed"), first(b"1"));
    let elsewhere = IdempotencyKey {
        endpoint: "POST /v1/messages/batch",
        ..key("k", 2, b"3")
    };
    assert!(matches!(
        fixture.accept_with(elsewhere, DAY).await,
        Ok(Accepted::New)
    ));
    let expired = fixture.accept_with(key("k", 2, b"4"), DAY + 1).await;
    assert!(matches!(expired, Ok(Accepted::New)));
    let again = fixture.accept_with(key("k", 2, b"5"), DAY + 2).await;
    assert_eq!(again.expect("replayed"), first(b"4"));
}

#[tokio::test]
async fn a_key_is_good_for_as_long_as_it_is_set_to_be() {
    let mut fixture = Fixture::new().await;
    fixture.store.close().await;
    let options = StoreOptions {
        idempotency_retention: std::time::Duration::from_hours(72),
        ..StoreOptions::new(fixture.folder.path())
    };
    fixture.store = Store::open(&options).expect("a store");
    let batch = |now| {
        let batch = NewBatch {
            id: BatchId::generate(),
            workspace: fixture.workspace,
            messages: vec![fixture.message(1)],
            refused: 0,
            partial: false,
        };
        let answer = |_: &[RefusedMessage]| Ok(b"b".to_vec());
        fixture
            .store
            .accept_batch(batch, Some(key("batch", 1, b"")), answer, at(now))
    };
    let accepted = fixture.accept_with(key("k", 1, b"1"), 0).await;
    assert!(matches!(accepted, Ok(Accepted::New)));
    assert!(matches!(batch(0).await, Ok(AcceptedBatch::New { .. })));
    let again = fixture.accept_with(key("k", 1, b"2"), 3 * DAY).await;
    assert_eq!(again.expect("replayed"), first(b"1"));
    assert!(matches!(batch(3 * DAY).await, Ok(AcceptedBatch::Replayed { .. })));
    let expired = fixture.accept_with(key("k", 1, b"3"), 3 * DAY + 1).await;
    assert!(matches!(expired, Ok(Accepted::New)));
    assert!(matches!(batch(3 * DAY + 1).await, Ok(AcceptedBatch::New { .. })));
}

#[tokio::test]
async fn a_refusal_leaves_nothing() {
    let fixture = Fixture::new().await;
    fixture
        .store
        .signal(fixture.device, Signal::StreamReplaced, at(0))
        .await
        .expect("signalled");
    let refused = fixture.accept_with(key("k", 1, b"1"), 10).await;
    let Err(AcceptError::SessionDisconnected(status)) = refused else {
        panic!("refused");
    };
    assert_eq!(
        (status.state, status.reason),
        (DeviceState::Disconnected, DeviceReason::StreamReplaced)
    );
    assert!(fixture.events().await.is_empty());
    assert_eq!(fixture.next_due().await, None);

    let queued = NewMessage {
        queue_if_disconnected: true,
        ..fixture.message(1)
    };
    let accepted = fixture
        .store
        .accept(queued, Some(key("k", 2, b"2")), at(20))
        .await;
    assert!(
        matches!(accepted, Ok(Accepted::New)),
        "the refused request's key was not stored"
    );
}

#[tokio::test]
async fn a_failed_job_leaves_no_gap_in_the_numbers_of_events() {
    let fixture = Fixture::new().await;
    let message = fixture.accept(1, 10).await;
    let same_id = NewMessage {
        id: message.id,
        ..fixture.message(1)
    };
    // Fails at the first statement; the next one fails at the second, after its message row was written.
    assert!(fixture.store.accept(same_id, None, at(20)).await.is_err());
    let same_stanza = NewMessage {
        stanza: message.stanza,
        ..fixture.message(1)
    };
    assert!(
        fixture
            .store
            .accept(same_stanza, Some(key("k", 1, b"1")), at(20))
            .await
            .is_err()
    );
    fixture
        .accept_with(key("k", 1, b"1"), 30)
        .await
        .expect("accepted");
    let other = DeviceId::generate();
    fixture.add_device(other, "15550000002").await;
    fixture.accept(2, 40).await;

    let events = fixture.store.events_after(0, 100).await.expect("events");
    let seqs: Vec<_> = events.iter().map(|event| event.seq).collect();
    assert!(seqs.windows(2).all(|pair| pair[1] > pair[0]));
    let numbers: Vec<_> = events.iter().map(|event| event.workspace_seq).collect();
    let expected: Vec<_> = (1..=u64::try_from(events.len()).expect("small")).collect();
    assert_eq!(numbers, expected);
    for device in [fixture.device, other] {
        let numbers: Vec<_> = events
            .iter()
            .filter(|event| event.device == Some(device))
            .filter_map(|event| event.device_seq)
            .collect();
        let expected: Vec<_> = (1..=u64::try_from(numbers.len()).expect("small")).collect();
        assert_eq!(numbers, expected);
    }
    let middle = events[2].seq;
    let rest = fixture.store.events_after(middle, 2).await.expect("events");
    assert_eq!(rest, events[3..5]);
}

#[tokio::test]
async fn only_devices_of_the_workspace_send() {
    let fixture = Fixture::new().await;
    let foreign = NewMessage {
        workspace: WorkspaceId::generate(),
        ..fixture.message(1)
    };
    let refused = fixture.store.accept(foreign, None, at(10)).await;
    assert!(matches!(refused, Err(AcceptError::UnknownDevice)));
    fixture.remove(fixture.device, false).await;
    let removed = fixture.store.accept(fixture.message(1), None, at(10)).await;
    assert!(matches!(removed, Err(AcceptError::UnknownDevice)));
}

#[tokio::test]
async fn old_keys_are_swept_from_the_oldest() {
    let fixture = Fixture::new().await;
    for (name, now) in [("a", 10), ("b", 20), ("c", 30)] {
        fixture
            .accept_with(key(name, 1, b"1"), now)
            .await
            .expect("accepted");
    }
    let store = &fixture.store;
    let swept = store.sweep(Swept::IdempotencyRecords, at(30), 0).await;
    assert_eq!(swept, Ok(None));
    let kept = fixture.accept_with(key("c", 1, b"2"), 40).await;
    assert_eq!(kept.expect("replayed"), first(b"1"));
    let swept = fixture.accept_with(key("a", 1, b"2"), 40).await;
    assert_eq!(swept.expect("accepted"), Accepted::New);
}
