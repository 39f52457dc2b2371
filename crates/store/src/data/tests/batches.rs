//! Batches: all of them or nothing, answered once, in order, counted, and taken back.

use std::collections::BTreeSet;

use postern_domain::BatchId;

use super::*;
use crate::StoreError;

fn key(name: &str, fingerprint: u8) -> IdempotencyKey {
    IdempotencyKey {
        endpoint: "POST /v1/messages/batch",
        key: name.to_owned(),
        fingerprint: [fingerprint; 32],
        http_status: 202,
        body: Vec::new(),
    }
}

/// An answer that says what was refused.
fn indexes(refused: &[RefusedMessage]) -> Result<Vec<u8>, StoreError> {
    let indexes: Vec<_> = refused.iter().map(|refused| refused.index).collect();
    Ok(format!("{indexes:?}").into_bytes())
}

impl Fixture {
    fn batch(&self, messages: Vec<NewMessage>) -> NewBatch {
        NewBatch {
            id: BatchId::generate(),
            workspace: self.workspace,
            messages,
            refused: 0,
            partial: false,
        }
    }

    /// A batch of messages to `count` chats.
    fn batch_of(&self, count: usize) -> NewBatch {
        self.batch((0..count).map(|to| self.message(to)).collect())
    }

    async fn accept_batch(
        &self,
        batch: &NewBatch,
        key: Option<IdempotencyKey>,
        now: i64,
    ) -> Result<AcceptedBatch, AcceptBatchError> {
        let answer = self
            .store
            .accept_batch(batch.clone(), key, indexes, at(now))
            .await;
        self.is_counted().await;
        answer
    }

    async fn found(&self, id: BatchId) -> Batch {
        let found = self.store.batch(self.workspace, id).await.expect("an answer");
        found.expect("a batch")
    }

    async fn cancel_batch(&self, id: BatchId, now: i64) -> Result<(usize, Vec<DeviceId>), MoveError> {
        let answer = self.store.cancel_batch(self.workspace, id, at(now)).await;
        self.is_counted().await;
        answer
    }

    async fn list_of(&self, batch: BatchId) -> Vec<MessageId> {
        let filter = MessageFilter {
            batch: Some(batch),
            ..MessageFilter::default()
        };
        let page = self.store.messages(self.workspace, filter, 10_000, None).await;
        let rows = page.expect("a page").rows;
        rows.iter().map(|row| row.id).collect()
    }
}

fn accepted(devices: &[DeviceId]) -> AcceptedBatch {
    AcceptedBatch::New {
        body: b"[]".to_vec(),
        devices: devices.to_vec(),
    }
}

fn stanzas(batch: &NewBatch) -> Vec<String> {
    batch
        .messages
        .iter()
        .map(|message| message.stanza.to_string())
        .collect()
}

#[tokio::test]
async fn a_batch_is_accepted_in_its_order_with_an_event_for_each() {
    let mut fixture = Fixture::new().await;
    let alone = fixture.accept(1, 5).await;
    let mut batch = fixture.batch_of(40);
    batch.messages[7].scheduled_for = Some(at(900));
    let answer = fixture.accept_batch(&batch, None, 10).await;
    assert_eq!(answer.expect("accepted"), accepted(&[fixture.device]));
    fixture.reopen().await;
    let after = fixture.accept(1, 15).await;

    assert_eq!(fixture.stored(alone.id).await.batch, None);
    for message in &batch.messages {
        let stored = fixture.stored(message.id).await;
        assert_eq!((stored.batch, &stored.chat), (Some(batch.id), &message.to));
    }
    let mut newest_first: Vec<_> = batch.messages.iter().map(|message| message.id).collect();
    newest_first.reverse();
    assert_eq!(fixture.list_of(batch.id).await, newest_first);
    assert!(fixture.list_of(BatchId::generate()).await.is_empty());

    let events = fixture.events().await;
    assert_eq!(events.len(), 42);
    assert!(events.iter().all(|event| event.kind.name() == "message.accepted"));
    assert!(
        events
            .windows(2)
            .all(|pair| pair[1].device_seq == pair[0].device_seq.map(|seq| seq + 1))
    );

    let mut expected = stanzas(&batch);
    expected.remove(7);
    expected.insert(0, alone.stanza.to_string());
    expected.push(after.stanza.to_string());
    assert_eq!(fixture.claim(100, 20).await, expected);
}

#[tokio::test]
async fn one_refusal_refuses_all_unless_the_batch_may_be_partial() {
    let fixture = Fixture::new().await;
    let (paused, unknown) = (DeviceId::generate(), DeviceId::generate());
    fixture.add_device(paused, "15550000002").await;
    let status = fixture.store.signal(paused, Signal::StreamReplaced, at(0)).await;
    let status = status.expect("signalled").expect("a device");
    let mut batch = fixture.batch_of(5);
    batch.messages[1].device = unknown;
    batch.messages[3].device = paused;
    batch.messages[4].device = paused;
    batch.messages[4].queue_if_disconnected = true;
    let refusals = vec![
        RefusedMessage {
            index: 1,
            reason: Refusal::UnknownDevice,
        },
        RefusedMessage {
            index: 3,
            reason: Refusal::SessionDisconnected(status),
        },
    ];

    let refused = fixture.accept_batch(&batch, Some(key("k", 1)), 10).await;
    assert!(matches!(refused, Err(AcceptBatchError::Refused(said)) if said == refusals));
    let rehearsed = fixture.store.rehearse_batch(batch.clone(), at(10)).await;
    assert_eq!(rehearsed, Ok(refusals));
    assert!(fixture.events().await.is_empty());
    assert_eq!(fixture.next_due().await, None);
    assert_eq!(fixture.store.batch(fixture.workspace, batch.id).await, Ok(None));

    // The key of the refused one was not stored either.
    batch.partial = true;
    batch.refused = 2;
    let answer = fixture.accept_batch(&batch, Some(key("k", 2)), 20).await;
    let devices = BTreeSet::from([fixture.device, paused]);
    assert_eq!(
        answer.expect("accepted"),
        AcceptedBatch::New {
            body: b"[1, 3]".to_vec(),
            devices: devices.into_iter().collect(),
        }
    );
    let found = fixture.found(batch.id).await;
    assert_eq!((found.total, found.refused, found.created_at), (7, 4, at(20)));
    assert_eq!(found.counts, [(MessageStatus::Queued, 3)]);
    assert_eq!(fixture.list_of(batch.id).await.len(), 3);
}

#[tokio::test]
async fn nothing_is_accepted_when_the_caller_refused_one_or_nothing_is_left() {
    let fixture = Fixture::new().await;
    let whole = NewBatch {
        refused: 1,
        ..fixture.batch_of(2)
    };
    let nothing_left = NewBatch {
        refused: 3,
        partial: true,
        ..fixture.batch_of(0)
    };
    let mut for_nobody = fixture.batch_of(1);
    for_nobody.messages[0].device = DeviceId::generate();
    for_nobody.partial = true;
    for (batch, said) in [(whole, 0), (nothing_left, 0), (for_nobody, 1)] {
        let refused = fixture.accept_batch(&batch, Some(key("k", 1)), 10).await;
        assert!(matches!(refused, Err(AcceptBatchError::Refused(refusals)) if refusals.len() == said));
    }
    assert!(fixture.events().await.is_empty());
    let accepted = fixture
        .accept_batch(&fixture.batch_of(1), Some(key("k", 2)), 20)
        .await;
    assert!(matches!(accepted, Ok(AcceptedBatch::New { .. })));
}

#[tokio::test]
async fn a_replay_comes_before_every_refusal() {
    let mut fixture = Fixture::new().await;
    let batch = NewBatch {
        partial: true,
        refused: 1,
        ..fixture.batch_of(3)
    };
    let first = fixture.accept_batch(&batch, Some(key("k", 1)), 10).await;
    assert_eq!(first.expect("accepted"), accepted(&[fixture.device]));
    fixture.reopen().await;
    fixture.remove(fixture.device, false).await;

    let first = AcceptedBatch::Replayed {
        http_status: 202,
        body: b"[]".to_vec(),
    };
    let late = NewBatch {
        refused: 4,
        ..fixture.batch_of(0)
    };
    for again in [fixture.batch_of(3), late] {
        let again = fixture.accept_batch(&again, Some(key("k", 1)), 20).await;
        assert_eq!(again.expect("replayed"), first);
    }
    let other = fixture
        .accept_batch(&fixture.batch_of(3), Some(key("k", 2)), 20)
        .await;
    assert!(matches!(other, Err(AcceptBatchError::IdempotencyConflict)));
    assert_eq!(fixture.events().await.len(), 3);
}

#[tokio::test]
async fn a_batch_that_fails_half_way_leaves_nothing() {
    let fixture = Fixture::new().await;
    let taken = fixture.accept(1, 10).await;
    let mut batch = fixture.batch_of(9);
    batch.messages[8].stanza = taken.stanza;
    batch.messages[8].to = taken.to;
    let failed = fixture.accept_batch(&batch, Some(key("k", 1)), 20).await;
    assert!(matches!(failed, Err(AcceptBatchError::Store(_))));
    let failing = |_: &[RefusedMessage]| Err(StoreError::Panicked);
    let unanswered = fixture
        .store
        .accept_batch(fixture.batch_of(9), None, failing, at(20))
        .await;
    assert!(matches!(
        unanswered,
        Err(AcceptBatchError::Store(StoreError::Panicked))
    ));
    assert_eq!(fixture.events().await.len(), 1);
    assert_eq!(fixture.claim(99, 30).await.len(), 1);
    assert_eq!(fixture.store.batch(fixture.workspace, batch.id).await, Ok(None));
}

#[tokio::test]
async fn what_becomes_of_the_messages_is_counted() {
    let fixture = Fixture::new().await;
    let mut batch = fixture.batch_of(8);
    batch.messages[7].scheduled_for = Some(at(900));
    fixture.accept_batch(&batch, None, 10).await.expect("accepted");
    fixture.accept(1, 10).await;
    fixture.claim(5, 20).await;
    fixture.record(acked("OUT0"), 30).await;
    fixture.record(receipt("OUT1", ReceiptKind::Delivered), 30).await;
    fixture.record(receipt("OUT2", ReceiptKind::Read), 30).await;
    fixture.record(failed("OUT3"), 30).await;
    let found = fixture.found(batch.id).await;
    assert_eq!((found.total, found.refused), (8, 0));
    assert_eq!(
        found.counts,
        [
            (MessageStatus::Scheduled, 1),
            (MessageStatus::Queued, 2),
            (MessageStatus::Processing, 1),
            (MessageStatus::Sent, 1),
            (MessageStatus::Delivered, 1),
            (MessageStatus::Read, 1),
            (MessageStatus::Failed, 1),
        ]
    );
    let elsewhere = fixture.store.batch(WorkspaceId::generate(), batch.id).await;
    assert_eq!(elsewhere, Ok(None));
}

#[tokio::test]
async fn canceling_takes_back_what_was_not_handed_over() {
    let fixture = Fixture::new().await;
    let other = DeviceId::generate();
    fixture.add_device(other, "15550000002").await;
    let mut batch = fixture.batch_of(1_203);
    batch.messages[1_200].scheduled_for = Some(at(900));
    batch.messages[1_201].device = other;
    fixture.accept_batch(&batch, None, 10).await.expect("accepted");
    let alone = fixture.accept(1, 10).await;
    fixture.claim(3, 20).await;
    fixture.record(acked("OUT0"), 30).await;
    fixture.record(retry("OUT1", 500), 30).await;

    let foreign = fixture
        .store
        .cancel_batch(WorkspaceId::generate(), batch.id, at(40))
        .await;
    assert!(matches!(foreign, Err(MoveError::UnknownBatch)));
    let (canceled, devices) = fixture.cancel_batch(batch.id, 40).await.expect("canceled");
    assert_eq!((canceled, devices.len()), (1_201, 2));
    assert_eq!(
        fixture.found(batch.id).await.counts,
        [
            (MessageStatus::Processing, 1),
            (MessageStatus::Sent, 1),
            (MessageStatus::Canceled, 1_201),
        ]
    );
    let again = fixture.cancel_batch(batch.id, 50).await;
    assert_eq!(again.expect("canceled"), (0, Vec::new()));
    // Nothing else was touched, and nothing of it leaves any more.
    assert_eq!(fixture.claim(9, 60).await, [alone.stanza.to_string()]);
    let canceled = fixture.event_names().await;
    let canceled = canceled.iter().filter(|name| **name == "message.canceled");
    assert_eq!(canceled.count(), 1_201);
}

#[tokio::test]
async fn too_many_batches_at_once_are_turned_away_and_the_others_take_turns() {
    let fixture = Fixture::new().await;
    let batches: Vec<_> = (0..40).map(|_| fixture.batch_of(2)).collect();
    let answers =
        futures_util::future::join_all(batches.iter().map(|batch| fixture.accept_batch(batch, None, 10)))
            .await;
    let turned_away =
        |answer: &Result<_, _>| matches!(answer, Err(AcceptBatchError::Store(StoreError::Overloaded)));
    assert_eq!(answers.iter().filter(|answer| turned_away(answer)).count(), 8);
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 32);
    assert_eq!(fixture.claim(99, 20).await.len(), 64);
}

#[tokio::test]
async fn a_batch_is_forgotten_after_its_last_message() {
    let fixture = Fixture::new().await;
    let mut waiting = fixture.batch_of(2);
    waiting.messages[1].scheduled_for = Some(at(90_000));
    fixture.accept_batch(&waiting, None, 10).await.expect("accepted");
    let mut old = Vec::new();
    for _ in 0..501 {
        let batch = fixture.batch_of(1);
        fixture.accept_batch(&batch, None, 10).await.expect("accepted");
        old.push(batch.id);
    }
    for stanza in fixture.claim(1_000, 20).await {
        fixture.record(acked(&stanza), 30).await;
    }
    let young = fixture.batch_of(1);
    fixture.accept_batch(&young, None, 500).await.expect("accepted");
    let exists = async |id| {
        let found = fixture.store.batch(fixture.workspace, id).await;
        found.expect("an answer").is_some()
    };
    fixture.sweep(Swept::Batches, 1_000).await;
    assert!(exists(old[0]).await, "its message is still there");
    fixture.sweep(Swept::Messages, 100).await;
    assert_eq!(fixture.sweep(Swept::Batches, 100).await, 2);
    assert!(!exists(old[0]).await && !exists(old[500]).await);
    assert!(exists(waiting.id).await && exists(young.id).await);
}
