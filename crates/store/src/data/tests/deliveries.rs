//! What is recorded of deliveries: what failed comes again, what is held back is let go, and what nobody wants any more goes.

use std::time::Duration;

use postern_domain::webhook::{AttemptFailure, AttemptOutcome, DisableReason, EventTypes, WebhookSecret};
use postern_domain::{Event, EventType, WebhookId};

use super::*;

/// A store with an endpoint, and so many events of one device before it.
struct Delivering {
    fixture: Fixture,
    webhook: WebhookId,
    events: Vec<Event>,
}

fn tried(failure: Option<AttemptFailure>) -> AttemptOutcome {
    AttemptOutcome {
        at: at(20),
        duration: Duration::from_millis(7),
        status: Some(if failure.is_some() { 500 } else { 200 }),
        failure,
        excerpt: b"why".to_vec(),
        retry_after: None,
    }
}

impl Delivering {
    async fn new(count: usize) -> Self {
        let fixture = Fixture::new().await;
        let webhook = WebhookId::generate();
        let new = NewWebhook {
            id: webhook,
            workspace: fixture.workspace,
            url: "https://example.com/".to_owned(),
            description: String::new(),
            event_types: EventTypes::ALL,
            devices: None,
            headers: Vec::new(),
            secret: WebhookSecret::from_bytes([1; WebhookSecret::BYTES]),
            ordered: true,
            rate_cap: None,
            enabled: true,
            verified_at: None,
        };
        fixture.store.create_webhook(new, at(1)).await.expect("created");
        for number in 0..count {
            fixture.accept(number, 10).await;
        }
        let events = fixture.events().await;
        Self {
            fixture,
            webhook,
            events,
        }
    }

    fn result(&self, index: usize, tries: u32, kept: bool, then: Then) -> DeliveryResult {
        let event = &self.events[index];
        let failure = (then != Then::Done).then_some(AttemptFailure::Status);
        let attempt = (then != Then::Hold).then(|| (event.id, event.kind, tried(failure)));
        DeliveryResult {
            seq: event.seq,
            device: event.device,
            tries,
            kept,
            then,
            attempt,
        }
    }

    async fn record(&self, results: Vec<DeliveryResult>, disable: Option<DisableReason>) -> Recorded {
        let progress = DeliveryProgress {
            position: self.events.last().expect("events").seq,
            results,
            health: EndpointHealth {
                failing_since: Some(at(5)),
                failures: 3,
                ..EndpointHealth::default()
            },
            disable,
        };
        let recorded = self
            .fixture
            .store
            .record_deliveries(self.webhook, progress, at(30));
        recorded.await.expect("recorded")
    }

    /// The places, from 0, of what is due at a time.
    async fn due(&self, now: i64) -> Vec<usize> {
        let due = self
            .fixture
            .store
            .due_deliveries(self.webhook, at(now), 100)
            .await;
        let place = |seq| {
            self.events
                .iter()
                .position(|event| event.seq == seq)
                .expect("known")
        };
        due.expect("an answer")
            .0
            .iter()
            .map(|row| place(row.seq))
            .collect()
    }

    async fn waiting(&self) -> Waiting {
        let waiting = self.fixture.store.waiting_deliveries(self.webhook, 0);
        waiting.await.expect("an answer")
    }
}

#[tokio::test]
async fn what_is_held_back_goes_one_by_one_when_the_first_is_delivered_or_parked() {
    let delivering = Delivering::new(4).await;
    let hold = |index| delivering.result(index, 0, false, Then::Hold);
    let failed = delivering.result(0, 1, false, Then::Retry(at(100)));
    assert_eq!(
        delivering
            .record(vec![failed, hold(1), hold(2), hold(3)], None)
            .await,
        Recorded::Going
    );
    assert!(delivering.due(99).await.is_empty());
    assert_eq!(delivering.due(100).await, [0]);
    let waiting = delivering.waiting().await;
    assert_eq!((waiting.count, waiting.held), (4, true));
    assert_eq!(waiting.devices, [(delivering.fixture.device, 4)]);

    delivering
        .record(vec![delivering.result(0, 2, true, Then::Done)], None)
        .await;
    assert_eq!(delivering.due(100).await, [1]);
    delivering
        .record(vec![delivering.result(1, 1, true, Then::Park)], None)
        .await;
    assert_eq!(delivering.due(100).await, [2]);
    delivering
        .record(vec![delivering.result(2, 1, true, Then::Stay)], None)
        .await;
    assert_eq!(delivering.due(100).await, [2]);
    assert!(
        !delivering
            .fixture
            .store
            .release_held_deliveries(delivering.webhook, at(50))
            .await
            .expect("let go")
    );
    assert_eq!(delivering.due(100).await, [2, 3]);
    // With nothing to wait for nothing is held back.
    let alone = Delivering::new(1).await;
    alone
        .record(vec![alone.result(0, 0, false, Then::Hold)], None)
        .await;
    assert_eq!(alone.due(100).await, [0]);
}

#[tokio::test]
async fn tries_and_health_are_written_down_with_the_position() {
    let delivering = Delivering::new(2).await;
    let results = vec![
        delivering.result(0, 1, false, Then::Done),
        delivering.result(1, 1, false, Then::Retry(at(100))),
    ];
    delivering.record(results, None).await;
    let (store, workspace) = (&delivering.fixture.store, delivering.fixture.workspace);
    let webhook = store
        .webhook(workspace, delivering.webhook)
        .await
        .expect("an answer")
        .expect("there");
    assert_eq!(webhook.position, delivering.events[1].seq);
    assert_eq!((webhook.failing_since, webhook.failures), (Some(at(5)), 3));
    let filter = AttemptFilter::default();
    let page = store
        .webhook_attempts(workspace, delivering.webhook, filter, 10, None)
        .await;
    let attempts = page.expect("an answer").expect("there").rows;
    assert_eq!(attempts.len(), 2);
    assert_eq!(
        (attempts[0].failure, attempts[0].next_at),
        (Some(AttemptFailure::Status), Some(at(100)))
    );
    assert_eq!((attempts[1].failure, attempts[1].status), (None, Some(200)));
}

#[tokio::test]
async fn an_endpoint_that_is_disabled_or_gone_says_so() {
    let delivering = Delivering::new(1).await;
    let failed = || vec![delivering.result(0, 1, false, Then::Retry(at(100)))];
    assert_eq!(
        delivering.record(failed(), Some(DisableReason::Failing)).await,
        Recorded::Disabled
    );
    let events = delivering.fixture.events().await;
    let last = events.last().expect("an event");
    assert_eq!((last.kind, last.device), (EventType::WebhookDisabled, None));
    // Once.
    assert_eq!(
        delivering.record(failed(), Some(DisableReason::Failing)).await,
        Recorded::Disabled
    );
    assert_eq!(delivering.fixture.events().await.len(), events.len());
    let store = &delivering.fixture.store;
    let removed = store
        .remove_webhook(delivering.fixture.workspace, delivering.webhook)
        .await;
    assert!(removed.expect("removed"));
    assert_eq!(delivering.record(failed(), None).await, Recorded::Gone);
    assert_eq!(delivering.fixture.count("deliveries").await, 0);
    assert_eq!(delivering.fixture.count("attempts").await, 0);
}

#[tokio::test]
async fn old_tries_go_and_so_does_what_was_given_up_when_the_log_has_it_no_more() {
    let delivering = Delivering::new(3).await;
    let results = vec![
        delivering.result(0, 1, false, Then::Park),
        delivering.result(1, 1, false, Then::Retry(at(100))),
    ];
    delivering.record(results, None).await;
    let fixture = &delivering.fixture;
    fixture.sweep(Swept::ParkedDeliveries, 1_000).await;
    assert_eq!(fixture.count("deliveries").await, 2);
    fixture.sweep(Swept::Attempts, 20).await;
    assert_eq!(fixture.count("attempts").await, 2);
    fixture.sweep(Swept::Attempts, 21).await;
    assert_eq!(fixture.count("attempts").await, 0);
    fixture.sweep(Swept::Events, 1_000).await;
    fixture.sweep(Swept::ParkedDeliveries, 1_000).await;
    assert_eq!(fixture.count("deliveries").await, 1);
    let due = fixture
        .store
        .due_deliveries(delivering.webhook, at(100), 10)
        .await
        .expect("an answer")
        .0;
    assert_eq!(due.len(), 1);
    assert!(due[0].event.is_none(), "the log has it no more");
}
