//! A stream ends when who opened it would not be let in again, and tells nothing from then on.

use postern_api::ApiKeySecret;
use postern_domain::Timestamp;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{TestApi, next_piece, read_until, rest, text_to};

const NOON: Timestamp = Timestamp::from_millis(1_796_126_400_000);

/// A key that may follow events, and the path of it.
async fn reader(api: &TestApi) -> (ApiKeySecret, String) {
    let expiry = Timestamp::from_millis(NOON.as_millis() + 10_000).to_rfc3339();
    let body = json!({ "name": "reader", "scopes": ["events:read"], "expiresAt": expiry });
    let made = api.post("/v1/api-keys", &body).await.expect(StatusCode::CREATED);
    let key = ApiKeySecret::parse(made["key"].as_str().expect("a key")).expect("a key");
    (
        key,
        format!("/v1/api-keys/{}", made["id"].as_str().expect("an id")),
    )
}

/// Opens streams of both formats and reads their greetings.
async fn streams(api: &TestApi, key: &ApiKeySecret) -> [reqwest::Response; 2] {
    let open = async |format: &str| {
        let call = api.call_as(key, Method::GET, "/v1/events/stream");
        let mut stream = call.header("Accept", format).open().await;
        next_piece(&mut stream).await.expect("a greeting");
        stream
    };
    [
        open("text/event-stream").await,
        open("application/x-protobuf").await,
    ]
}

#[tokio::test]
async fn streams_end_at_once_when_their_key_or_workspace_is_changed() {
    let (api, _clock) = TestApi::start_at(NOON).await;
    let workspace = format!("/v1/admin/workspaces/{}", api.workspace);
    let nothing = json!({});
    let changes: [(Method, &str, &str, Value); 5] = [
        (Method::DELETE, "key", "", nothing.clone()),
        (Method::PATCH, "key", "", json!({ "scopes": ["usage:read"] })),
        (Method::PATCH, "key", "", json!({ "allowedIps": ["203.0.113.7"] })),
        (Method::POST, "key", "/rotate", json!({ "overlapSeconds": 0 })),
        (
            Method::POST,
            "workspace",
            "/deactivate",
            json!({ "reason": "unpaid" }),
        ),
    ];
    let mut at_once = 0;
    for (method, what, verb, body) in changes {
        let (key, path) = reader(&api).await;
        let mut open = streams(&api, &key).await;
        let path = if what == "key" { &path } else { &workspace };
        let path = format!("{path}{verb}");
        let changed = api.call(method, &path).json(&body).send().await;
        assert!(changed.status.is_success(), "{path} {}", changed.status);
        // Nothing happens that would wake them.
        for stream in &mut open {
            at_once += usize::from(rest(stream).await.is_empty());
        }
    }
    assert!(
        at_once > 0,
        "all of them waited until it was time for a heartbeat"
    );
}

#[tokio::test]
async fn a_change_that_leaves_a_key_valid_ends_no_stream() {
    let (api, _clock) = TestApi::start_at(NOON).await;
    let device = api.connected_device().await;
    let (key, path) = reader(&api).await;
    let [mut stream, _] = streams(&api, &key).await;
    let changed = api.call(Method::PATCH, &path).json(&json!({ "name": "other" }));
    changed.send().await.expect(StatusCode::OK);
    let sent = api.post("/v1/messages", &text_to(device, "x")).await;
    let sent = sent.expect(StatusCode::ACCEPTED);
    read_until(&mut stream, sent["id"].as_str().expect("an id")).await;
}

#[tokio::test]
async fn a_stream_of_a_key_that_has_expired_tells_nothing_more() {
    let (api, clock) = TestApi::start_at(NOON).await;
    let device = api.connected_device().await;
    let (key, _) = reader(&api).await;
    let mut open = streams(&api, &key).await;
    clock.set(Timestamp::from_millis(NOON.as_millis() + 10_000));
    let sent = api.post("/v1/messages", &text_to(device, "x")).await;
    let sent = sent.expect(StatusCode::ACCEPTED);
    let message = sent["id"].as_str().expect("an id");
    for stream in &mut open {
        assert!(!rest(stream).await.contains(message));
    }
}
