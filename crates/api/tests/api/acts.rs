//! What is done with a key is in the audit: every route that changes something, by whom, and nothing that is secret.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use postern_api::{ApiConfig, ApiKeySecret, KeyKind, ROUTES};
use postern_domain::message::FailureCode;
use postern_domain::session::Signal;
use postern_domain::{DeviceId, Plan, Scopes};
use postern_runtime::{Clock as _, SystemClock};
use postern_store::{NewApiKey, Outcome};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{Answer, TestApi, batch_of, text_to};

/// Stands in what nobody may read in the audit.
const TEXT: &str = "the-text-of-a-message";

/// What a changing route is asked, and the acts that it leaves.
struct Case {
    path: String,
    body: Value,
    acts: &'static [&'static str],
}

/// Somebody with a key that did nothing before.
struct Walker {
    api: TestApi,
    key: ApiKeySecret,
    id: String,
}

fn text_of(object: &Value, field: &str) -> String {
    object[field].as_str().expect("a text").to_owned()
}

impl Walker {
    async fn start() -> Self {
        let config = ApiConfig {
            plans: BTreeMap::from([("unlimited".to_owned(), Plan::UNLIMITED)]),
            registration: Some("unlimited".to_owned()),
            ..ApiConfig::default()
        };
        let api = TestApi::start_with(Arc::new(SystemClock), config).await;
        let key = ApiKeySecret::generate(KeyKind::Live);
        let stored = NewApiKey::of(&key, api.workspace, "walker", Scopes::all());
        let id = stored.id.to_string();
        let added = api.store.add_api_key(stored, SystemClock.now()).await;
        assert!(added.expect("stored"));
        Self { api, key, id }
    }

    /// What it did, newest first.
    async fn acts(&self) -> Vec<Value> {
        let audit = self.api.get("/v1/audit?limit=200").await.expect(StatusCode::OK);
        assert_eq!(audit["nextCursor"], json!(null), "one page is enough");
        let mut acts = audit["data"].as_array().expect("a list").clone();
        acts.retain(|act| act["actor"]["id"] == *self.id);
        acts
    }

    async fn call(&self, method: &Method, path: &str, body: &Value) -> Answer {
        let call = self.api.call_as(&self.key, method.clone(), path);
        call.json(body).send().await
    }

    async fn another_key(&self) -> String {
        let body = json!({ "name": "spare", "scopes": ["messages:read"] });
        let made = self.api.post("/v1/api-keys", &body).await;
        text_of(&made.expect(StatusCode::CREATED), "id")
    }

    async fn workspace(&self) -> String {
        let body = json!({ "name": "other" });
        let made = self.api.post("/v1/admin/workspaces", &body).await;
        text_of(&made.expect(StatusCode::CREATED)["workspace"], "id")
    }

    async fn message(&self, device: DeviceId) -> Value {
        let sent = self.api.post("/v1/messages", &text_to(device, TEXT)).await;
        sent.expect(StatusCode::ACCEPTED)
    }

    async fn scheduled_message(&self) -> String {
        let device = self.api.connected_device().await;
        let mut body = text_to(device, TEXT);
        let later = SystemClock.now().after(Duration::from_hours(1));
        body["sendAt"] = json!(later.to_rfc3339());
        let sent = self.api.post("/v1/messages", &body).await;
        text_of(&sent.expect(StatusCode::ACCEPTED), "id")
    }

    async fn failed_message(&self) -> String {
        let device = self.api.connected_device().await;
        let id = text_of(&self.message(device).await, "id");
        let shown = self.api.get(&format!("/v1/messages/{id}")).await;
        let stanza = text_of(&shown.expect(StatusCode::OK), "stanzaId");
        let failed = Outcome::Failed {
            stanza: stanza.into(),
            code: FailureCode::NotOnWhatsApp,
            text: "nobody there".to_owned(),
        };
        let recorded = self.api.store.record(device, vec![failed], SystemClock.now());
        recorded.await.expect("recorded");
        id
    }

    /// A message that a logout left, of a device that is linked to the same account again.
    async fn parked_message(&self) -> (String, DeviceId) {
        let device = self.api.connected_device().await;
        let id = text_of(&self.message(device).await, "id");
        let stored = self.api.store.device(self.api.workspace, device).await;
        let account = stored.expect("read").expect("a device").account.expect("linked");
        let logged_out = Signal::LoggedOut { messages_left: false };
        self.api.signal(device, logged_out).await;
        let linked = self.api.store.link_account(device, account, SystemClock.now());
        linked.await.expect("linked");
        (id, device)
    }

    async fn paused_device(&self) -> DeviceId {
        let device = self.api.connected_device().await;
        let paused = self
            .api
            .post(&format!("/v1/devices/{device}/pause"), &json!({}))
            .await;
        paused.expect(StatusCode::ACCEPTED);
        device
    }

    async fn batch(&self) -> String {
        let body = batch_of(self.api.connected_device().await, &[TEXT, TEXT]);
        let sent = self.api.post("/v1/messages/batch", &body).await;
        text_of(&sent.expect(StatusCode::ACCEPTED), "batchId")
    }

    async fn event(&self) -> String {
        self.message(self.api.connected_device().await).await;
        let events = self.api.get("/v1/events?limit=1&type=message.accepted").await;
        text_of(&events.expect(StatusCode::OK)["data"][0], "id")
    }

    /// What this route is for, as somebody asks it who may; it succeeds.
    async fn case(&self, method: &Method, pattern: &'static str) -> Case {
        let api = &self.api;
        let (id, body, acts): (String, Value, &'static [&'static str]) = match (method.as_str(), pattern) {
            // What is sent is listed with its timeline.
            ("POST", "/v1/messages") => {
                let body = text_to(api.connected_device().await, TEXT);
                (String::new(), body, &[])
            }
            ("POST", "/v1/messages/batch") => {
                let body = batch_of(api.connected_device().await, &[TEXT]);
                (String::new(), body, &[])
            }
            ("PATCH", "/v1/messages/{id}") => {
                let id = self.scheduled_message().await;
                (id, json!({ "sendAt": null }), &["message.reschedule"])
            }
            ("POST", "/v1/messages/{id}/retry") => {
                (self.failed_message().await, json!({}), &["message.retry"])
            }
            ("POST", "/v1/messages/{id}/cancel") => {
                (self.scheduled_message().await, json!({}), &["message.cancel"])
            }
            ("POST", "/v1/messages/{id}/release") => {
                (self.parked_message().await.0, json!({}), &["message.release"])
            }
            ("POST", "/v1/batches/{id}/cancel") => (self.batch().await, json!({}), &["batch.cancel"]),
            ("POST", "/v1/devices") => (String::new(), json!({}), &["device.create"]),
            ("PATCH", "/v1/devices/{id}") => {
                let body = json!({ "name": "door", "pacing": { "messagesPerMinute": 6 } });
                let id = api.unlinked_device().await;
                (id.to_string(), body, &["device.pacing", "device.rename"])
            }
            ("POST", "/v1/devices/{id}/parked/release") => {
                let (_, device) = self.parked_message().await;
                (device.to_string(), json!({}), &["device.release_parked"])
            }
            ("POST", "/v1/devices/{id}/parked/cancel") => {
                let (_, device) = self.parked_message().await;
                (device.to_string(), json!({}), &["device.cancel_parked"])
            }
            (method, pattern) if pattern.starts_with("/v1/devices/{id}") => {
                return self.device_case(method, pattern).await;
            }
            (method, pattern) if pattern.starts_with("/v1/webhooks") => {
                return self.webhook_case(method, pattern).await;
            }
            ("POST", "/v1/events/{id}/redeliver") => {
                api.webhook().await;
                (self.event().await, json!({}), &["event.redeliver"])
            }
            ("POST", "/v1/api-keys") => {
                let body = json!({ "name": "made", "scopes": ["admin"] });
                (String::new(), body, &["key.create"])
            }
            ("PATCH", "/v1/api-keys/{id}") => (
                self.another_key().await,
                json!({ "name": "changed" }),
                &["key.change"],
            ),
            ("DELETE", "/v1/api-keys/{id}") => (self.another_key().await, json!(null), &["key.revoke"]),
            ("POST", "/v1/api-keys/{id}/rotate") => (self.another_key().await, json!({}), &["key.rotate"]),
            ("PATCH", "/v1/workspace") => (String::new(), json!({ "name": "home" }), &["workspace.change"]),
            ("POST", "/v1/admin/workspaces") => {
                (String::new(), json!({ "name": "new" }), &["workspace.create"])
            }
            ("PATCH", "/v1/admin/workspaces/{id}") => {
                let body = json!({ "name": "changed", "plan": "unlimited" });
                (self.workspace().await, body, &["workspace.change"])
            }
            ("POST", "/v1/admin/workspaces/{id}/deactivate") => {
                let body = json!({ "reason": "unpaid" });
                (self.workspace().await, body, &["workspace.deactivate"])
            }
            ("POST", "/v1/admin/workspaces/{id}/activate") => {
                (self.workspace().await, json!({}), &["workspace.activate"])
            }
            ("POST", "/v1/admin/workspaces/{id}/api-keys") => {
                let body = json!({ "name": "given", "scopes": ["admin"] });
                (self.workspace().await, body, &["key.create"])
            }
            _ => panic!("say what {method} {pattern} does, and what it leaves in the audit"),
        };
        Case {
            path: pattern.replace("{id}", &id),
            body,
            acts,
        }
    }

    async fn device_case(&self, method: &str, pattern: &'static str) -> Case {
        let api = &self.api;
        let linked = async || api.connected_device().await;
        let (device, body, acts): (_, _, &'static [&'static str]) = match (method, pattern) {
            ("POST", "/v1/devices/{id}/pair") => (api.unlinked_device().await, json!({}), &["device.pair"]),
            ("POST", "/v1/devices/{id}/pairing-code") => {
                let body = json!({ "phone": "+15550009999" });
                (api.unlinked_device().await, body, &["device.pair"])
            }
            ("POST", "/v1/devices/{id}/pause") => (linked().await, json!({}), &["device.pause"]),
            ("POST", "/v1/devices/{id}/resume") => {
                (self.paused_device().await, json!({}), &["device.resume"])
            }
            ("POST", "/v1/devices/{id}/reconnect") => (linked().await, json!({}), &["device.reconnect"]),
            ("POST", "/v1/devices/{id}/logout") => (linked().await, json!({}), &["device.logout"]),
            ("DELETE", "/v1/devices/{id}") => (linked().await, json!(null), &["device.remove"]),
            _ => panic!("say what {method} {pattern} does, and what it leaves in the audit"),
        };
        let mut path = pattern.replace("{id}", &device.to_string());
        if pattern.ends_with("/pairing-code") {
            path.push_str("?wait=0");
        }
        Case { path, body, acts }
    }

    async fn webhook_case(&self, method: &str, pattern: &'static str) -> Case {
        let url = json!({ "url": "https://example.com/hook" });
        let (body, acts): (_, &'static [&'static str]) = match (method, pattern) {
            ("POST", "/v1/webhooks") => (url, &["webhook.create"]),
            ("PATCH", "/v1/webhooks/{id}") => (
                json!({ "description": "x", "enabled": true }),
                &["webhook.change"],
            ),
            ("DELETE", "/v1/webhooks/{id}") => (json!(null), &["webhook.remove"]),
            ("POST", "/v1/webhooks/{id}/rotate-secret") => (json!({}), &["webhook.secret"]),
            ("POST", "/v1/webhooks/{id}/test") => (json!({ "type": "message.sent" }), &["webhook.test"]),
            ("POST", "/v1/webhooks/{id}/replay") => (json!({ "failed": true }), &["webhook.replay"]),
            _ => panic!("say what {method} {pattern} does, and what it leaves in the audit"),
        };
        let path = pattern.replace("{id}", &self.api.webhook().await);
        Case { path, body, acts }
    }
}

/// Whatever an answer shows once.
fn secrets(answer: &Value, found: &mut Vec<String>) {
    match answer {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(text) if name == "key" || name == "secret" => found.push(text.clone()),
                    value => secrets(value, found),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| secrets(value, found)),
        _ => {}
    }
}

/// Every route with a key that changes something.
fn changing() -> impl Iterator<Item = (Method, &'static str)> {
    ROUTES
        .iter()
        .map(|route| (route.method.as_str(), route.path))
        .filter(|(method, path)| *method != "GET" && *path != "/v1/register")
        .map(|(method, path)| (Method::from_bytes(method.as_bytes()).expect("a method"), path))
}

#[tokio::test]
async fn whatever_a_key_changes_is_in_the_audit_under_its_name() {
    let walker = Walker::start().await;
    let mut shown_once = vec![walker.key.expose().to_owned(), walker.api.key.expose().to_owned()];
    for (method, pattern) in changing() {
        let case = walker.case(&method, pattern).await;
        let before = walker.acts().await.len();
        let answer = walker.call(&method, &case.path, &case.body).await;
        let text = String::from_utf8_lossy(&answer.body);
        assert!(answer.status.is_success(), "{method} {pattern}: {text}");
        let answer: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        secrets(&answer, &mut shown_once);
        let acts = walker.acts().await;
        let new = &acts[..acts.len() - before];
        let actions: Vec<_> = new.iter().map(|act| text_of(act, "action")).collect();
        assert_eq!(actions, case.acts, "{method} {pattern}");
        for act in new {
            let actor = json!({
                "kind": "apiKey", "id": walker.id, "name": "walker", "lastFour": walker.key.last_four(),
            });
            assert_eq!(act["actor"], actor, "{method} {pattern}");
            let target = act["target"].as_str().expect("a target");
            let text = format!("{} {answer} {}", case.path, walker.api.workspace);
            assert!(text.contains(target), "{method} {pattern}: {target}");
        }
    }
    assert!(shown_once.len() > 6, "keys and secrets were shown");
    let audit = walker.api.get("/v1/audit?limit=200").await;
    let audit = audit.expect(StatusCode::OK).to_string();
    // Of numbers the digits without which none is one.
    for secret in shown_once
        .iter()
        .map(String::as_str)
        .chain([TEXT, "15551234567", "15550009999"])
    {
        assert!(!audit.contains(secret), "{audit}");
    }
}

#[tokio::test]
async fn what_was_refused_or_found_nothing_is_not_in_the_audit() {
    let walker = Walker::start().await;
    for (method, pattern) in changing().filter(|(_, pattern)| pattern.contains("{id}")) {
        let case = walker.case(&method, pattern).await;
        // The same for an id that nobody has.
        let part = pattern.split('/').position(|part| part == "{id}").expect("an id");
        let parts = case.path.split('/').enumerate().map(|(place, text)| {
            let prefix = text.split_once('_').filter(|_| place == part);
            prefix.map_or(text.to_owned(), |(prefix, _)| {
                format!("{prefix}_01ARZ3NDEKTSV4RRFFQ69G5FAV")
            })
        });
        let path = parts.collect::<Vec<_>>().join("/");
        let answer = walker.call(&method, &path, &case.body).await;
        answer.expect_error(404, "NOT_FOUND");
        assert_eq!(walker.acts().await, Vec::<Value>::new(), "{method} {pattern}");
    }
    let id = walker.failed_message().await;
    let release = format!("/v1/messages/{id}/release");
    let refused = walker.call(&Method::POST, &release, &json!({})).await;
    refused.expect_error(409, "INVALID_STATE");
    assert_eq!(walker.acts().await, Vec::<Value>::new());
}

#[tokio::test]
async fn switching_an_endpoint_and_purging_a_device_are_acts_of_their_own() {
    let walker = Walker::start().await;
    let hook = format!("/v1/webhooks/{}", walker.api.webhook().await);
    for enabled in [false, true] {
        let switched = walker
            .call(&Method::PATCH, &hook, &json!({ "enabled": enabled }))
            .await;
        switched.expect(StatusCode::OK);
    }
    let device = format!("/v1/devices/{}?purge=true", walker.api.unlinked_device().await);
    let removed = walker.call(&Method::DELETE, &device, &json!(null)).await;
    removed.expect(StatusCode::NO_CONTENT);
    let event = walker.event().await;
    let body = json!({ "webhookId": hook.trim_start_matches("/v1/webhooks/") });
    let again = walker
        .call(&Method::POST, &format!("/v1/events/{event}/redeliver"), &body)
        .await;
    again.expect(StatusCode::ACCEPTED);
    let acts = walker.acts().await;
    let actions: Vec<_> = acts.iter().map(|act| text_of(act, "action")).collect();
    assert_eq!(
        actions,
        [
            "webhook.replay",
            "device.purge",
            "webhook.enable",
            "webhook.pause"
        ]
    );
    assert_eq!(acts[0]["details"], *event);
}

#[tokio::test]
async fn a_workspace_sees_what_the_administration_did_to_it_and_nothing_of_its_key() {
    let walker = Walker::start().await;
    let made = walker
        .call(
            &Method::POST,
            "/v1/admin/workspaces",
            &json!({ "name": "theirs" }),
        )
        .await;
    let made = made.expect(StatusCode::CREATED);
    let key = ApiKeySecret::parse(&text_of(&made["apiKey"], "key")).expect("a key");
    let id = text_of(&made["workspace"], "id");
    let body = json!({ "name": "given", "scopes": ["usage:read"] });
    let given = walker
        .call(
            &Method::POST,
            &format!("/v1/admin/workspaces/{id}/api-keys"),
            &body,
        )
        .await;
    let given = text_of(&given.expect(StatusCode::CREATED), "id");
    let own = walker.api.call_as(&key, Method::PATCH, "/v1/workspace");
    own.json(&json!({ "name": "mine" }))
        .send()
        .await
        .expect(StatusCode::OK);

    let seen = walker.api.call_as(&key, Method::GET, "/v1/audit").send().await;
    let seen = seen.expect(StatusCode::OK);
    let told = seen["data"].as_array().expect("a list").iter().map(|act| {
        let of_actor = |field| act["actor"][field].clone();
        [
            act["action"].clone(),
            act["target"].clone(),
            of_actor("name"),
            of_actor("id"),
        ]
    });
    let own_id = made["apiKey"]["id"].clone();
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            [json!("workspace.change"), json!(id), json!("first"), own_id],
            [
                json!("key.create"),
                json!(given),
                json!("administration"),
                json!(null)
            ],
            [
                json!("workspace.create"),
                json!(id),
                json!("administration"),
                json!(null)
            ],
        ]
    );
    let text = seen.to_string();
    for foreign in [walker.id.as_str(), "walker", walker.key.last_four()] {
        assert!(!text.contains(foreign), "{text}");
    }
    let home = walker.acts().await;
    assert_eq!(home.len(), 2, "what they do themselves is theirs: {home:?}");
}

#[tokio::test]
async fn who_registers_is_known_by_the_key_they_get() {
    let walker = Walker::start().await;
    let call = walker.api.call_without_key(Method::POST, "/v1/register");
    let made = call.json(&json!({ "name": "anybody" })).send().await;
    let made = made.expect(StatusCode::CREATED);
    let key = ApiKeySecret::parse(&text_of(&made["apiKey"], "key")).expect("a key");
    let seen = walker.api.call_as(&key, Method::GET, "/v1/audit").send().await;
    let seen = seen.expect(StatusCode::OK);
    let acts = seen["data"].as_array().expect("a list");
    assert_eq!(acts.len(), 1, "{seen}");
    assert_eq!(acts[0]["action"], "workspace.register");
    assert_eq!(acts[0]["target"], made["workspace"]["id"]);
    assert_eq!(acts[0]["actor"]["id"], made["apiKey"]["id"]);
    assert_eq!(walker.acts().await, Vec::<Value>::new());
}
