//! What arrives, and how.

use postern_domain::EventType;
use postern_store::WebhookChange;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use standardwebhooks::Webhook as Verifier;

use super::*;

fn is_genuine(request: &Received, secret: &WebhookSecret) -> bool {
    let headers = request.headers.iter().map(|(name, value)| {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
        (name, HeaderValue::from_str(value).expect("a value"))
    });
    let headers: HeaderMap = headers.collect();
    let verifier = Verifier::from_bytes(secret.expose().to_vec()).expect("a key");
    verifier.verify(&request.body, &headers).is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn events_arrive_once_signed_and_under_their_ids() {
    let fixture = Fixture::new(hasty()).await;
    let endpoint = fixture.endpoint("/hook").await;
    fixture.happen(fixture.device, 700).await;
    fixture.settled(endpoint).await;
    let got = fixture.got("/hook");
    assert_eq!(got.len(), 700);
    let mut expected: Vec<_> = fixture.events().await.iter().map(EventId::to_string).collect();
    let mut ids = fixture.ids("/hook");
    expected.sort();
    ids.sort();
    assert_eq!(ids, expected);
    for request in &got {
        assert!(is_genuine(request, &secret()));
        assert_eq!(request.kind(), "message.accepted");
        assert_eq!(request.json()["data"]["deviceId"], fixture.device.to_string());
        assert_eq!(request.header("content-type"), "application/json");
        assert_eq!(request.header("x-shop"), "7");
        assert!(request.header("user-agent").starts_with("Postern/"));
    }
    let attempts = fixture.attempts(endpoint).await;
    assert_eq!(attempts.len(), 700);
    assert!(
        attempts
            .iter()
            .all(|attempt| attempt.number == 1 && attempt.failure.is_none())
    );
    assert!(fixture.webhook(endpoint).await.last_success_at.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_wanted_arrives_and_the_rest_is_passed() {
    let fixture = Fixture::new(hasty()).await;
    let other = fixture.add_device().await;
    let url = fixture.sink.url("/other");
    let of_device = fixture
        .endpoint_with(&url, |new| new.devices = Some(vec![other]))
        .await;
    let url = fixture.sink.url("/none");
    let none = |new: &mut NewWebhook| new.event_types = EventTypes::only([EventType::MessageFailed]);
    let of_type = fixture.endpoint_with(&url, none).await;
    fixture.happen(fixture.device, 600).await;
    fixture.happen(other, 3).await;
    fixture.settled(of_device).await;
    assert_eq!(fixture.got("/other").len(), 3);
    until("the position is past what nobody wants", || async {
        fixture.webhook(of_type).await.position >= 512
    })
    .await;
    assert!(fixture.got("/none").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_secrets_sign_while_one_replaces_the_other() {
    let fixture = Fixture::new(hasty()).await;
    let endpoint = fixture.endpoint("/hook").await;
    let [second, third] = [3, 4].map(|byte| WebhookSecret::from_bytes([byte; 32]));
    let replace = async |new: &WebhookSecret, overlap| {
        let until = now().after(Duration::from_secs(overlap));
        let store = &fixture.store;
        let rotated = store.rotate_webhook_secret(fixture.workspace, endpoint, new.clone(), until, now());
        rotated.await.expect("rotated");
        fixture.wakes.webhooks.ring();
    };
    let signed = |new: &WebhookSecret, old: &WebhookSecret, by_old| {
        let got = fixture.got("/hook");
        let mut by_new = got.iter().filter(|request| is_genuine(request, new));
        by_new.any(|request| is_genuine(request, old) == by_old)
    };
    replace(&second, 3_600).await;
    until("both sign", || async {
        fixture.happen(fixture.device, 1).await;
        signed(&second, &secret(), true)
    })
    .await;
    replace(&third, 2).await;
    until("the one before signs no more", || async {
        fixture.happen(fixture.device, 1).await;
        signed(&third, &second, false)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_endpoint_gets_nothing_until_it_goes_on_where_it_stood() {
    let fixture = Fixture::new(hasty()).await;
    let endpoint = fixture.endpoint("/hook").await;
    let set = |enabled| {
        let change = WebhookChange {
            enabled: Some(enabled),
            ..WebhookChange::default()
        };
        fixture
            .store
            .change_webhook(fixture.workspace, endpoint, change, now())
    };
    set(false).await.expect("changed");
    fixture.wakes.webhooks.ring();
    fixture.happen(fixture.device, 20).await;
    set(true).await.expect("changed");
    fixture.wakes.webhooks.ring();
    fixture.settled(endpoint).await;
    assert_eq!(fixture.ids("/hook").len(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_capped_endpoint_is_not_hurried() {
    let fixture = Fixture::new(hasty()).await;
    let url = fixture.sink.url("/slow");
    // A second's worth of 120 a minute goes at once, and then two a second.
    let endpoint = fixture.endpoint_with(&url, |new| new.rate_cap = Some(120)).await;
    fixture.happen(fixture.device, 6).await;
    fixture.settled(endpoint).await;
    let got = fixture.got("/slow");
    assert_eq!(got.len(), 6);
    assert!(got[5].at - got[0].at >= Duration::from_millis(1_000));
}
