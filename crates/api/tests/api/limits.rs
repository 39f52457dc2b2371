//! Rate limits: what every answer says of them, and who is refused when they are used up.

use std::collections::BTreeMap;
use std::sync::Arc;

use postern_api::{ApiConfig, ApiKeySecret, KeyKind};
use postern_domain::Plan;
use postern_runtime::SystemClock;
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::harness::{Answer, TestApi};

fn limits(answer: &Answer) -> [&str; 2] {
    ["x-ratelimit-limit", "x-ratelimit-remaining"].map(|name| answer.header(name))
}

/// A plan whose keys may ask once a minute: whatever a machine has to do, no test takes that long between two requests.
const SLOW: Plan = Plan {
    requests_per_minute: Some(1),
    ..Plan::UNLIMITED
};

/// With the plan `slow`, behind a proxy that is believed.
async fn start() -> TestApi {
    let plans = [("slow", SLOW), ("unlimited", Plan::UNLIMITED)];
    let plans: BTreeMap<_, _> = plans.map(|(name, plan)| (name.to_owned(), plan)).into();
    let config = ApiConfig {
        plans,
        trusted_proxies: vec!["127.0.0.1".parse().expect("a network")],
        ..ApiConfig::default()
    };
    TestApi::start_with(Arc::new(SystemClock), config).await
}

#[tokio::test]
async fn every_answer_to_a_limited_key_says_what_is_left() {
    let api = start().await;
    for (path, status) in [
        ("/v1/devices", 200),
        ("/v1/messages?x=1", 400),
        ("/v1/admin/workspaces", 403),
    ] {
        let key = api.workspace_on(("slow".to_owned(), SLOW)).await;
        let answer = api.call_as(&key, Method::GET, path).send().await;
        assert_eq!(answer.status, status);
        assert_eq!(limits(&answer), ["1", "0"], "{path}");
        let reset: u64 = answer.header("x-ratelimit-reset").parse().expect("seconds");
        assert!((1..=60).contains(&reset));
        let refused = api.call_as(&key, Method::GET, "/v1/devices").send().await;
        refused.expect_error(429, "RATE_LIMITED");
        assert_eq!(limits(&refused), ["1", "0"]);
        let wait: u64 = refused.header("retry-after").parse().expect("seconds");
        assert!((1..=60).contains(&wait));
    }

    // Another key has its own, and no limit is not one of zero.
    let answer = api.get("/v1/devices").await;
    answer.expect(StatusCode::OK);
    assert_eq!(limits(&answer), ["", ""]);
}

#[tokio::test]
async fn who_uses_a_key_from_elsewhere_does_not_use_up_its_requests() {
    let api = start().await;
    let change = json!({ "plan": "slow" });
    let path = format!("/v1/admin/workspaces/{}", api.workspace);
    let body = json!({ "name": "x", "scopes": ["devices:read"], "allowedIps": ["203.0.113.7"] });
    let made = api.post("/v1/api-keys", &body).await.expect(StatusCode::CREATED);
    let key = ApiKeySecret::parse(made["key"].as_str().expect("a key")).expect("a key");
    let changed = api.call(Method::PATCH, &path).json(&change).send().await;
    changed.expect(StatusCode::OK);
    let ask = async |from: &str| {
        let call = api.call_as(&key, Method::GET, "/v1/devices");
        call.header("X-Forwarded-For", from).send().await
    };
    for _ in 0..3 {
        ask("203.0.113.8").await.expect_error(403, "FORBIDDEN");
    }
    let answer = ask("203.0.113.7").await;
    answer.expect(StatusCode::OK);
    assert_eq!(limits(&answer), ["1", "0"]);
}

#[tokio::test]
async fn an_address_that_guesses_keys_is_not_listened_to() {
    let config = ApiConfig {
        failures_per_address: 1,
        trusted_proxies: vec!["127.0.0.1".parse().expect("a network")],
        ..ApiConfig::default()
    };
    let api = TestApi::start_with(Arc::new(SystemClock), config).await;
    let ask = async |key: &ApiKeySecret, from: &str| {
        let call = api.call_as(key, Method::GET, "/v1/devices");
        call.header("X-Forwarded-For", from).send().await
    };
    for _ in 0..2 {
        let wrong = ApiKeySecret::generate(KeyKind::Live);
        ask(&wrong, "203.0.113.7").await.expect_error(401, "UNAUTHORIZED");
    }
    let refused = ask(&api.key, "203.0.113.7").await;
    refused.expect_error(429, "RATE_LIMITED");
    assert!(!refused.header("retry-after").is_empty());
    ask(&api.key, "203.0.113.8").await.expect(StatusCode::OK);
}

#[tokio::test]
async fn an_address_may_ask_so_often_whoever_asks() {
    let config = ApiConfig {
        requests_per_address: 1,
        ..ApiConfig::default()
    };
    let api = TestApi::start_with(Arc::new(SystemClock), config).await;
    api.get("/v1/devices").await.expect(StatusCode::OK);
    let other = api.another_workspace().await;
    let refused = api.call_as(&other, Method::GET, "/v1/devices").send().await;
    refused.expect_error(429, "RATE_LIMITED");
    let probe = api.call_without_key(Method::GET, "/healthz").send().await;
    probe.expect(StatusCode::OK);
}
