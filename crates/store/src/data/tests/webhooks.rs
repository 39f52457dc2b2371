//! Webhook endpoints: their settings, what is listed of them, and what is asked to be sent again.

use postern_domain::webhook::{AttemptFailure, DisableReason, EventTypes, WebhookSecret};
use postern_domain::{EventId, EventType, WebhookId};
use rusqlite::params;

use super::*;
use crate::StoreError;

fn secret(byte: u8) -> WebhookSecret {
    WebhookSecret::from_bytes([byte; WebhookSecret::BYTES])
}

fn new(workspace: WorkspaceId) -> NewWebhook {
    NewWebhook {
        id: WebhookId::generate(),
        workspace,
        url: "https://example.com/hook".to_owned(),
        description: "orders".to_owned(),
        event_types: EventTypes::ALL,
        devices: None,
        headers: vec![("X-Tenant".to_owned(), "7".to_owned())],
        secret: secret(1),
        ordered: false,
        rate_cap: None,
        enabled: true,
        verified_at: Some(at(5)),
    }
}

impl Fixture {
    async fn webhook(&self, now: i64) -> Webhook {
        let created = self.store.create_webhook(new(self.workspace), at(now)).await;
        created.expect("created")
    }

    async fn change(&self, id: WebhookId, change: WebhookChange, now: i64) -> Webhook {
        let changed = self
            .store
            .change_webhook(self.workspace, id, change, at(now))
            .await;
        changed.expect("changed").expect("an endpoint")
    }

    async fn replay_of(&self, id: WebhookId, request: ReplayRequest) -> Result<Replay, ReplayError> {
        self.store
            .replay_events(self.workspace, id, request, at(9_000))
            .await
    }

    /// What the engine writes.
    async fn sql(&self, statement: &'static str, webhook: WebhookId) {
        let written = self.store.database.write(move |tx| {
            tx.execute(statement, params![webhook.to_bytes()])?;
            Ok::<_, StoreError>(())
        });
        written.await.expect("written");
    }

    async fn attempts(
        &self,
        id: WebhookId,
        filter: AttemptFilter,
        start: Option<PageStart>,
    ) -> Page<Attempt> {
        let page = self
            .store
            .webhook_attempts(self.workspace, id, filter, 2, start)
            .await;
        page.expect("read").expect("an endpoint")
    }

    async fn last_event(&self) -> Event {
        self.store
            .events_after(0, 100_000)
            .await
            .expect("events")
            .pop()
            .expect("an event")
    }
}

const MANY_TRIES: &str = "
    INSERT INTO attempts (webhook_id, event_id, kind, number, at, duration_ms, status, failure, excerpt, next_at)
    WITH RECURSIVE count (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM count WHERE n < 25000)
    SELECT ?1, CAST(printf('%016d', n) AS BLOB), 2, 1, n, 12, iif(n % 5000 = 0, 503, 200), iif(n % 5000 = 0, 1, NULL),
           iif(n % 5000 = 0, x'6f6f7073', NULL), iif(n % 5000 = 0, n + 5000, NULL) FROM count";

#[tokio::test]
async fn what_was_set_comes_back_also_from_the_file() {
    let mut fixture = Fixture::new().await;
    let mut settings = new(fixture.workspace);
    settings.event_types = EventTypes::only([EventType::MessageReceived]);
    settings.devices = Some(vec![fixture.device, DeviceId::generate()]);
    (settings.ordered, settings.rate_cap, settings.enabled) = (true, Some(60), false);
    let created = fixture
        .store
        .create_webhook(settings.clone(), at(7))
        .await
        .expect("created");
    fixture.reopen().await;
    let found = fixture.store.webhook(fixture.workspace, settings.id).await;
    assert_eq!(found.expect("read"), Some(created.clone()));
    assert_eq!(created.devices, settings.devices);
    assert_eq!(created.headers, settings.headers);
    assert_eq!(created.disabled, Some((DisableReason::Operator, at(7))));
    assert_eq!(
        created.position,
        fixture.last_event().await.seq,
        "only what comes from now on"
    );
    assert!(created.wants(EventType::MessageReceived, Some(fixture.device)));
    assert!(!created.wants(EventType::MessageReceived, Some(DeviceId::generate())));
    assert!(!created.wants(EventType::MessageSent, Some(fixture.device)));
    assert!(
        created.wants(EventType::MessageReceived, None),
        "of no device: by its type alone"
    );
    let enabled = fixture.store.enabled_webhooks().await.expect("read");
    assert_eq!(enabled, []);
}

#[tokio::test]
async fn changes_touch_what_they_name_and_enabling_forgives() {
    let fixture = Fixture::new().await;
    let webhook = fixture.webhook(1).await;
    let failing =
        "UPDATE webhooks SET failures = 9, failing_since = 3, rest_until = 4, disabled = 3, disabled_at = 5,
                       position = 77 WHERE id = ?1";
    fixture.sql(failing, webhook.id).await;
    let named = WebhookChange {
        description: Some("billing".to_owned()),
        ..WebhookChange::default()
    };
    let changed = fixture.change(webhook.id, named, 8).await;
    assert_eq!(
        (changed.description.as_str(), changed.updated_at),
        ("billing", at(8))
    );
    assert_eq!(changed.disabled, Some((DisableReason::Failing, at(5))));
    assert_eq!((changed.failures, changed.failing_since), (9, Some(at(3))));
    assert_eq!((&changed.url, &changed.headers), (&webhook.url, &webhook.headers));

    let off = WebhookChange {
        enabled: Some(false),
        ..WebhookChange::default()
    };
    let still = fixture.change(webhook.id, off, 9).await;
    assert_eq!(
        still.disabled,
        Some((DisableReason::Failing, at(5))),
        "it was disabled before"
    );
    let on = WebhookChange {
        enabled: Some(true),
        ..WebhookChange::default()
    };
    let enabled = fixture.change(webhook.id, on, 10).await;
    assert_eq!((enabled.disabled, enabled.position), (None, 77));
    assert_eq!(
        (enabled.failures, enabled.failing_since, enabled.rest_until),
        (0, None, None)
    );
    assert_eq!(fixture.store.enabled_webhooks().await.expect("read"), [enabled]);

    fixture
        .sql(
            "UPDATE webhooks SET failures = 9, rest_until = 4 WHERE id = ?1",
            webhook.id,
        )
        .await;
    let moved = WebhookChange {
        url: Some(("https://example.com/new".to_owned(), None)),
        ..WebhookChange::default()
    };
    let moved = fixture.change(webhook.id, moved, 11).await;
    assert_eq!(
        (moved.url.as_str(), moved.verified_at),
        ("https://example.com/new", None)
    );
    assert_eq!((moved.failures, moved.rest_until), (0, None));
}

#[tokio::test]
async fn two_secrets_are_live_while_one_is_being_replaced() {
    let fixture = Fixture::new().await;
    let webhook = fixture.webhook(1).await;
    let rotate = async |new: u8, until: i64, now: i64| {
        let rotated = fixture
            .store
            .rotate_webhook_secret(fixture.workspace, webhook.id, secret(new), at(until), at(now))
            .await;
        rotated.expect("rotated").expect("an endpoint")
    };
    let rotated = rotate(2, 100, 10).await;
    assert_eq!(rotated.target(at(99)).secrets, [secret(2), secret(1)]);
    assert_eq!(rotated.target(at(100)).secrets, [secret(2)]);
    let again = rotate(3, 100, 20).await;
    assert_eq!(again.target(at(21)).secrets, [secret(3), secret(2)]);
    let at_once = rotate(4, 30, 30).await;
    assert_eq!(at_once.target(at(30)).secrets, [secret(4)]);
    assert_eq!(at_once.previous_secret, None);
}

#[tokio::test]
async fn a_workspace_has_fifty_at_most_and_lists_the_newest_first() {
    let fixture = Fixture::in_memory().await;
    let mut ids = Vec::new();
    for now in 0..i64::from(MOST_WEBHOOKS) {
        ids.push(fixture.webhook(now).await.id);
    }
    let refused = fixture.store.create_webhook(new(fixture.workspace), at(99)).await;
    assert!(matches!(refused, Err(WebhookError::TooMany)), "{refused:?}");
    ids.sort_unstable();
    ids.reverse();
    let (mut listed, mut after) = (Vec::new(), None);
    loop {
        let (page, next) = fixture
            .store
            .webhooks(fixture.workspace, 20, after)
            .await
            .expect("read");
        listed.extend(page.into_iter().map(|webhook| webhook.id));
        if next.is_none() {
            break;
        }
        after = next;
    }
    assert_eq!(listed, ids);
    assert!(
        fixture
            .store
            .remove_webhook(fixture.workspace, ids[0])
            .await
            .expect("removed")
    );
    fixture.webhook(100).await;
}

#[tokio::test]
async fn a_removal_takes_everything_with_it_however_often_it_is_cut_short() {
    let fixture = Fixture::in_memory().await;
    let (gone, cut, stays) = (
        fixture.webhook(1).await,
        fixture.webhook(1).await,
        fixture.webhook(1).await,
    );
    for webhook in [&gone, &cut, &stays] {
        fixture.sql(MANY_TRIES, webhook.id).await;
        for event_seq in [
            "INSERT INTO deliveries (webhook_id, event_seq, tries, state, due_at) VALUES (?1, 1, 1, 1, 0)",
            "INSERT INTO deliveries (webhook_id, event_seq, tries, state, due_at) VALUES (?1, 2, 1, 2, 0)",
            "INSERT INTO deliveries (webhook_id, event_seq, tries, state, due_at) VALUES (?1, 3, 0, 3, 0)",
        ] {
            fixture.sql(event_seq, webhook.id).await;
        }
        let all = ReplayRequest::Range {
            from: None,
            until: None,
            parked: true,
        };
        fixture.replay_of(webhook.id, all).await.expect("a replay");
    }
    assert!(
        fixture
            .store
            .remove_webhook(fixture.workspace, gone.id)
            .await
            .expect("removed")
    );
    assert!(
        !fixture
            .store
            .remove_webhook(fixture.workspace, gone.id)
            .await
            .expect("asked")
    );
    fixture
        .sql("UPDATE webhooks SET disabled = 4 WHERE id = ?1", cut.id)
        .await;
    assert_eq!(
        fixture
            .store
            .webhook(fixture.workspace, cut.id)
            .await
            .expect("read"),
        None
    );
    assert!(
        !fixture
            .store
            .remove_webhook(fixture.workspace, cut.id)
            .await
            .expect("asked")
    );
    fixture.store.begin(at(10)).await.expect("begun");

    for (table, left) in [
        ("webhooks", 1),
        ("deliveries", 3),
        ("attempts", 25_000),
        ("replays", 1),
    ] {
        let counted = fixture.store.database.read(move |connection| {
            let counting = format!("SELECT count(*) FROM {table}");
            Ok::<i64, StoreError>(connection.query_row(&counting, [], |row| row.get(0))?)
        });
        assert_eq!(counted.await.expect("counted"), left, "{table}");
    }
    let backlog = fixture.store.webhook_backlog(&stays).await.expect("counted");
    assert_eq!((backlog.waiting, backlog.parked), (2, 1));
}

#[tokio::test]
async fn tries_are_listed_newest_first_and_no_page_looks_at_many() {
    let fixture = Fixture::in_memory().await;
    let webhook = fixture.webhook(1).await;
    fixture.sql(MANY_TRIES, webhook.id).await;
    let all = fixture.attempts(webhook.id, AttemptFilter::default(), None).await;
    assert_eq!(
        all.rows.iter().map(|attempt| attempt.at).collect::<Vec<_>>(),
        [at(25_000), at(24_999)]
    );
    let failed = &all.rows[0];
    assert_eq!(
        (failed.status, failed.failure),
        (Some(503), Some(AttemptFailure::Status))
    );
    assert_eq!(
        (failed.excerpt.as_slice(), failed.next_at),
        (&b"oops"[..], Some(at(30_000)))
    );
    assert_eq!(
        (failed.kind, failed.number, failed.duration.as_millis()),
        (EventType::MessageSent, 1, 12)
    );
    let next = fixture
        .attempts(webhook.id, AttemptFilter::default(), all.next)
        .await;
    assert_eq!(next.rows[0].at, at(24_998));

    for (failed, expected) in [
        (true, vec![25_000, 20_000, 15_000, 10_000, 5_000]),
        (false, vec![24_999, 24_998]),
    ] {
        let filter = AttemptFilter {
            failed: Some(failed),
            event: None,
        };
        let (mut found, mut start) = (Vec::new(), None);
        while found.len() < expected.len() {
            let page = fixture.attempts(webhook.id, filter, start).await;
            found.extend(page.rows.iter().map(|attempt| attempt.at.as_millis()));
            start = page.next;
            if start.is_none() {
                break;
            }
        }
        assert_eq!(found, expected);
    }

    // Those of an event are found at once, however many came after them.
    let event = Some(EventId::from_bytes(*b"0000000000000003"));
    for (failed, expected) in [(None, 1), (Some(false), 1), (Some(true), 0)] {
        let filter = AttemptFilter { failed, event };
        let page = fixture.attempts(webhook.id, filter, None).await;
        assert_eq!((page.rows.len(), page.next), (expected, None), "{failed:?}");
        assert!(page.rows.iter().all(|attempt| attempt.at == at(3)));
    }
}

#[tokio::test]
async fn a_replay_is_one_event_or_a_time_that_the_endpoint_is_past() {
    let fixture = Fixture::new().await;
    for now in [1_000, 2_000, 3_000, 4_000] {
        fixture.accept(1, now).await;
    }
    let webhook = fixture.webhook(5_000).await;
    fixture.accept(1, 6_000).await;
    let events = fixture.events().await;
    let seq = |index: usize| events[index].seq;
    let range = |from: Option<i64>, until: Option<i64>| ReplayRequest::Range {
        from: from.map(at),
        until: until.map(at),
        parked: false,
    };
    for (request, (first, last)) in [
        (range(None, None), (1, seq(3))),
        (range(Some(2_000), Some(4_000)), (seq(1), seq(2))),
        (range(Some(1_001), None), (seq(1), seq(3))),
        (range(Some(4_000), Some(9_000)), (seq(3), seq(3))),
        // Behind the endpoint's position: it comes anyway.
        (range(Some(5_000), None), (seq(4), seq(3))),
        (range(Some(9_000), Some(9_500)), (seq(4) + 1, seq(3))),
        // But one that is named comes in any case.
        (ReplayRequest::Event(events[4].id), (seq(4), seq(4))),
    ] {
        let replay = fixture.replay_of(webhook.id, request).await.expect("a replay");
        assert_eq!((replay.first, replay.last), (first, last), "{request:?}");
        assert_eq!(replay.position, first - 1);
        assert_eq!(replay.ended_at.is_some(), first > last, "{request:?}");
        let found = fixture
            .store
            .replay(fixture.workspace, webhook.id, replay.id)
            .await;
        assert_eq!(found.expect("read"), Some(replay));
        fixture
            .sql(
                "UPDATE replays SET ended_at = 1 WHERE webhook_id = ?1",
                webhook.id,
            )
            .await;
    }
}

#[tokio::test]
async fn a_replay_of_an_empty_log_is_done_at_once() {
    let fixture = Fixture::new().await;
    let emptied = fixture.store.database.write(|tx| {
        tx.execute("DELETE FROM events", [])?;
        Ok::<_, StoreError>(())
    });
    emptied.await.expect("emptied");
    let webhook = fixture.webhook(1).await;
    let request = ReplayRequest::Range {
        from: Some(at(1)),
        until: Some(at(2)),
        parked: false,
    };
    let replay = fixture.replay_of(webhook.id, request).await.expect("a replay");
    assert_eq!(replay.ended_at, Some(at(9_000)));
}

#[tokio::test]
async fn a_replay_that_makes_no_sense_is_refused() {
    let fixture = Fixture::new().await;
    let (webhook, other) = (fixture.webhook(1).await, fixture.webhook(1).await);
    fixture.accept(1, 2).await;
    let event = ReplayRequest::Event(fixture.last_event().await.id);
    let refused = fixture.replay_of(WebhookId::generate(), event).await;
    assert!(matches!(refused, Err(ReplayError::UnknownWebhook)), "{refused:?}");
    let refused = fixture
        .replay_of(webhook.id, ReplayRequest::Event(EventId::generate()))
        .await;
    assert!(matches!(refused, Err(ReplayError::UnknownEvent)), "{refused:?}");

    let under_way = fixture.replay_of(webhook.id, event).await.expect("a replay").id;
    let refused = fixture.replay_of(webhook.id, event).await;
    assert!(
        matches!(refused, Err(ReplayError::UnderWay(id)) if id == under_way),
        "{refused:?}"
    );
    fixture
        .replay_of(other.id, event)
        .await
        .expect("each has its own");

    let inbound = WebhookChange {
        event_types: Some(EventTypes::only([EventType::MessageReceived])),
        ..WebhookChange::default()
    };
    fixture.change(webhook.id, inbound, 3).await;
    let refused = fixture.replay_of(webhook.id, event).await;
    assert!(matches!(refused, Err(ReplayError::NotWanted)), "{refused:?}");
    let off = WebhookChange {
        enabled: Some(false),
        ..WebhookChange::default()
    };
    fixture.change(other.id, off, 3).await;
    let refused = fixture.replay_of(other.id, event).await;
    assert!(matches!(refused, Err(ReplayError::Disabled)), "{refused:?}");
}

#[tokio::test]
async fn an_event_goes_again_to_whoever_wants_it() {
    let fixture = Fixture::new().await;
    let (free, busy, off, indifferent) = (
        fixture.webhook(1).await,
        fixture.webhook(1).await,
        fixture.webhook(1).await,
        fixture.webhook(1).await,
    );
    fixture.accept(1, 2).await;
    let event = fixture.last_event().await;
    let under_way = fixture.replay_of(busy.id, ReplayRequest::Event(event.id)).await;
    under_way.expect("a replay");
    let disable = WebhookChange {
        enabled: Some(false),
        ..WebhookChange::default()
    };
    fixture.change(off.id, disable, 3).await;
    let inbound = WebhookChange {
        event_types: Some(EventTypes::only([EventType::MessageReceived])),
        ..WebhookChange::default()
    };
    fixture.change(indifferent.id, inbound, 3).await;

    let outcome = fixture
        .store
        .redeliver(fixture.workspace, event.id, at(4))
        .await
        .expect("asked");
    let got: Vec<_> = outcome.replays.iter().map(|replay| replay.webhook).collect();
    assert_eq!((got, outcome.busy), (vec![free.id], vec![busy.id]));
    assert_eq!(outcome.replays[0].first, event.seq);
    let unknown = fixture
        .store
        .redeliver(fixture.workspace, EventId::generate(), at(4))
        .await;
    assert!(matches!(unknown, Err(ReplayError::UnknownEvent)), "{unknown:?}");
    let theirs = fixture
        .store
        .redeliver(WorkspaceId::generate(), event.id, at(4))
        .await;
    assert!(matches!(theirs, Err(ReplayError::UnknownEvent)), "{theirs:?}");
}

#[tokio::test]
async fn only_the_last_replays_are_remembered() {
    let fixture = Fixture::in_memory().await;
    let webhook = fixture.webhook(1).await;
    fixture.accept(1, 2).await;
    let request = ReplayRequest::Event(fixture.last_event().await.id);
    let mut ids = Vec::new();
    for _ in 0..30 {
        ids.push(fixture.replay_of(webhook.id, request).await.expect("a replay").id);
        fixture
            .sql(
                "UPDATE replays SET ended_at = 1 WHERE webhook_id = ?1",
                webhook.id,
            )
            .await;
    }
    let known = async |id| {
        fixture
            .store
            .replay(fixture.workspace, webhook.id, id)
            .await
            .expect("read")
            .is_some()
    };
    assert!(!known(ids[9]).await);
    assert!(known(ids[10]).await);
    assert!(known(ids[29]).await);
}

#[tokio::test]
async fn another_workspace_sees_and_does_nothing() {
    let fixture = Fixture::new().await;
    let (webhook, stranger) = (fixture.webhook(1).await, WorkspaceId::generate());
    fixture.accept(1, 2).await;
    let event = ReplayRequest::Event(fixture.last_event().await.id);
    let replay = fixture.replay_of(webhook.id, event).await.expect("a replay");
    let store = &fixture.store;
    assert_eq!(store.webhook(stranger, webhook.id).await.expect("read"), None);
    assert_eq!(
        store.webhooks(stranger, 9, None).await.expect("read"),
        (vec![], None)
    );
    let change = store
        .change_webhook(stranger, webhook.id, WebhookChange::default(), at(3))
        .await;
    assert_eq!(change.expect("asked"), None);
    let rotated = store
        .rotate_webhook_secret(stranger, webhook.id, secret(9), at(9), at(3))
        .await;
    assert_eq!(rotated.expect("asked"), None);
    assert!(!store.remove_webhook(stranger, webhook.id).await.expect("asked"));
    let page = store
        .webhook_attempts(stranger, webhook.id, AttemptFilter::default(), 9, None)
        .await;
    assert!(page.expect("read").is_none());
    assert_eq!(
        store.replay(stranger, webhook.id, replay.id).await.expect("read"),
        None
    );
    let theirs = store.replay_events(stranger, webhook.id, event, at(3)).await;
    assert!(matches!(theirs, Err(ReplayError::UnknownWebhook)), "{theirs:?}");
    assert_eq!(
        store.unknown_devices(stranger, vec![fixture.device]).await,
        Ok(vec![fixture.device])
    );
    assert_eq!(
        store
            .unknown_devices(fixture.workspace, vec![fixture.device])
            .await,
        Ok(vec![])
    );
    assert_eq!(
        store.webhook(fixture.workspace, webhook.id).await.expect("read"),
        Some(webhook)
    );
}
