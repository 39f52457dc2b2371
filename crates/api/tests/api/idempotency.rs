//! `Idempotency-Key`: accepted once, answered the same for ever.

use std::time::Duration;

use futures_util::future::join_all;
use postern_domain::Timestamp;
use postern_domain::session::Signal;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{Answer, TestApi, text_to};

async fn send(api: &TestApi, key: &str, body: &Value) -> Answer {
    let call = api
        .call(Method::POST, "/v1/messages")
        .header("Idempotency-Key", key);
    call.json(body).send().await
}

async fn stored(api: &TestApi) -> usize {
    let list = api.get("/v1/messages?limit=200").await.expect(StatusCode::OK);
    list["data"].as_array().expect("rows").len()
}

#[tokio::test]
async fn a_replay_is_the_first_answer_byte_for_byte() {
    let api = TestApi::start().await;
    let device = api.connected_device().await;
    let first = send(&api, "order-1", &text_to(device, "hello")).await;
    first.expect(StatusCode::ACCEPTED);
    assert_eq!(first.header("idempotency-replayed"), "");

    // The same meaning in another spelling: order of keys, whitespace, a default, the form of the number.
    let spelled_otherwise = format!(
        r#"{{ "type":"text","ifDisconnected":"reject", "text" : {{"body":"hello"}},
             "to":"15551234567", "dryRun": false, "metadata": null, "deviceId":"{device}" }}"#
    );
    let call = api
        .call(Method::POST, "/v1/messages")
        .header("Idempotency-Key", "order-1");
    let again = call
        .body("application/json; charset=utf-8", spelled_otherwise)
        .send()
        .await;
    assert_eq!(again.status, first.status);
    assert_eq!(again.body, first.body);
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(again.header("content-type"), first.header("content-type"));
    assert_eq!(stored(&api).await, 1);
}

#[tokio::test]
async fn metadata_is_compared_by_meaning() {
    let api = TestApi::start().await;
    let device = api.connected_device().await;
    let text = |metadata: &str| {
        format!(
            r#"{{"deviceId":"{device}","to":"+15551234567","type":"text","text":{{"body":"x"}},"metadata":{metadata}}}"#
        )
    };
    let send = |metadata: &'static str| {
        let call = api
            .call(Method::POST, "/v1/messages")
            .header("Idempotency-Key", "meta");
        call.body("application/json", text(metadata)).send()
    };
    send(r#"{"a":1,"b":{"c":[1,2],"d":null}}"#)
        .await
        .expect(StatusCode::ACCEPTED);
    let again = send(r#"{"b": {"d":null, "c":[1,2]}, "a":1}"#).await;
    assert_eq!(again.header("idempotency-replayed"), "true");
    send(r#"{"a":1,"b":{"c":[2,1],"d":null}}"#)
        .await
        .expect_error(409, "IDEMPOTENCY_CONFLICT");
}

#[tokio::test]
async fn another_request_under_the_same_key_is_a_conflict() {
    let api = TestApi::start().await;
    let (device, other) = (api.connected_device().await, api.connected_device().await);
    let first = text_to(device, "hello");
    send(&api, "k", &first).await.expect(StatusCode::ACCEPTED);
    let change = |field: &str, value: Value| {
        let mut changed = first.clone();
        changed[field] = value;
        changed
    };
    for changed in [
        change("text", json!({ "body": "hello!" })),
        change("to", json!("+15551234568")),
        change("deviceId", json!(other.to_string())),
        change("metadata", json!({})),
        change("clientReference", json!("order-1")),
        change("ifDisconnected", json!("queue")),
        change("sendAt", json!("2026-11-30T09:00:00Z")),
    ] {
        send(&api, "k", &changed)
            .await
            .expect_error(409, "IDEMPOTENCY_CONFLICT");
    }
    assert_eq!(stored(&api).await, 1);
}

#[tokio::test]
async fn fifty_at_once_are_one_message_and_fifty_equal_answers() {
    let api = TestApi::start().await;
    let device = api.connected_device().await;
    let body = text_to(device, "hello");
    let answers = join_all((0..50).map(|_| send(&api, "burst", &body))).await;
    let replayed = answers
        .iter()
        .filter(|answer| answer.header("idempotency-replayed") == "true")
        .count();
    assert_eq!(replayed, 49);
    for answer in &answers {
        answer.expect(StatusCode::ACCEPTED);
        assert_eq!(answer.body, answers[0].body);
    }
    assert_eq!(stored(&api).await, 1);
}

#[tokio::test]
async fn a_key_belongs_to_its_workspace_and_not_to_the_api_key() {
    let api = TestApi::start().await;
    let device = api.connected_device().await;
    let body = text_to(device, "hello");
    let first = send(&api, "shared", &body).await;
    first.expect(StatusCode::ACCEPTED);

    let rotated = postern_api::ApiKeySecret::generate(postern_api::KeyKind::Live);
    let stored =
        postern_store::NewApiKey::of(&rotated, api.workspace, "rotated", postern_domain::Scopes::all());
    api.store
        .add_api_key(stored, Timestamp::from_millis(0))
        .await
        .expect("stored");
    let call = api.call_as(&rotated, Method::POST, "/v1/messages");
    let again = call.header("Idempotency-Key", "shared").json(&body).send().await;
    assert_eq!(again.body, first.body);

    let stranger = api.another_workspace().await;
    let create = api.call_as(&stranger, Method::POST, "/v1/devices").send().await;
    let theirs = create.expect(StatusCode::CREATED)["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let mut body = text_to(theirs.parse().expect("an id"), "hello");
    body["ifDisconnected"] = json!("queue");
    let call = api.call_as(&stranger, Method::POST, "/v1/messages");
    let answer = call.header("Idempotency-Key", "shared").json(&body).send().await;
    assert_ne!(
        answer.expect(StatusCode::ACCEPTED)["id"],
        first.expect(StatusCode::ACCEPTED)["id"]
    );
    assert_eq!(answer.header("idempotency-replayed"), "");
    // And the first one's record is still its own.
    assert_eq!(
        send(&api, "shared", &text_to(device, "hello")).await.body,
        first.body
    );
}

#[tokio::test]
async fn a_replay_survives_the_device_and_the_time_it_was_scheduled_for() {
    let noon = Timestamp::from_millis(1_796_126_400_000);
    let (api, clock) = TestApi::start_at(noon).await;
    let device = api.connected_device().await;
    let mut body = text_to(device, "hello");
    body["sendAt"] = json!(noon.after(Duration::from_secs(60)).to_rfc3339());
    let first = send(&api, "later", &body).await;
    first.expect(StatusCode::ACCEPTED);

    // The caller's connection broke; it asks again when the time is over and the device is gone.
    clock.set(noon.after(Duration::from_secs(3_600)));
    assert_eq!(send(&api, "later", &body).await.body, first.body);
    send(&api, "unused", &body).await.expect_fields(&["sendAt"]);
    api.signal(device, Signal::LoggedOut { messages_left: false })
        .await;
    assert_eq!(send(&api, "later", &body).await.body, first.body);
    let removed = api
        .call(Method::DELETE, &format!("/v1/devices/{device}"))
        .send()
        .await;
    removed.expect(StatusCode::NO_CONTENT);
    assert_eq!(send(&api, "later", &body).await.body, first.body);
}

#[tokio::test]
async fn a_refusal_is_not_remembered() {
    let api = TestApi::start().await;
    let device = api.unlinked_device().await;
    let body = text_to(device, "hello");
    send(&api, "k", &body)
        .await
        .expect_error(424, "SESSION_DISCONNECTED");
    send(&api, "k", &text_to(device, ""))
        .await
        .expect_fields(&["text.body"]);
    api.connect(device).await;
    let accepted = send(&api, "k", &text_to(device, "another body")).await;
    accepted.expect(StatusCode::ACCEPTED);
    assert_eq!(accepted.header("idempotency-replayed"), "");
}
