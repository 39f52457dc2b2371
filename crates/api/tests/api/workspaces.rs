//! Workspaces: made and switched by whoever runs the daemon, with plans that are kept to.

use std::collections::BTreeMap;
use std::sync::Arc;

use postern_api::{ApiConfig, ApiKeySecret};
use postern_domain::{Plan, Scope};
use postern_runtime::SystemClock;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{TestApi, batch_of, text_to, within};

const ADMIN: &str = "/v1/admin/workspaces";

fn plans() -> BTreeMap<String, Plan> {
    let small = Plan {
        devices: Some(1),
        messages_per_month: Some(3),
        messages_per_batch: Some(2),
        ..Plan::UNLIMITED
    };
    let free = Plan {
        api: false,
        ..Plan::UNLIMITED
    };
    let plans = [("small", small), ("free", free), ("unlimited", Plan::UNLIMITED)];
    plans.map(|(name, plan)| (name.to_owned(), plan)).into()
}

async fn start() -> TestApi {
    let config = ApiConfig {
        plans: plans(),
        ..ApiConfig::default()
    };
    TestApi::start_with(Arc::new(SystemClock), config).await
}

/// A workspace that was made over the API, and its key.
async fn make(api: &TestApi, plan: &str) -> (Value, ApiKeySecret) {
    let made = api.post(ADMIN, &json!({ "name": "ACME", "plan": plan })).await;
    let mut made = made.expect(StatusCode::CREATED);
    let key = made["apiKey"]["key"].as_str().expect("a key");
    let key = ApiKeySecret::parse(key).expect("a key");
    (made["workspace"].take(), key)
}

fn path_of(workspace: &Value) -> String {
    format!("{ADMIN}/{}", workspace["id"].as_str().expect("an id"))
}

async fn get(api: &TestApi, key: &ApiKeySecret, path: &str) -> Value {
    let answer = api.call_as(key, Method::GET, path).send().await;
    answer.expect(StatusCode::OK)
}

#[tokio::test]
async fn a_workspace_is_made_with_a_key_that_sees_only_it() {
    let api = start().await;
    let (made, key) = make(&api, "small").await;
    assert_eq!(
        made,
        json!({
            "id": made["id"], "name": "ACME", "plan": "small", "deactivated": null, "createdAt": made["createdAt"],
            "limits": {
                "devices": 1, "messagesPerMonth": 3, "requestsPerMinute": null, "messagesPerBatch": 2,
                "api": true, "webhooks": true,
            },
        })
    );
    assert_eq!(get(&api, &key, "/v1/workspace").await, made);
    assert_eq!(api.get(&path_of(&made)).await.expect(StatusCode::OK), made);
    let refused = api.call_as(&key, Method::GET, ADMIN).send().await;
    assert!(refused.expect_error(403, "FORBIDDEN").contains("admin:daemon"));
    let list = api.get(&format!("{ADMIN}?limit=1")).await.expect(StatusCode::OK);
    assert_eq!(list["data"], json!([made]));
    let rest = format!(
        "{ADMIN}?cursor={}",
        list["nextCursor"].as_str().expect("a cursor")
    );
    let rest = api.get(&rest).await.expect(StatusCode::OK);
    assert_eq!(rest["data"][0]["id"], api.workspace.to_string());

    let rename = api.call_as(&key, Method::PATCH, "/v1/workspace");
    let renamed = rename.json(&json!({ "name": "Acme" })).send().await;
    assert_eq!(renamed.expect(StatusCode::OK)["name"], "Acme");
    let plan = api.call_as(&key, Method::PATCH, "/v1/workspace");
    let plan = plan
        .json(&json!({ "name": "x", "plan": "unlimited" }))
        .send()
        .await;
    plan.expect_fields(&["plan"]);
    // Another key, when the first is lost.
    let body = json!({ "name": "spare", "scopes": ["usage:read"] });
    let spare = api.post(&format!("{}/api-keys", path_of(&made)), &body).await;
    let spare = spare.expect(StatusCode::CREATED);
    let spare = ApiKeySecret::parse(spare["key"].as_str().expect("a key")).expect("a key");
    assert_eq!(get(&api, &spare, "/v1/workspace").await["id"], made["id"]);
}

#[tokio::test]
async fn bad_workspaces_are_refused_by_field() {
    let api = start().await;
    let (made, _) = make(&api, "small").await;
    for (path, body, field) in [
        (ADMIN.to_owned(), json!({ "name": "" }), "name"),
        (ADMIN.to_owned(), json!({ "name": "x", "plan": "none" }), "plan"),
        (
            format!("{}/deactivate", path_of(&made)),
            json!({ "reason": " " }),
            "reason",
        ),
        (format!("{}/deactivate", path_of(&made)), json!({}), "reason"),
        (
            format!("{}/api-keys", path_of(&made)),
            json!({ "name": "x", "scopes": [] }),
            "scopes",
        ),
    ] {
        api.post(&path, &body).await.expect_fields(&[field]);
    }
    let nobody = format!("{ADMIN}/ws_01ARZ3NDEKTSV4RRFFQ69G5FAV");
    let message = api.get(&nobody).await.expect_error(404, "NOT_FOUND");
    assert_eq!(message, "there is no workspace with this id");
    let body = json!({ "name": "x", "scopes": ["admin"] });
    let key = api.post(&format!("{nobody}/api-keys"), &body).await;
    key.expect_error(404, "NOT_FOUND");
    let change = api.call(Method::PATCH, &nobody).json(&json!({ "name": "x" }));
    change.send().await.expect_error(404, "NOT_FOUND");
    let register = api.call_without_key(Method::POST, "/v1/register");
    let closed = register.json(&json!({ "name": "x" })).send().await;
    assert!(closed.expect_error(403, "FORBIDDEN").contains("closed"));
}

#[tokio::test]
async fn a_deactivated_workspace_is_refused_with_the_reason_until_it_is_activated() {
    let api = start().await;
    let (made, key) = make(&api, "unlimited").await;
    get(&api, &key, "/v1/devices").await;
    let switch = async |verb: &str, body: Value| {
        let path = format!("{}/{verb}", path_of(&made));
        api.post(&path, &body).await.expect(StatusCode::OK)
    };
    let off = switch("deactivate", json!({ "reason": "unpaid" })).await;
    assert_eq!(off["deactivated"]["reason"], "unpaid");
    for path in ["/v1/devices", "/v1/workspace", "/v1/messages"] {
        let refused = api.call_as(&key, Method::GET, path).send().await;
        assert!(refused.expect_error(403, "FORBIDDEN").contains("unpaid"));
    }
    assert_eq!(switch("activate", json!({})).await["deactivated"], json!(null));
    get(&api, &key, "/v1/devices").await;
    // Whoever runs the daemon cannot lock themselves out.
    let own = format!("{ADMIN}/{}", api.workspace);
    let off = api
        .post(&format!("{own}/deactivate"), &json!({ "reason": "oops" }))
        .await;
    off.expect(StatusCode::OK);
    api.get("/v1/devices").await.expect_error(403, "FORBIDDEN");
    let on = api.post(&format!("{own}/activate"), &json!({})).await;
    on.expect(StatusCode::OK);
    api.get("/v1/devices").await.expect(StatusCode::OK);
}

#[tokio::test]
async fn a_plan_says_what_may_be_used() {
    let api = start().await;
    let (made, key) = make(&api, "free").await;
    let refused = api.call_as(&key, Method::GET, "/v1/devices").send().await;
    let message = refused.expect_error(403, "FORBIDDEN");
    assert!(message.contains("\"free\" has no API access"), "{message}");
    let change = api.call(Method::PATCH, &path_of(&made));
    let changed = change.json(&json!({ "plan": "small" })).send().await;
    assert_eq!(changed.expect(StatusCode::OK)["plan"], "small");
    get(&api, &key, "/v1/devices").await;

    let gone = ("gone".to_owned(), Plan::UNLIMITED);
    let key = api.workspace_on(gone).await;
    let refused = api.call_as(&key, Method::GET, "/v1/devices").send().await;
    assert!(refused.expect_error(403, "FORBIDDEN").contains("\"gone\""));
}

#[tokio::test]
async fn quotas_are_kept_and_shown() {
    let api = start().await;
    let change = api.call(Method::PATCH, &format!("{ADMIN}/{}", api.workspace));
    let changed = change.json(&json!({ "plan": "small" })).send().await;
    changed.expect(StatusCode::OK);
    let device = api.connected_device().await;
    let second = api.post("/v1/devices", &json!({})).await;
    let message = second.expect_error(429, "QUOTA_EXCEEDED");
    assert!(message.contains("allows 1 device;"), "{message}");

    let too_large = api
        .post("/v1/messages/batch", &batch_of(device, &["1", "2", "3"]))
        .await;
    too_large.expect_error(400, "VALIDATION_ERROR");
    let pair = batch_of(device, &["1", "2"]);
    let sent = api.post("/v1/messages/batch", &pair).await;
    sent.expect(StatusCode::ACCEPTED);
    let refused = api.post("/v1/messages/batch", &pair).await;
    let message = refused.expect_error(429, "QUOTA_EXCEEDED");
    assert!(message.contains("messages[1]"), "{message}");
    let mut partial = pair.clone();
    partial["partial"] = json!(true);
    let sent = api.post("/v1/messages/batch", &partial).await;
    let sent = sent.expect(StatusCode::ACCEPTED);
    assert_eq!((&sent["queued"], &sent["failedCount"]), (&json!(1), &json!(1)));
    assert_eq!(sent["items"][1]["error"]["code"], "QUOTA_EXCEEDED");

    let usage = api.get("/v1/usage").await.expect(StatusCode::OK);
    assert_eq!(
        (&usage["messages"], &usage["devices"]),
        (
            &json!({ "used": 3, "limit": 3, "remaining": 0 }),
            &json!({ "used": 1, "limit": 1, "remaining": 0 }),
        )
    );
    let resets_at = usage["resetsAt"].as_str().expect("a time");
    let refused = api.post("/v1/messages/batch", &partial).await;
    refused.expect_error(429, "QUOTA_EXCEEDED");
    // Next to a message that is bad at any time, too: what is answered 400 is not sent again.
    let mut with_a_bad_one = partial.clone();
    with_a_bad_one["messages"][0]["to"] = json!("x");
    let refused = api.post("/v1/messages/batch", &with_a_bad_one).await;
    let message = refused.expect_error(429, "QUOTA_EXCEEDED");
    assert!(message.starts_with("messages[1]: "), "{message}");
    for dry_run in [true, false] {
        let mut body = text_to(device, "one more");
        body["dryRun"] = json!(dry_run);
        let refused = api.post("/v1/messages", &body).await;
        let message = refused.expect_error(429, "QUOTA_EXCEEDED");
        assert!(message.contains(resets_at), "{message}");
    }
    partial["dryRun"] = json!(true);
    let refused = api.post("/v1/messages/batch", &partial).await;
    refused.expect_error(429, "QUOTA_EXCEEDED");
}

#[tokio::test]
async fn a_batch_that_was_accepted_is_replayed_also_when_it_is_too_large_by_now() {
    let api = start().await;
    let device = api.connected_device().await;
    let three = batch_of(device, &["1", "2", "3"]);
    let send = async |key: &str, body: &Value| {
        let call = api.call(Method::POST, "/v1/messages/batch");
        call.header("Idempotency-Key", key).json(body).send().await
    };
    let first = send("k", &three).await;
    first.expect(StatusCode::ACCEPTED);
    let change = api.call(Method::PATCH, &format!("{ADMIN}/{}", api.workspace));
    let changed = change.json(&json!({ "plan": "small" })).send().await;
    changed.expect(StatusCode::OK);
    let again = send("k", &three).await;
    assert_eq!((again.status, &again.body), (first.status, &first.body));
    assert_eq!(again.header("idempotency-replayed"), "true");
    send("k", &batch_of(device, &["1", "2", "4"]))
        .await
        .expect_error(409, "IDEMPOTENCY_CONFLICT");
    let refused = send("unused", &three).await;
    refused.expect_fields(&["messages"]);
    let message = refused.expect_error(400, "VALIDATION_ERROR");
    assert!(message.contains("has 3 messages; 2 are the most"), "{message}");
    let mut dry = three.clone();
    dry["dryRun"] = json!(true);
    send("k", &dry).await.expect_fields(&["messages"]);
}

#[tokio::test]
async fn anybody_may_register_where_that_is_allowed_but_not_often() {
    let config = ApiConfig {
        plans: plans(),
        registration: Some("small".to_owned()),
        ..ApiConfig::default()
    };
    let api = TestApi::start_with(Arc::new(SystemClock), config).await;
    let register = async || {
        let call = api.call_without_key(Method::POST, "/v1/register");
        call.json(&json!({ "name": "Me" })).send().await
    };
    let made = register().await.expect(StatusCode::CREATED);
    assert_eq!(made["workspace"]["plan"], "small");
    let scopes = made["apiKey"]["scopes"].as_array().expect("scopes");
    assert!(!scopes.contains(&json!(Scope::AdminDaemon.name())));
    let refused = within(async {
        loop {
            let answer = register().await;
            if answer.status != StatusCode::CREATED {
                break answer;
            }
        }
    });
    let refused = refused.await;
    refused.expect_error(429, "RATE_LIMITED");
    assert!(!refused.header("retry-after").is_empty());
}
