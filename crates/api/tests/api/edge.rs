//! What every answer has: a request id, the envelope, the headers; and what the server does when it cannot write.

use std::sync::Arc;

use postern_api::{ApiConfig, KeyKind, ROUTES};
use postern_domain::Timestamp;
use postern_runtime::SystemClock;
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::harness::{TestApi, text_to};

#[tokio::test]
async fn probes_answer_without_a_key() {
    let api = TestApi::start().await;
    for path in ["/healthz", "/readyz"] {
        let answer = api.call_without_key(Method::GET, path).send().await;
        assert_eq!(answer.expect(StatusCode::OK), json!({ "status": "ok" }));
    }
}

#[tokio::test]
async fn a_closed_store_is_503_everywhere_but_in_the_liveness_probe() {
    let api = TestApi::start().await;
    let device = api.connected_device().await;
    api.store.close().await;
    let answer = api.call_without_key(Method::GET, "/readyz").send().await;
    answer.expect_error(503, "STORAGE_UNAVAILABLE");
    let answer = api.post("/v1/messages", &text_to(device, "hi")).await;
    answer.expect_error(503, "STORAGE_UNAVAILABLE");
    assert_eq!(answer.header("retry-after"), "10");
    let answer = api.call_without_key(Method::GET, "/healthz").send().await;
    answer.expect(StatusCode::OK);
}

#[tokio::test]
async fn a_request_id_is_taken_over_or_made_on_every_answer() {
    let api = TestApi::start().await;
    for (path, status) in [
        ("/healthz", 200),
        ("/v1/nothing", 404),
        ("/v1/messages?x=1", 400),
        ("/v1/devices", 200),
    ] {
        let call = api.call(Method::GET, path).header("X-Request-Id", "job-17");
        let answer = call.send().await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("x-request-id")),
            (status, "job-17")
        );
        let answer = api
            .call(Method::GET, path)
            .header("X-Request-Id", "a b")
            .send()
            .await;
        assert!(answer.header("x-request-id").starts_with("req_"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("cache-control"), "no-store");
    }
}

#[tokio::test]
async fn unknown_routes_and_wrong_methods_are_answered_in_the_envelope() {
    let api = TestApi::start().await;
    for path in [
        "/",
        "/v1",
        "/v2/messages",
        "/v1/messages/",
        "/v1/messages/a/b",
        "/v1/devices/x/y",
        "/%2e%2e/x",
    ] {
        api.get(path).await.expect_error(404, "NOT_FOUND");
    }
    for path in ROUTES.iter().map(|route| route.path) {
        let answer = api.call(Method::TRACE, path).send().await;
        answer.expect_error(405, "METHOD_NOT_ALLOWED");
        for route in ROUTES.iter().filter(|route| route.path == path) {
            assert!(answer.header("allow").contains(route.method.as_str()), "{path}");
        }
    }
    let answer = api.call(Method::PUT, "/v1/messages").send().await;
    assert_eq!(answer.header("allow"), "POST, GET, HEAD");
}

#[tokio::test]
async fn head_is_get_without_a_body() {
    let api = TestApi::start().await;
    let answer = api.call(Method::HEAD, "/v1/devices").send().await;
    assert_eq!((answer.status, answer.body.len()), (StatusCode::OK, 0));
    let answer = api.call(Method::HEAD, "/v1/devices/dev_x").send().await;
    assert_eq!((answer.status, answer.body.len()), (StatusCode::NOT_FOUND, 0));
}

#[tokio::test]
async fn the_body_limit_is_configured() {
    let config = ApiConfig {
        body_limit: 64,
        ..ApiConfig::default()
    };
    let api = TestApi::start_with(Arc::new(SystemClock), config).await;
    let answer = api.post("/v1/devices", &json!({ "name": "x".repeat(64) })).await;
    let message = answer.expect_error(413, "PAYLOAD_TOO_LARGE");
    assert!(message.contains("64 bytes"), "{message}");
}

#[tokio::test]
async fn a_key_is_trusted_for_a_moment_without_asking_the_store() {
    // The clock stands: a moment is as long as the test.
    let (api, _clock) = TestApi::start_at(Timestamp::from_millis(1_796_126_400_000)).await;
    let device = api.unlinked_device().await;
    // With the store closed, an object can no longer be read, but the key is still known.
    api.store.close().await;
    let answer = api.get(&format!("/v1/devices/{device}")).await;
    answer.expect_error(503, "STORAGE_UNAVAILABLE");
    let stranger = postern_api::ApiKeySecret::generate(KeyKind::Live);
    let answer = api.call_as(&stranger, Method::GET, "/v1/messages/x").send().await;
    answer.expect_error(503, "STORAGE_UNAVAILABLE");
    let answer = api.get("/v1/messages/x").await;
    answer.expect_error(404, "NOT_FOUND");
}
