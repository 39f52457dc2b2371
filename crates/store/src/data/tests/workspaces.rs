//! Workspaces: their plans, what they have used of them, and what a deactivated one does not do.

use std::collections::BTreeMap;

use postern_domain::event::EventPayload;
use postern_domain::webhook::{EventTypes, WebhookSecret};
use postern_domain::{ApiKeyId, EventType, Plan, Scopes, WebhookId};

use super::*;

/// A plan with these limits.
fn plan(devices: Option<u32>, messages: Option<u64>) -> Plan {
    Plan {
        devices,
        messages_per_month: messages,
        ..Plan::UNLIMITED
    }
}

/// The last millisecond of November 2026.
const NOVEMBER: i64 = 1_796_083_199_999;
const DECEMBER: i64 = NOVEMBER + 1;

impl Fixture {
    async fn put_on(&self, plan: Plan) {
        let change = WorkspaceChange {
            plan: Some(("small".to_owned(), plan)),
            ..WorkspaceChange::default()
        };
        let changed = self.store.change_workspace(self.workspace, change, at(0)).await;
        assert_eq!(changed.expect("changed").expect("a workspace").0.plan, "small");
    }

    async fn try_accept(&self, now: i64) -> Result<Accepted, AcceptError> {
        self.store.accept(self.message(1), None, at(now)).await
    }

    async fn used(&self, now: i64) -> u64 {
        let usage = self.store.usage(self.workspace, at(now)).await;
        usage.expect("an answer").expect("a workspace").messages
    }

    /// An endpoint of which four tries in a row have failed.
    async fn failing_webhook(&self) -> WebhookId {
        let new = NewWebhook {
            id: WebhookId::generate(),
            workspace: self.workspace,
            url: "https://example.com/hook".to_owned(),
            description: String::new(),
            event_types: EventTypes::ALL,
            devices: None,
            headers: Vec::new(),
            secret: WebhookSecret::from_bytes([1; WebhookSecret::BYTES]),
            ordered: false,
            rate_cap: None,
            enabled: true,
            verified_at: None,
        };
        let id = self.store.create_webhook(new, at(1)).await.expect("created").id;
        let health = EndpointHealth {
            failing_since: Some(at(2)),
            failures: 4,
            rest_until: Some(at(99)),
            last_success_at: None,
            last_failure_at: Some(at(9)),
        };
        let progress = DeliveryProgress {
            position: 0,
            results: Vec::new(),
            health,
            disable: None,
        };
        let recorded = self.store.record_deliveries(id, progress, at(9)).await;
        assert_eq!(recorded, Ok(Recorded::Going));
        id
    }

    /// Percentages that were warned of.
    async fn warnings(&self) -> Vec<(u32, u64)> {
        let events = self.events().await;
        let warnings = events
            .iter()
            .filter(|event| event.kind == EventType::QuotaWarning);
        let told = warnings.map(|event| match &event.payload {
            EventPayload::Quota {
                percent, used, limit, ..
            } => {
                assert_eq!((event.device, *limit % 5), (None, 0));
                (*percent, *used)
            }
            other => panic!("{other:?}"),
        });
        told.collect()
    }
}

#[tokio::test]
async fn a_month_has_so_many_messages_and_the_next_one_again() {
    let mut fixture = Fixture::new().await;
    fixture.put_on(plan(None, Some(5))).await;
    for _ in 0..5 {
        fixture.try_accept(NOVEMBER).await.expect("within");
    }
    let refused = fixture.try_accept(NOVEMBER).await;
    let exceeded = QuotaExceeded {
        limit: 5,
        used: 5,
        resets_at: at(DECEMBER),
    };
    assert!(matches!(refused, Err(AcceptError::QuotaExceeded(why)) if why == exceeded));
    assert_eq!(
        fixture
            .store
            .quota_exceeded(fixture.workspace, at(NOVEMBER))
            .await,
        Ok(Some(exceeded))
    );
    assert_eq!(fixture.warnings().await, [(80, 4), (100, 5)]);
    assert_eq!(fixture.used(NOVEMBER).await, 5);

    // Refused after a restart as well, and free on the first of the month.
    fixture.reopen().await;
    assert!(fixture.try_accept(NOVEMBER).await.is_err());
    assert_eq!(fixture.used(DECEMBER).await, 0);
    fixture.try_accept(DECEMBER).await.expect("a new month");
    assert_eq!(fixture.used(DECEMBER).await, 1);
    // A clock that is set back does not give the old month again.
    fixture.try_accept(NOVEMBER).await.expect("counted in December");
    assert_eq!(fixture.used(DECEMBER).await, 2);
    for _ in 0..3 {
        fixture.try_accept(DECEMBER).await.expect("within");
    }
    assert!(fixture.try_accept(NOVEMBER).await.is_err());
    assert_eq!(fixture.warnings().await.len(), 4, "once a month each");
}

#[tokio::test]
async fn a_clock_that_was_years_ahead_costs_one_month_and_no_more() {
    let fixture = Fixture::new().await;
    fixture.put_on(plan(None, Some(1))).await;
    let ahead = NOVEMBER + 10 * 365 * 24 * 3_600_000;
    fixture.try_accept(ahead).await.expect("within");
    assert_eq!(fixture.used(NOVEMBER).await, 0);
    fixture.try_accept(NOVEMBER).await.expect("counted in November");
    assert_eq!(fixture.used(NOVEMBER).await, 1);
    assert!(fixture.try_accept(NOVEMBER).await.is_err());
}

#[tokio::test]
async fn a_new_limit_is_warned_of_anew() {
    let fixture = Fixture::new().await;
    fixture.put_on(plan(None, Some(5))).await;
    for _ in 0..5 {
        fixture.try_accept(NOVEMBER).await.expect("within");
    }
    fixture.put_on(plan(None, Some(10))).await;
    for _ in 0..5 {
        fixture.try_accept(NOVEMBER).await.expect("within the new one");
    }
    assert_eq!(fixture.warnings().await, [(80, 4), (100, 5), (80, 8), (100, 10)]);
    // The same limit once more, as at each start, changes nothing.
    fixture.put_on(plan(None, Some(10))).await;
    assert!(fixture.try_accept(NOVEMBER).await.is_err());
    assert_eq!(fixture.warnings().await.len(), 4);
}

#[tokio::test]
async fn replays_and_what_is_refused_use_nothing() {
    let fixture = Fixture::new().await;
    fixture.put_on(plan(None, Some(1))).await;
    let key = |fingerprint| IdempotencyKey {
        endpoint: "POST /v1/messages",
        key: "k".to_owned(),
        fingerprint: [fingerprint; 32],
        http_status: 202,
        body: b"1".to_vec(),
    };
    let foreign = NewMessage {
        device: DeviceId::generate(),
        ..fixture.message(1)
    };
    let refused = fixture.store.accept(foreign, None, at(NOVEMBER)).await;
    assert!(matches!(refused, Err(AcceptError::UnknownDevice)));
    assert_eq!(fixture.used(NOVEMBER).await, 0);
    let accept = async |fingerprint| {
        let message = fixture.message(1);
        let accepted = fixture
            .store
            .accept(message, Some(key(fingerprint)), at(NOVEMBER));
        accepted.await
    };
    assert_eq!(accept(1).await.expect("accepted"), Accepted::New);
    // The look at the key comes before the quota.
    assert!(matches!(accept(1).await, Ok(Accepted::Replayed { .. })));
    assert!(matches!(accept(2).await, Err(AcceptError::IdempotencyConflict)));
    assert_eq!(fixture.used(NOVEMBER).await, 1);
    // A refusal for the quota is remembered no more than any other.
    fixture.put_on(plan(None, Some(2))).await;
    fixture.try_accept(NOVEMBER).await.expect("the limit was raised");
}

#[tokio::test]
async fn a_batch_is_counted_whole_or_as_far_as_it_goes() {
    let fixture = Fixture::new().await;
    fixture.put_on(plan(None, Some(5))).await;
    let batch = |count, partial| NewBatch {
        id: postern_domain::BatchId::generate(),
        workspace: fixture.workspace,
        messages: (0..count).map(|_| fixture.message(1)).collect(),
        refused: 0,
        partial,
    };
    let send = async |batch: NewBatch| {
        let answer = |refused: &[RefusedMessage]| {
            let indexes = refused
                .iter()
                .map(|refused| u8::try_from(refused.index).expect("few"));
            Ok(indexes.collect())
        };
        fixture
            .store
            .accept_batch(batch, None, answer, at(NOVEMBER))
            .await
    };
    fixture.try_accept(NOVEMBER).await.expect("within");
    assert!(matches!(send(batch(5, false)).await, Err(AcceptBatchError::Refused(all)) if all.len() == 1));
    assert_eq!(fixture.used(NOVEMBER).await, 1);
    let rehearsed = fixture.store.rehearse_batch(batch(6, true), at(NOVEMBER)).await;
    assert_eq!(rehearsed.expect("an answer").len(), 2);
    let sent = send(batch(6, true)).await.expect("accepted in part");
    assert!(matches!(sent, AcceptedBatch::New { body, .. } if body == [4, 5]));
    assert_eq!(fixture.used(NOVEMBER).await, 5);
    assert_eq!(fixture.warnings().await, [(80, 5), (100, 5)]);
    assert!(matches!(
        send(batch(1, true)).await,
        Err(AcceptBatchError::Refused(_))
    ));
    assert_eq!(fixture.claim(99, NOVEMBER).await.len(), 5);
}

#[tokio::test]
async fn a_workspace_has_so_many_devices() {
    let fixture = Fixture::new().await;
    fixture.put_on(plan(Some(2), None)).await;
    let create = async || {
        let id = DeviceId::generate();
        let created = fixture
            .store
            .create_device(fixture.workspace, id, String::new(), at(1));
        created.await.map(|device| device.id)
    };
    let second = create().await.expect("the second");
    assert!(matches!(
        create().await,
        Err(CreateDeviceError::QuotaExceeded { limit: 2 })
    ));
    fixture.remove(second, false).await;
    create().await.expect("there is room again");
}

#[tokio::test]
async fn the_configuration_sets_the_limits_of_its_plans() {
    let fixture = Fixture::new().await;
    let plans = |plan| BTreeMap::from([("unlimited".to_owned(), plan)]);
    let unknown = fixture.store.apply_plans(plans(plan(Some(1), Some(2)))).await;
    assert_eq!(unknown, Ok(Vec::new()));
    let usage = fixture.store.usage(fixture.workspace, at(NOVEMBER)).await;
    let usage = usage.expect("an answer").expect("a workspace");
    assert_eq!(
        (usage.devices, usage.device_limit, usage.message_limit),
        (1, Some(1), Some(2))
    );
    for _ in 0..2 {
        fixture.try_accept(NOVEMBER).await.expect("within");
    }
    assert!(fixture.try_accept(NOVEMBER).await.is_err());
    let unknown = fixture.store.apply_plans(BTreeMap::new()).await;
    assert_eq!(unknown, Ok(vec!["unlimited".to_owned()]));
    assert!(
        fixture.try_accept(NOVEMBER).await.is_err(),
        "the limits stay with a plan that is gone"
    );
    let applied = fixture.store.apply_plans(plans(Plan::UNLIMITED)).await;
    assert_eq!(applied, Ok(Vec::new()));
    fixture.try_accept(NOVEMBER).await.expect("no limit");
}

#[tokio::test]
async fn nothing_leaves_a_deactivated_workspace_until_it_is_activated() {
    let mut fixture = Fixture::new().await;
    let switch = |deactivate| WorkspaceChange {
        deactivate: Some(deactivate),
        ..WorkspaceChange::default()
    };
    fixture.accept(1, 10).await;
    let off = switch(Some("unpaid".to_owned()));
    let changed = fixture
        .store
        .change_workspace(fixture.workspace, off, at(20))
        .await;
    let (workspace, devices) = changed.expect("changed").expect("a workspace");
    let deactivation = Deactivation {
        since: at(20),
        reason: "unpaid".to_owned(),
    };
    assert_eq!(workspace.deactivation, Some(deactivation));
    assert_eq!(devices, [fixture.device]);
    fixture.reopen().await;
    assert!(fixture.claim(9, 30).await.is_empty());
    // Nor is anything accepted, whoever asks: nobody's look at the workspace is newer than the transaction.
    let used = fixture.used(30).await;
    let refused = fixture.try_accept(30).await;
    assert!(matches!(refused, Err(AcceptError::Deactivated(why)) if why == "unpaid"));
    let batch = NewBatch {
        id: postern_domain::BatchId::generate(),
        workspace: fixture.workspace,
        messages: vec![fixture.message(1)],
        refused: 0,
        partial: true,
    };
    let refused = fixture
        .store
        .accept_batch(batch, None, |_| Ok(Vec::new()), at(30))
        .await;
    let Err(AcceptBatchError::Refused(refused)) = refused else {
        panic!("accepted");
    };
    assert_eq!(refused[0].reason, Refusal::Deactivated("unpaid".to_owned()));
    assert_eq!(fixture.used(30).await, used);
    // Nobody has to come back for it before it is activated.
    assert_eq!(fixture.next_due().await, None);
    assert!(fixture.observed(fixture.device).await.linked);

    let on = fixture
        .store
        .change_workspace(fixture.workspace, switch(None), at(40))
        .await;
    assert_eq!(on.expect("changed").expect("a workspace").0.deactivation, None);
    assert!(fixture.next_due().await.is_some());
    assert_eq!(fixture.claim(9, 50).await.len(), 1);
}

#[tokio::test]
async fn a_new_workspace_has_a_key_and_is_alone() {
    let fixture = Fixture::new().await;
    let id = WorkspaceId::generate();
    let key = NewApiKey {
        id: ApiKeyId::generate(),
        workspace: id,
        name: "first".to_owned(),
        hash: [3; 32],
        prefix: "sk_live_".to_owned(),
        last_four: "wxyz".to_owned(),
        scopes: Scopes::of_a_workspace(),
        networks: Vec::new(),
        expires_at: None,
    };
    let plan = ("small".to_owned(), plan(Some(1), Some(5)));
    let (made, stored) = fixture
        .store
        .create_workspace("ACME".to_owned(), plan, key, at(5))
        .await
        .expect("made");
    assert_eq!((made.id, made.name.as_str(), stored.workspace), (id, "ACME", id));
    assert_eq!(fixture.store.workspace(id).await, Ok(Some(made)));
    let found = fixture.store.credentials([3; 32]).await.expect("an answer");
    assert_eq!(found.map(|found| found.plan).as_deref(), Some("small"));
    let usage = fixture.store.usage(id, at(NOVEMBER)).await;
    let usage = usage.expect("an answer").expect("a workspace");
    assert_eq!((usage.devices, usage.message_limit), (0, Some(5)));
    assert_eq!(fixture.store.first_workspace(at(9)).await, Ok(fixture.workspace));
    let (page, next) = fixture.store.workspaces(1, None).await.expect("a page");
    let (rest, end) = fixture.store.workspaces(1, next).await.expect("a page");
    assert_eq!((page.len(), rest.len(), end), (1, 1, None));
    assert_eq!(
        fixture.store.usage(WorkspaceId::generate(), at(1)).await,
        Ok(None)
    );
}

#[tokio::test]
async fn what_an_endpoint_failed_before_a_deactivation_does_not_count_after_it() {
    let fixture = Fixture::new().await;
    let webhook = fixture.failing_webhook().await;
    let switch = async |reason: Option<&str>| {
        let change = WorkspaceChange {
            deactivate: Some(reason.map(str::to_owned)),
            ..WorkspaceChange::default()
        };
        let changed = fixture.store.change_workspace(fixture.workspace, change, at(20));
        changed.await.expect("changed").expect("a workspace");
        let enabled = fixture.store.enabled_webhooks().await.expect("an answer");
        let webhook = fixture.store.webhook(fixture.workspace, webhook).await;
        (
            enabled.len(),
            webhook.expect("an answer").expect("an endpoint").failures,
        )
    };
    assert_eq!(switch(None).await, (1, 4), "it was active");
    assert_eq!(switch(Some("unpaid")).await, (0, 4));
    assert_eq!(switch(None).await, (1, 0));
}

#[tokio::test]
async fn a_plan_without_webhooks_holds_endpoints_back_and_one_with_them_lets_them_go_on() {
    let mut fixture = Fixture::new().await;
    let webhook = fixture.failing_webhook().await;
    let webhooks = |webhooks| Plan {
        webhooks,
        ..Plan::UNLIMITED
    };
    // How many are enabled, what counts as failed of this one, and where it stands.
    async fn standing(fixture: &Fixture, webhook: WebhookId) -> (usize, u32, u64) {
        let enabled = fixture.store.enabled_webhooks().await.expect("an answer");
        let webhook = fixture.store.webhook(fixture.workspace, webhook).await;
        let webhook = webhook.expect("an answer").expect("an endpoint");
        assert_eq!(webhook.disabled, None, "it is left as it is");
        (enabled.len(), webhook.failures, webhook.position)
    }
    let (_, _, place) = standing(&fixture, webhook).await;
    fixture.put_on(webhooks(true)).await;
    assert_eq!(standing(&fixture, webhook).await, (1, 4, place), "it had them");
    fixture.put_on(webhooks(false)).await;
    assert_eq!(standing(&fixture, webhook).await, (0, 4, place));
    fixture.reopen().await;
    assert_eq!(standing(&fixture, webhook).await, (0, 4, place));
    fixture.put_on(webhooks(true)).await;
    assert_eq!(standing(&fixture, webhook).await, (1, 0, place));
    // The same by the configuration.
    for (has, enabled) in [(false, 0), (true, 1)] {
        let plans = BTreeMap::from([("small".to_owned(), webhooks(has))]);
        let unknown = fixture.store.apply_plans(plans).await;
        assert_eq!(unknown, Ok(Vec::new()));
        assert_eq!(standing(&fixture, webhook).await, (enabled, 0, place));
    }
}

#[tokio::test]
async fn warnings_and_refusals_leave_no_gap_in_any_numbering() {
    let fixture = Fixture::new().await;
    fixture.put_on(plan(None, Some(5))).await;
    for number in 0..8 {
        assert_eq!(fixture.try_accept(NOVEMBER).await.is_ok(), number < 5);
    }
    assert_eq!(fixture.warnings().await.len(), 2);
    let events = fixture.store.events_after(0, 100).await.expect("events");
    let numbers: Vec<_> = events.iter().map(|event| event.workspace_seq).collect();
    assert!(
        numbers.windows(2).all(|pair| pair[1] == pair[0] + 1),
        "{numbers:?}"
    );
    let of_device: Vec<_> = events.iter().filter_map(|event| event.device_seq).collect();
    assert!(
        of_device.windows(2).all(|pair| pair[1] == pair[0] + 1),
        "{of_device:?}"
    );
    assert_eq!(events.len(), of_device.len() + 2, "warnings are of no device");
}
