//! What waited when a link was removed, and how it is released or canceled.

use postern_domain::ParkReason;

use super::*;

impl Fixture {
    async fn parked(&self, id: MessageId) -> Option<ParkReason> {
        self.stored(id).await.parked.map(|(reason, _)| reason)
    }

    async fn parked_list(&self) -> Vec<MessageId> {
        let filter = MessageFilter {
            parked: true,
            ..MessageFilter::default()
        };
        let page = self.store.messages(self.workspace, filter, 100, None).await;
        page.expect("a page")
            .rows
            .into_iter()
            .map(|message| message.id)
            .collect()
    }

    async fn parked_count(&self) -> u64 {
        self.observed(self.device).await.counters.parked
    }

    async fn release(&self, id: MessageId, now: i64) -> Result<Message, MoveError> {
        self.store.release(self.workspace, id, at(now)).await
    }

    async fn cancel(&self, id: MessageId, now: i64) -> Result<Message, MoveError> {
        self.store.cancel(self.workspace, id, at(now)).await
    }
}

#[tokio::test]
async fn a_logout_parks_what_waits_and_leaves_what_is_scheduled() {
    let mut fixture = Fixture::new().await;
    let in_flight = fixture.accept(1, 10).await;
    let behind = fixture.accept(1, 10).await;
    fixture.claim(1, 20).await;
    let scheduled = NewMessage {
        scheduled_for: Some(at(900)),
        ..fixture.message(2)
    };
    fixture.accept_this(&scheduled, 20).await;
    fixture.log_out(30).await;
    fixture.reopen().await;

    assert_eq!(fixture.parked_list().await, [behind.id, in_flight.id]);
    assert_eq!(fixture.parked_count().await, 2);
    let shown = fixture.stored(in_flight.id).await;
    assert_eq!(shown.status, MessageStatus::Retrying);
    assert_eq!(shown.parked, Some((ParkReason::LoggedOut, at(30))));
    let last = shown.timeline.last().and_then(|step| step.detail.clone());
    assert_eq!(last.as_deref(), Some("parked: logged_out"));
    assert_eq!(fixture.parked(scheduled.id).await, None);

    // Nothing leaves, not even after the account is back, until it is released.
    assert!(fixture.claim(9, 40).await.is_empty());
    assert!(matches!(
        fixture.release(behind.id, 40).await,
        Err(MoveError::OtherAccount)
    ));
    fixture.link("15550000001", 50).await;
    assert!(fixture.claim(9, 60).await.is_empty());
    let released = fixture.release(behind.id, 70).await.expect("released");
    assert_eq!((released.status, released.parked), (MessageStatus::Queued, None));
    assert_eq!(fixture.claim(9, 70).await, ["OUT1"]);
    assert!(matches!(
        fixture.release(behind.id, 80).await,
        Err(MoveError::NotParked)
    ));
    fixture
        .store
        .promote_scheduled(at(900), 9)
        .await
        .expect("promoted");
    assert_eq!(fixture.claim(9, 900).await, ["OUT2"]);
    assert_eq!(fixture.parked_count().await, 1);
}

#[tokio::test]
async fn what_is_parked_is_listed_in_pages_of_a_workspace_or_a_device() {
    let fixture = Fixture::new().await;
    let other = DeviceId::generate();
    fixture.add_device(other, "15550000002").await;
    for number in 0..6 {
        let device = if number % 3 == 0 { other } else { fixture.device };
        let message = NewMessage {
            device,
            ..fixture.message(number)
        };
        fixture.accept_this(&message, 10).await;
    }
    for device in [fixture.device, other] {
        let logged_out = Signal::LoggedOut { messages_left: false };
        let signalled = fixture.store.signal(device, logged_out, at(20)).await;
        signalled.expect("signalled");
    }
    let waiting = NewMessage {
        queue_if_disconnected: true,
        ..fixture.message(9)
    };
    fixture.accept_this(&waiting, 30).await;
    let parked = || MessageFilter {
        parked: true,
        ..MessageFilter::default()
    };
    assert_eq!(
        fixture.list(&parked()).await,
        ["OUT5", "OUT4", "OUT3", "OUT2", "OUT1", "OUT0"]
    );
    let of_device = MessageFilter {
        device: Some(other),
        ..parked()
    };
    assert_eq!(fixture.list(&of_device).await, ["OUT3", "OUT0"]);
    let to_one = MessageFilter {
        chat: Some(chat(4)),
        ..parked()
    };
    assert_eq!(fixture.list(&to_one).await, ["OUT4"]);
    for filter in [parked(), of_device] {
        let foreign = WorkspaceId::generate();
        let page = fixture.store.messages(foreign, filter, 9, None).await;
        let page = page.expect("a page");
        assert!(page.rows.is_empty() && page.next.is_none());
    }
}

#[tokio::test]
async fn another_account_releases_nothing_and_may_cancel() {
    let fixture = Fixture::new().await;
    let first = fixture.accept(1, 10).await;
    let second = fixture.accept(2, 10).await;
    fixture.log_out(20).await;
    fixture.link("15550000009", 30).await;
    assert!(matches!(
        fixture.release(first.id, 40).await,
        Err(MoveError::OtherAccount)
    ));
    let released = fixture
        .store
        .release_parked(fixture.workspace, fixture.device, at(40));
    assert_eq!(released.await.expect("an answer"), 0);
    let canceled = fixture.cancel(first.id, 50).await.expect("canceled");
    assert_eq!(
        (canceled.status, canceled.parked),
        (MessageStatus::Canceled, None)
    );
    let canceled = fixture
        .store
        .cancel_parked(fixture.workspace, fixture.device, at(60));
    assert_eq!(canceled.await.expect("canceled"), 1);
    assert_eq!(fixture.stored(second.id).await.status, MessageStatus::Canceled);
    assert_eq!(
        (fixture.parked_count().await, fixture.parked_list().await),
        (0, vec![])
    );
}

#[tokio::test]
async fn a_receipt_that_comes_late_takes_a_message_out_of_the_parked_ones() {
    let fixture = Fixture::new().await;
    let message = fixture.accept(1, 10).await;
    fixture.claim(1, 20).await;
    fixture.log_out(30).await;
    fixture.record(receipt("OUT0", ReceiptKind::Delivered), 40).await;
    let shown = fixture.stored(message.id).await;
    assert_eq!((shown.status, shown.parked), (MessageStatus::Delivered, None));
    assert_eq!(fixture.parked_count().await, 0);
}

#[tokio::test]
async fn a_large_backlog_is_parked_and_released_in_steps() {
    let fixture = Fixture::new().await;
    let first = fixture.accept(1, 10).await;
    fixture.claim(1, 20).await;
    fixture.record(retry("OUT0", 500), 20).await;
    for _ in 0..1_200 {
        fixture.accept(1, 30).await;
    }
    fixture.log_out(40).await;
    assert_eq!(
        fixture.observed(fixture.device).await.parking,
        Some(ParkReason::LoggedOut)
    );
    fixture
        .store
        .park_rest(fixture.device, at(50))
        .await
        .expect("parked");
    assert_eq!(fixture.observed(fixture.device).await.parking, None);
    assert_eq!(fixture.parked_count().await, 1_201);
    assert_eq!(fixture.parked(first.id).await, Some(ParkReason::LoggedOut));
    fixture.link("15550000001", 60).await;
    let released = fixture
        .store
        .release_parked(fixture.workspace, fixture.device, at(70));
    assert_eq!(released.await.expect("released"), 1_201);
    assert_eq!(fixture.parked_count().await, 0);
    let gone = fixture.claim(2_000, 80).await;
    let expected: Vec<_> = (0..=1_200).map(|number| format!("OUT{number}")).collect();
    assert_eq!(gone, expected);
}

#[tokio::test]
async fn what_was_handed_over_or_is_not_ours_is_not_canceled() {
    let fixture = Fixture::new().await;
    let first = fixture.accept(1, 10).await;
    let second = fixture.accept(1, 10).await;
    fixture.claim(1, 20).await;
    let too_late = fixture.cancel(first.id, 30).await;
    assert!(matches!(
        too_late,
        Err(MoveError::InvalidStatus(MessageStatus::Processing))
    ));
    let foreign = fixture
        .store
        .cancel(WorkspaceId::generate(), second.id, at(30))
        .await;
    assert!(matches!(foreign, Err(MoveError::UnknownMessage)));
    // One that waits lets the next of its chat go when it is taken back.
    fixture.record(retry("OUT0", 500), 40).await;
    assert!(fixture.claim(9, 50).await.is_empty());
    fixture.cancel(first.id, 60).await.expect("canceled");
    assert_eq!(fixture.claim(9, 70).await, ["OUT1"]);
    assert!(matches!(
        fixture.cancel(first.id, 80).await,
        Err(MoveError::InvalidStatus(MessageStatus::Canceled))
    ));
}

#[tokio::test]
async fn a_retry_keeps_the_stanza_id_and_the_account() {
    let fixture = Fixture::new().await;
    let message = fixture.accept(1, 10).await;
    fixture.claim(1, 20).await;
    fixture.record(failed("OUT0"), 30).await;
    let retry = async |now| fixture.store.retry(fixture.workspace, message.id, at(now)).await;
    let retried = retry(40).await.expect("queued");
    assert_eq!((retried.status, retried.failure), (MessageStatus::Queued, None));
    assert!(matches!(
        retry(50).await,
        Err(MoveError::InvalidStatus(MessageStatus::Queued))
    ));
    assert_eq!(fixture.claim(1, 50).await, ["OUT0"]);
    fixture.record(failed("OUT0"), 60).await;
    fixture.log_out(70).await;
    fixture.link("15550000009", 70).await;
    assert!(matches!(retry(80).await, Err(MoveError::OtherAccount)));
    fixture.remove(fixture.device, false).await;
    assert!(matches!(retry(90).await, Err(MoveError::DeviceRemoved)));
}

#[tokio::test]
async fn a_scheduled_message_takes_another_time() {
    let fixture = Fixture::new().await;
    let message = NewMessage {
        scheduled_for: Some(at(900)),
        ..fixture.message(1)
    };
    fixture.accept_this(&message, 10).await;
    let (store, workspace) = (&fixture.store, fixture.workspace);
    let moved = store
        .reschedule(workspace, message.id, Some(at(500)), at(20))
        .await;
    assert_eq!(moved.expect("moved").scheduled_for, Some(at(500)));
    store.promote_scheduled(at(400), 9).await.expect("promoted");
    assert!(fixture.claim(9, 400).await.is_empty());
    store.promote_scheduled(at(500), 9).await.expect("promoted");
    assert_eq!(fixture.claim(9, 500).await, ["OUT0"]);
    let too_late = store.reschedule(workspace, message.id, None, at(600)).await;
    assert!(matches!(
        too_late,
        Err(MoveError::InvalidStatus(MessageStatus::Processing))
    ));
}
