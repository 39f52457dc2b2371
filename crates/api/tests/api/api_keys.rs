//! API keys: what each scope opens, who may make and change which key, and that an end is an end at once.

use std::sync::Arc;

use postern_api::{Access, ApiConfig, ApiKeySecret, ROUTES};
use postern_domain::{Scope, Scopes, Timestamp};
use postern_runtime::SystemClock;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{Answer, TestApi, within};

const KEYS: &str = "/v1/api-keys";

fn secret(made: &Value) -> ApiKeySecret {
    ApiKeySecret::parse(made["key"].as_str().expect("a key")).expect("a key")
}

fn id(key: &Value) -> &str {
    key["id"].as_str().expect("an id")
}

async fn make(api: &TestApi, body: &Value) -> Value {
    api.post(KEYS, body).await.expect(StatusCode::CREATED)
}

async fn try_with(api: &TestApi, key: &ApiKeySecret) -> Answer {
    api.call_as(key, Method::GET, "/v1/devices").send().await
}

#[tokio::test]
async fn every_route_is_opened_by_its_scope_and_by_no_other() {
    let api = TestApi::start().await;
    for scope in Scope::ALL {
        let key = api.key_with([scope]).await;
        for route in ROUTES {
            let Access::Key(needed) = route.access else {
                continue;
            };
            let path = route.path.replace("{id}", "x").replace("{format}", "png");
            // A stream would never end.
            let path = path.replace("/stream", "/stream?surprise=1");
            let method = Method::from_bytes(route.method.as_str().as_bytes()).expect("a method");
            let answer = api.call_as(&key, method, &path).send().await;
            if scope == needed {
                assert!(!matches!(answer.status.as_u16(), 401 | 403), "{scope} {path}");
            } else {
                let message = answer.expect_error(403, "FORBIDDEN");
                assert!(
                    message.contains(&format!("\"{needed}\"")),
                    "{scope} {path}: {message}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_key_is_shown_once_and_then_described() {
    let api = TestApi::start().await;
    let body = json!({
        "name": " worker ", "scopes": ["messages:send", "devices:read"],
        "allowedIps": ["127.0.0.1", "10.1.2.3/8"], "expiresAt": "2999-01-01T00:00:00+01:00",
    });
    let made = make(&api, &body).await;
    let key = secret(&made);
    let mut described = made.clone();
    described.as_object_mut().expect("an object").remove("key");
    assert_eq!(
        described,
        json!({
            "id": id(&made), "name": "worker", "prefix": "sk_live_", "lastFour": &key.expose()[52..],
            "scopes": ["messages:send", "devices:read"], "allowedIps": ["127.0.0.1/32", "10.0.0.0/8"],
            "expiresAt": "2998-12-31T23:00:00.000Z", "revokedAt": null, "lastUsedAt": null,
            "createdAt": made["createdAt"],
        })
    );
    let path = format!("{KEYS}/{}", id(&made));
    assert_eq!(api.get(&path).await.expect(StatusCode::OK), described);
    let list = api.get(&format!("{KEYS}?limit=1")).await.expect(StatusCode::OK);
    assert_eq!(list["data"], json!([described]));
    assert!(list["nextCursor"].is_string());

    try_with(&api, &key).await.expect(StatusCode::OK);
    // Written beside the request.
    let is_unused = async || api.get(&path).await.expect(StatusCode::OK)["lastUsedAt"].is_null();
    within(async { while is_unused().await {} }).await;
}

#[tokio::test]
async fn bad_keys_are_refused_by_field() {
    let api = TestApi::start().await;
    let good = json!({ "name": "a", "scopes": ["admin"] });
    for (field, value, named) in [
        ("name", json!(""), "name"),
        ("name", json!("x".repeat(101)), "name"),
        ("name", json!("a\u{7}b"), "name"),
        ("scopes", json!([]), "scopes"),
        ("scopes", json!(["admin", "everything"]), "scopes[1]"),
        ("scopes", json!("admin"), "scopes"),
        ("allowedIps", json!(["here"]), "allowedIps[0]"),
        ("allowedIps", json!(vec!["10.0.0.1"; 21]), "allowedIps"),
        ("expiresAt", json!("tomorrow"), "expiresAt"),
        ("expiresAt", json!("2001-01-01T00:00:00Z"), "expiresAt"),
        ("surprise", json!(1), "surprise"),
    ] {
        let mut body = good.clone();
        body[field] = value;
        api.post(KEYS, &body).await.expect_fields(&[named]);
        if field != "surprise" {
            let made = make(&api, &good).await;
            let path = format!("{KEYS}/{}", id(&made));
            let change = json!({ field: body[field] });
            let call = api.call(Method::PATCH, &path).json(&change);
            call.send().await.expect_fields(&[named]);
        }
    }
    let made = make(&api, &good).await;
    let rotate = format!("{KEYS}/{}/rotate", id(&made));
    let too_long = json!({ "overlapSeconds": 2_592_001 });
    api.post(&rotate, &too_long)
        .await
        .expect_fields(&["overlapSeconds"]);
}

#[tokio::test]
async fn nobody_gives_or_touches_a_scope_they_lack() {
    let api = TestApi::start().await;
    let admin = api.key_with([Scope::Admin, Scope::MessagesRead]).await;
    let strong = make(&api, &json!({ "name": "strong", "scopes": ["messages:send"] })).await;
    let path = format!("{KEYS}/{}", id(&strong));
    let call = |method, path: &str, body: Value| api.call_as(&admin, method, path).json(&body).send();
    for (method, path, body) in [
        (
            Method::POST,
            KEYS,
            json!({ "name": "x", "scopes": ["admin", "messages:send"] }),
        ),
        (Method::PATCH, path.as_str(), json!({ "name": "mine" })),
        (Method::DELETE, &path, json!({})),
        (Method::POST, &format!("{path}/rotate"), json!({})),
    ] {
        let message = call(method, path, body).await.expect_error(403, "FORBIDDEN");
        assert!(message.contains("\"messages:send\""), "{message}");
    }
    let weak = call(
        Method::POST,
        KEYS,
        json!({ "name": "weak", "scopes": ["messages:read"] }),
    );
    let weak = weak.await.expect(StatusCode::CREATED);
    let path = format!("{KEYS}/{}", id(&weak));
    let more = call(Method::PATCH, &path, json!({ "scopes": ["messages:send"] }));
    more.await.expect_error(403, "FORBIDDEN");
    let shown = api.get(&path).await.expect(StatusCode::OK);
    assert_eq!(shown["scopes"], json!(["messages:read"]));
}

#[tokio::test]
async fn a_revoked_key_is_refused_at_once_and_for_good() {
    let api = TestApi::start().await;
    let made = make(&api, &json!({ "name": "x", "scopes": ["devices:read"] })).await;
    let (key, path) = (secret(&made), format!("{KEYS}/{}", id(&made)));
    // Known now, and for seconds to come.
    try_with(&api, &key).await.expect(StatusCode::OK);
    for _ in 0..2 {
        let revoked = api.call(Method::DELETE, &path).send().await;
        assert_eq!(revoked.status, StatusCode::NO_CONTENT);
    }
    let refused = try_with(&api, &key).await;
    assert!(refused.expect_error(401, "UNAUTHORIZED").contains("revoked"));
    assert_eq!(refused.header("www-authenticate"), "Bearer");
    let call = api.call(Method::PATCH, &path).json(&json!({ "name": "again" }));
    call.send().await.expect_error(409, "INVALID_STATE");
    let rotate = format!("{path}/rotate");
    api.post(&rotate, &json!({}))
        .await
        .expect_error(409, "INVALID_STATE");
    let shown = api.get(&path).await.expect(StatusCode::OK);
    assert!(shown["revokedAt"].is_string());
}

#[tokio::test]
async fn a_change_counts_from_the_next_request_on() {
    let api = TestApi::start().await;
    let made = make(&api, &json!({ "name": "x", "scopes": ["devices:read"] })).await;
    let (key, path) = (secret(&made), format!("{KEYS}/{}", id(&made)));
    try_with(&api, &key).await.expect(StatusCode::OK);
    let change = async |body: Value| {
        let changed = api.call(Method::PATCH, &path).json(&body).send().await;
        changed.expect(StatusCode::OK)
    };
    change(json!({ "allowedIps": ["203.0.113.7"] })).await;
    let refused = try_with(&api, &key).await.expect_error(403, "FORBIDDEN");
    assert!(refused.contains("127.0.0.1"), "{refused}");
    // Nobody in front of the gateway is trusted unless told.
    let forged = api.call_as(&key, Method::GET, "/v1/devices");
    let forged = forged.header("X-Forwarded-For", "203.0.113.7").send().await;
    forged.expect_error(403, "FORBIDDEN");
    change(json!({ "allowedIps": [], "scopes": ["events:read"] })).await;
    try_with(&api, &key).await.expect_error(403, "FORBIDDEN");
    let changed = change(json!({ "scopes": ["devices:read"], "name": "y" })).await;
    assert_eq!(
        (&changed["name"], &changed["allowedIps"]),
        (&json!("y"), &json!([]))
    );
    try_with(&api, &key).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn a_trusted_proxy_says_where_a_request_comes_from() {
    let config = ApiConfig {
        trusted_proxies: vec!["127.0.0.0/8".parse().expect("a network")],
        ..ApiConfig::default()
    };
    let api = TestApi::start_with(Arc::new(SystemClock), config).await;
    let body = json!({ "name": "x", "scopes": ["devices:read"], "allowedIps": ["203.0.113.0/24"] });
    let key = secret(&make(&api, &body).await);
    for (says, status) in [
        ("203.0.113.7", 200),
        ("203.0.113.7, 198.51.100.1", 403),
        ("198.51.100.1, 203.0.113.7", 200),
        ("nonsense", 403),
    ] {
        let call = api.call_as(&key, Method::GET, "/v1/devices");
        let answer = call.header("X-Forwarded-For", says).send().await;
        assert_eq!(answer.status.as_u16(), status, "{says}");
    }
}

#[tokio::test]
async fn keys_end_when_they_expire_and_rotation_leaves_an_overlap() {
    let noon = Timestamp::from_millis(1_796_126_400_000);
    let (api, clock) = TestApi::start_at(noon).await;
    let expiry = Timestamp::from_millis(noon.as_millis() + 10_000).to_rfc3339();
    let body = json!({ "name": "x", "scopes": ["devices:read"], "expiresAt": expiry });
    let made = make(&api, &body).await;
    let old = secret(&made);
    let rotate = format!("{KEYS}/{}/rotate", id(&made));
    let rotated = api
        .post(
            &rotate,
            &json!({ "overlapSeconds": 3, "expiresAt": "2999-01-01T00:00:00Z" }),
        )
        .await
        .expect(StatusCode::CREATED);
    assert_eq!(rotated["replaces"]["id"], made["id"]);
    assert_eq!(rotated["scopes"], made["scopes"]);
    let new = secret(&rotated);
    assert_ne!(rotated["id"], made["id"]);
    try_with(&api, &old).await.expect(StatusCode::OK);
    try_with(&api, &new).await.expect(StatusCode::OK);
    clock.set(Timestamp::from_millis(noon.as_millis() + 3_000));
    let refused = try_with(&api, &old).await.expect_error(401, "UNAUTHORIZED");
    assert!(refused.contains("expired"), "{refused}");
    try_with(&api, &new).await.expect(StatusCode::OK);
    let ended = api.post(&rotate, &json!({})).await;
    ended.expect_error(409, "INVALID_STATE");
}

#[tokio::test]
async fn the_first_key_may_do_everything() {
    let api = TestApi::start().await;
    let list = api.get(KEYS).await.expect(StatusCode::OK);
    let names: Vec<_> = Scopes::all().iter().map(Scope::name).collect();
    assert_eq!(list["data"][0]["scopes"], json!(names));
}
