//! Endpoints that fail, and what is made of it.

use postern_domain::EventType;
use postern_domain::event::EventPayload;
use postern_domain::webhook::{AttemptFailure, DisableReason};
use postern_testkit::Reply;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_comes_again_under_the_same_id() {
    let fixture = Fixture::new(hasty()).await;
    fixture
        .sink
        .behave(|request| Reply::status(if request.repetition < 2 { 500 } else { 200 }));
    let endpoint = fixture.endpoint("/hook").await;
    fixture.happen(fixture.device, 3).await;
    fixture.settled(endpoint).await;
    assert_eq!(fixture.ids("/hook").len(), 3);
    assert_eq!(fixture.got("/hook").len(), 9);
    let mut numbers: Vec<_> = fixture
        .attempts(endpoint)
        .await
        .iter()
        .map(|attempt| attempt.number)
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 1, 1, 2, 2, 2, 3, 3, 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_to_the_end_is_parked_and_holds_nothing_up() {
    let fixture = Fixture::new(hasty()).await;
    let bad = fixture.add_device().await;
    let name = bad.to_string();
    fixture.sink.behave(move |request| {
        let refused = request.json()["data"]["deviceId"] == *name;
        Reply::status(if refused { 422 } else { 200 })
    });
    let endpoint = fixture.endpoint("/hook").await;
    fixture.happen(bad, 1).await;
    fixture.happen(fixture.device, 20).await;
    fixture.settled(endpoint).await;
    let webhook = fixture.webhook(endpoint).await;
    assert_eq!(
        fixture
            .store
            .webhook_backlog(&webhook)
            .await
            .expect("counted")
            .parked,
        1
    );
    assert_eq!(fixture.got("/hook").len(), 24);
    assert!(webhook.disabled.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_to_fail_has_its_name() {
    let config = WebhooksConfig {
        timeout: Duration::from_secs(1),
        retries: Schedule::of_seconds(&[]),
        ..hasty()
    };
    let fixture = Fixture::new(config).await;
    let elsewhere = fixture.sink.url("/elsewhere");
    let redirect = Reply::Answer(302, vec![("location", elsewhere)], Vec::new());
    let long = Reply::Answer(500, Vec::new(), vec![b'x'; 10_000]);
    for (reply, expected) in [
        (Reply::status(500), Some(AttemptFailure::Status)),
        (long, Some(AttemptFailure::Status)),
        (Reply::status(404), Some(AttemptFailure::Status)),
        (redirect, Some(AttemptFailure::Redirect)),
        (Reply::Hang, Some(AttemptFailure::Timeout)),
        (
            Reply::Late(200, Duration::from_secs(5)),
            Some(AttemptFailure::Timeout),
        ),
        (Reply::Reset, Some(AttemptFailure::Broken)),
        (Reply::Garbage, Some(AttemptFailure::Broken)),
        // As much as is read of it said yes.
        (Reply::Endless, None),
        (Reply::status(299), None),
    ] {
        fixture.sink.clear();
        let behaviour = reply.clone();
        fixture.sink.behave(move |_| behaviour.clone());
        let endpoint = fixture.endpoint("/hook").await;
        fixture.happen(fixture.device, 1).await;
        fixture.settled(endpoint).await;
        let attempts = fixture.attempts(endpoint).await;
        assert_eq!(attempts[0].failure, expected, "{reply:?}");
        assert!(attempts[0].excerpt.len() <= 4_096);
        fixture
            .store
            .remove_webhook(fixture.workspace, endpoint)
            .await
            .expect("removed");
        fixture.wakes.webhooks.ring();
        assert!(fixture.got("/elsewhere").is_empty());
    }
    // Nobody listens there.
    let endpoint = fixture.endpoint_with("http://127.0.0.1:1/", |_| {}).await;
    // Not allowed, whoever registered it.
    let blocked = fixture.endpoint_with("http://10.0.0.1/", |_| {}).await;
    // Not TLS.
    let plain = fixture.sink.url("/").replace("http:", "https:");
    let tls = fixture.endpoint_with(&plain, |_| {}).await;
    fixture.happen(fixture.device, 1).await;
    for (endpoint, expected) in [
        (endpoint, AttemptFailure::Connect),
        (blocked, AttemptFailure::Blocked),
        (tls, AttemptFailure::Tls),
    ] {
        fixture.settled(endpoint).await;
        assert_eq!(fixture.attempts(endpoint).await[0].failure, Some(expected));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_endpoint_costs_few_rows_and_gets_everything_when_it_is_back() {
    let config = WebhooksConfig {
        // Far away: what is found out in between does not use tries up.
        retries: Schedule::of_seconds(&[3_600]),
        ..hasty()
    };
    let fixture = Fixture::new(config).await;
    fixture
        .sink
        .behave(|request| Reply::status(if request.path == "/dead" { 503 } else { 200 }));
    let dead = fixture.endpoint("/dead").await;
    let fast = fixture.endpoint("/fast").await;
    fixture.happen(fixture.device, 2_000).await;
    fixture.settled(fast).await;
    until("it is left alone", || async {
        fixture.webhook(dead).await.failures > 12
    })
    .await;
    let webhook = fixture.webhook(dead).await;
    let kept = fixture.store.webhook_backlog(&webhook).await.expect("counted");
    assert!(kept.waiting <= 20, "{kept:?}");
    assert!(webhook.position < 50, "{}", webhook.position);
    assert!(fixture.got("/dead").len() < 100);
    fixture.sink.behave(|_| Reply::status(200));
    until("all but what waits for its time arrived", || async {
        fixture.webhook(dead).await.position >= 2_000
    })
    .await;
    assert_eq!(fixture.ids("/dead").len(), 2_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_to_wait_is_honoured() {
    let fixture = Fixture::new(hasty()).await;
    fixture.sink.behave(|request| match request.repetition {
        0 => Reply::Answer(429, vec![("retry-after", "2".to_owned())], Vec::new()),
        _ => Reply::status(200),
    });
    let endpoint = fixture.endpoint("/hook").await;
    fixture.happen(fixture.device, 1).await;
    fixture.settled(endpoint).await;
    let got = fixture.got("/hook");
    assert_eq!(got.len(), 2);
    assert!(got[1].at - got[0].at >= Duration::from_millis(1_900));
    let attempts = fixture.attempts(endpoint).await;
    let first = attempts.last().expect("a try");
    let due = first.next_at.expect("another try");
    assert!(
        due.since(first.at) >= Duration::from_secs(2),
        "not before, though the endpoint be well again by then"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_gone_is_disabled_at_once_with_an_event() {
    let fixture = Fixture::new(hasty()).await;
    fixture
        .sink
        .behave(|request| Reply::status(if request.path == "/gone" { 410 } else { 200 }));
    let gone = fixture.endpoint("/gone").await;
    let witness = fixture.endpoint("/witness").await;
    fixture.happen(fixture.device, 1).await;
    until("it is disabled", || async {
        fixture.webhook(gone).await.disabled.is_some()
    })
    .await;
    let reason = fixture.webhook(gone).await.disabled.map(|(reason, _)| reason);
    assert_eq!(reason, Some(DisableReason::Gone));
    let events = fixture.store.events_after(0, 100).await.expect("events");
    let told = events
        .iter()
        .find(|event| event.kind == EventType::WebhookDisabled)
        .expect("an event");
    assert!(told.device.is_none());
    let EventPayload::Webhook {
        webhook,
        status,
        failure,
        ..
    } = &told.payload
    else {
        panic!("of an endpoint");
    };
    assert_eq!(
        (*webhook, *status, *failure),
        (gone, Some(410), Some(AttemptFailure::Status))
    );
    fixture.settled(witness).await;
    assert!(fixture.ids("/witness").contains(&told.id.to_string()));
    assert_eq!(fixture.got("/gone").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_did_nothing_but_fail_for_too_long_is_disabled() {
    let config = WebhooksConfig {
        give_up_after: Duration::from_millis(300),
        ..hasty()
    };
    let fixture = Fixture::new(config).await;
    fixture.sink.behave(|_| Reply::status(500));
    let endpoint = fixture.endpoint("/hook").await;
    fixture.happen(fixture.device, 30).await;
    until("it is disabled", || async {
        fixture.webhook(endpoint).await.disabled.is_some()
    })
    .await;
    let webhook = fixture.webhook(endpoint).await;
    assert_eq!(
        webhook.disabled.map(|(reason, _)| reason),
        Some(DisableReason::Failing)
    );
    assert!(webhook.failing_since.is_some());
}
