//! Nothing of a workspace shows in another: every parameter and every field that could name what is foreign.

use std::collections::BTreeSet;

use postern_api::{Access, ApiKeySecret, ROUTES, document};
use postern_domain::{BatchId, DeviceId, EventId, Scope, WebhookId};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{Answer, TestApi, batch_of, next_piece, read_until, rest, text_to};

/// One of everything, in a workspace.
struct World<'a> {
    api: &'a TestApi,
    key: ApiKeySecret,
    word: &'static str,
    device: DeviceId,
    message: String,
    batch: String,
    webhook: String,
    replay: String,
    event: String,
}

fn id(object: &Value, field: &str) -> String {
    object[field].as_str().expect("an id").to_owned()
}

impl<'a> World<'a> {
    async fn make(api: &'a TestApi, key: ApiKeySecret, word: &'static str) -> Self {
        let post = async |path: &str, body: Value| {
            let call = api.call_as(&key, Method::POST, path).json(&body);
            let answer = call.send().await;
            assert!(answer.status.is_success(), "{path} {}", answer.status);
            serde_json::from_slice::<Value>(&answer.body).expect("JSON")
        };
        let device = post("/v1/devices", json!({ "name": word })).await;
        let device: DeviceId = id(&device, "id").parse().expect("an id");
        api.connect(device).await;
        let mut body = text_to(device, word);
        body["clientReference"] = json!(word);
        let message = id(&post("/v1/messages", body).await, "id");
        let batch = post("/v1/messages/batch", batch_of(device, &[word])).await;
        let hook = json!({ "url": format!("https://{word}.example.com/hook") });
        let webhook = id(&post("/v1/webhooks", hook).await, "id");
        let failed = json!({ "failed": true });
        let replay = id(
            &post(&format!("/v1/webhooks/{webhook}/replay"), failed).await,
            "id",
        );
        let newest = api.call_as(&key, Method::GET, "/v1/events?limit=1").send().await;
        let event = id(&newest.expect(StatusCode::OK)["data"][0], "id");
        api.store.index_messages().await.expect("indexed");
        Self {
            api,
            word,
            device,
            message,
            batch: id(&batch, "batchId"),
            webhook,
            replay,
            event,
            key,
        }
    }

    async fn two(api: &'a TestApi) -> [Self; 2] {
        let theirs = Self::make(api, api.key.clone(), "theirs").await;
        let mine = Self::make(api, api.another_workspace().await, "mine").await;
        [theirs, mine]
    }

    /// What tells that an answer speaks of this workspace.
    fn marks(&self) -> [&str; 6] {
        [
            self.word,
            &self.message,
            &self.batch,
            &self.webhook,
            &self.replay,
            &self.event,
        ]
    }

    /// A route's path with ids of this workspace.
    fn path(&self, pattern: &str) -> String {
        let id = match pattern.split('/').nth(2) {
            Some("messages") => self.message.clone(),
            Some("batches") => self.batch.clone(),
            Some("devices") => self.device.to_string(),
            Some("events") => self.event.clone(),
            Some("webhooks") => self.webhook.clone(),
            Some("api-keys") => "key_01ARZ3NDEKTSV4RRFFQ69G5FAV".to_owned(),
            _ => panic!("say which id {pattern} takes"),
        };
        let path = pattern.replace("{id}", &id).replace("{format}", "png");
        path.replace("{replayId}", &self.replay)
    }

    /// What a query parameter names in this workspace, and the same of nobody; `None` for those that name nothing.
    fn named(&self, parameter: &str) -> Option<(String, String)> {
        let nobodys = match parameter {
            "deviceId" => DeviceId::generate().to_string(),
            "batchId" => BatchId::generate().to_string(),
            "after" | "lastEventId" | "eventId" => EventId::generate().to_string(),
            "clientReference" | "q" => "nobodys".to_owned(),
            "limit" | "cursor" | "status" | "direction" | "to" | "parked" | "createdAfter"
            | "createdBefore" | "type" | "from" | "until" | "order" | "day" | "timeZone" | "purge"
            | "wait" | "size" | "format" => return None,
            new => panic!("say what the parameter {new} names"),
        };
        let own = match parameter {
            "deviceId" => self.device.to_string(),
            "batchId" => self.batch.clone(),
            "after" | "lastEventId" | "eventId" => self.event.clone(),
            _ => self.word.to_owned(),
        };
        Some((own, nobodys))
    }

    async fn get(&self, path: &str) -> Answer {
        self.api.call_as(&self.key, Method::GET, path).send().await
    }

    async fn call(&self, method: Method, path: &str, body: &Value) -> Answer {
        self.api.call_as(&self.key, method, path).json(body).send().await
    }
}

/// An answer without what differs between any two.
fn told(answer: &Answer) -> (StatusCode, Value) {
    let mut body = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
    if let Some(error) = body.get_mut("error") {
        error["requestId"] = Value::Null;
    }
    (answer.status, body)
}

#[track_caller]
fn speaks_not_of(theirs: &World<'_>, answer: &Answer, what: &str) {
    let text = format!("{:?} {}", answer.headers, String::from_utf8_lossy(&answer.body));
    for mark in theirs.marks() {
        assert!(!text.contains(mark), "{what}: {text}");
    }
    assert!(!text.contains(&theirs.device.to_string()), "{what}: {text}");
}

/// The query parameters of a route.
fn parameters(document: &Value, path: &str) -> Vec<String> {
    let parameters = &document["paths"][path]["get"]["parameters"];
    let parameters = parameters.as_array().into_iter().flatten();
    let of_query = parameters.filter(|parameter| parameter["in"] == "query");
    of_query.map(|parameter| id(parameter, "name")).collect()
}

#[tokio::test]
async fn no_query_shows_anything_foreign() {
    let api = TestApi::start().await;
    let [theirs, mine] = World::two(&api).await;
    let document: Value = serde_json::from_str(&document()).expect("JSON");
    let mut tried = BTreeSet::new();
    for route in ROUTES.iter().filter(|route| route.method.as_str() == "GET") {
        let is_of_a_workspace = matches!(route.access, Access::Key(scope) if scope != Scope::AdminDaemon);
        if !is_of_a_workspace {
            continue;
        }
        let path = if route.path.contains('{') {
            mine.path(route.path)
        } else {
            route.path.to_owned()
        };
        let streams = route.path.ends_with("/stream");
        if !streams {
            speaks_not_of(&theirs, &mine.get(&path).await, &path);
        }
        for parameter in parameters(&document, route.path) {
            if parameter == "cursor" {
                // Where their list goes on, in their order.
                let page = theirs
                    .get(&format!("{}?limit=1", theirs_path(&theirs, route.path)))
                    .await;
                let page = page.expect(StatusCode::OK);
                if let Some(cursor) = page["nextCursor"].as_str() {
                    let list = mine.get(&format!("{path}?cursor={cursor}")).await;
                    list.expect(StatusCode::OK);
                    speaks_not_of(&theirs, &list, &path);
                    tried.insert(format!("cursor of {}", route.path));
                }
            }
            let Some((foreign, nobodys)) = theirs.named(&parameter) else {
                continue;
            };
            let (foreign, nobodys) = (
                format!("{path}?{parameter}={foreign}"),
                format!("{path}?{parameter}={nobodys}"),
            );
            if streams && parameter == "deviceId" {
                // It does not end; what it tells is asked below.
                continue;
            }
            let (foreign_answer, nobodys_answer) = (mine.get(&foreign).await, mine.get(&nobodys).await);
            assert_eq!(told(&foreign_answer), told(&nobodys_answer), "{foreign}");
            speaks_not_of(&theirs, &foreign_answer, &foreign);
            tried.insert(parameter);
        }
    }
    for parameter in [
        "deviceId",
        "batchId",
        "after",
        "lastEventId",
        "eventId",
        "clientReference",
        "q",
    ] {
        assert!(tried.contains(parameter), "{parameter} is tried: {tried:?}");
    }
    for path in ["/v1/messages", "/v1/events", "/v1/audit"] {
        assert!(tried.contains(&format!("cursor of {path}")), "{tried:?}");
    }
}

fn theirs_path(theirs: &World<'_>, pattern: &str) -> String {
    if pattern.contains('{') {
        theirs.path(pattern)
    } else {
        pattern.to_owned()
    }
}

#[tokio::test]
async fn no_body_reaches_anything_foreign() {
    let api = TestApi::start().await;
    let [theirs, mine] = World::two(&api).await;
    let nobodys = World {
        device: DeviceId::generate(),
        event: EventId::generate().to_string(),
        webhook: WebhookId::generate().to_string(),
        message: String::new(),
        batch: String::new(),
        replay: String::new(),
        key: theirs.key.clone(),
        ..theirs
    };
    let hook = format!("/v1/webhooks/{}", mine.webhook);
    let bodies = |world: &World<'_>| {
        let mut mixed = batch_of(mine.device, &["a", "b"]);
        mixed["messages"][1]["deviceId"] = json!(world.device.to_string());
        let devices = json!([world.device.to_string()]);
        [
            (
                Method::POST,
                "/v1/messages".to_owned(),
                text_to(world.device, "x"),
            ),
            (
                Method::POST,
                "/v1/messages/batch".to_owned(),
                batch_of(world.device, &["x"]),
            ),
            (Method::POST, "/v1/messages/batch".to_owned(), mixed),
            (
                Method::POST,
                "/v1/webhooks".to_owned(),
                json!({ "url": "https://example.com/", "deviceIds": devices }),
            ),
            (Method::PATCH, hook.clone(), json!({ "deviceIds": devices })),
            (
                Method::POST,
                format!("{hook}/replay"),
                json!({ "eventId": world.event }),
            ),
            (
                Method::POST,
                format!("/v1/events/{}/redeliver", mine.event),
                json!({ "webhookId": world.webhook }),
            ),
        ]
    };
    for ((method, path, foreign), (_, _, unknown)) in bodies(&theirs).into_iter().zip(bodies(&nobodys)) {
        let refused = mine.call(method.clone(), &path, &foreign).await;
        assert!(
            matches!(refused.status.as_u16(), 400 | 404),
            "{path} {}",
            refused.status
        );
        speaks_not_of(&theirs, &refused, &path);
        let unknown = mine.call(method, &path, &unknown).await;
        let text = |answer: &Answer| told(answer).1.to_string();
        let (foreign, unknown) = (text(&refused), text(&unknown));
        assert_eq!(foreign, unknown, "{path}");
    }
    // Whoever adds a field that names something adds it above.
    let document: Value = serde_json::from_str(&document()).expect("JSON");
    let mut names = BTreeSet::new();
    for item in document["paths"].as_object().expect("paths").values() {
        for operation in item.as_object().expect("operations").values() {
            fields_of(&document, &operation["requestBody"], &mut names);
        }
    }
    names.retain(|name| name.ends_with("Id") || name.ends_with("Ids"));
    assert_eq!(
        names,
        ["deviceId", "deviceIds", "eventId", "webhookId"]
            .map(str::to_owned)
            .into()
    );
}

/// The names of all fields of a schema.
fn fields_of(document: &Value, schema: &Value, names: &mut BTreeSet<String>) {
    match schema {
        Value::Object(members) => {
            if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
                let pointer = reference.strip_prefix('#').expect("of this document");
                fields_of(document, document.pointer(pointer).expect("a schema"), names);
            }
            if let Some(properties) = members.get("properties").and_then(Value::as_object) {
                names.extend(properties.keys().cloned());
            }
            for (name, member) in members {
                if !matches!(name.as_str(), "example" | "examples" | "default") {
                    fields_of(document, member, names);
                }
            }
        }
        Value::Array(members) => members
            .iter()
            .for_each(|member| fields_of(document, member, names)),
        _ => {}
    }
}

#[tokio::test]
async fn an_idempotency_key_is_the_workspaces_own() {
    let api = TestApi::start().await;
    let [theirs, mine] = World::two(&api).await;
    for (path, body) in [
        ("/v1/messages", text_to as fn(DeviceId, &str) -> Value),
        ("/v1/messages/batch", |device, text| batch_of(device, &[text])),
    ] {
        let send = async |world: &World<'_>, text: &str| {
            let call = api.call_as(&world.key, Method::POST, path);
            let call = call
                .header("Idempotency-Key", "shared")
                .json(&body(world.device, text));
            call.send().await
        };
        let first = send(&theirs, "theirs").await;
        first.expect(StatusCode::ACCEPTED);
        assert_eq!(
            send(&theirs, "theirs").await.header("idempotency-replayed"),
            "true"
        );
        send(&theirs, "other")
            .await
            .expect_error(409, "IDEMPOTENCY_CONFLICT");
        for text in ["theirs", "mine"] {
            // Even where the request is the same, word for word.
            let foreign = api.call_as(&mine.key, Method::POST, path);
            let foreign = foreign.header("Idempotency-Key", "shared");
            let foreign = foreign.json(&body(theirs.device, text)).send().await;
            foreign.expect_error(404, "NOT_FOUND");
        }
        let own = send(&mine, "mine").await;
        own.expect(StatusCode::ACCEPTED);
        assert_eq!(own.header("idempotency-replayed"), "");
        speaks_not_of(&theirs, &own, path);
    }
}

#[tokio::test]
async fn a_stream_tells_nothing_foreign() {
    let api = TestApi::start().await;
    let [theirs, mine] = World::two(&api).await;
    let foreign = api.call_as(&mine.key, Method::GET, "/v1/events/stream");
    let foreign = foreign.header("Last-Event-ID", &theirs.event).send().await;
    foreign.expect_error(410, "EVENT_GONE");
    speaks_not_of(&theirs, &foreign, "Last-Event-ID");
    let unknown = api.call_as(&mine.key, Method::GET, "/v1/events/stream");
    let unknown = unknown.header("Last-Event-ID", EventId::generate().to_string());
    assert_eq!(told(&foreign), told(&unknown.send().await));

    let all = format!("deviceId={}&from=2020-01-01T00:00:00Z", theirs.device);
    for (query, hears_mine) in [("from=2020-01-01T00:00:00Z", true), ("", true), (&all, false)] {
        let path = format!("/v1/events/stream?{query}");
        let mut stream = api.call_as(&mine.key, Method::GET, &path).open().await;
        next_piece(&mut stream).await.expect("a greeting");
        for world in [&theirs, &mine] {
            let sent = world
                .call(Method::POST, "/v1/messages", &text_to(world.device, "now"))
                .await;
            sent.expect(StatusCode::ACCEPTED);
        }
        let newest = id(
            &mine.get("/v1/events?limit=1").await.expect(StatusCode::OK)["data"][0],
            "id",
        );
        let text = if hears_mine {
            read_until(&mut stream, &newest).await
        } else {
            // Another one that was opened later, woken by the same bell, and has told everything.
            let everything = api.call_as(
                &mine.key,
                Method::GET,
                "/v1/events/stream?from=2020-01-01T00:00:00Z",
            );
            let (mut everything, mut heard) = (everything.open().await, Vec::new());
            while !String::from_utf8_lossy(&heard).contains(&newest) {
                heard.extend(next_piece(&mut everything).await.expect("more"));
            }
            let keys = mine.get("/v1/api-keys").await.expect(StatusCode::OK);
            let path = format!("/v1/api-keys/{}", id(&keys["data"][0], "id"));
            let revoked = api.call_as(&mine.key, Method::DELETE, &path).send().await;
            assert_eq!(revoked.status, StatusCode::NO_CONTENT);
            rest(&mut stream).await
        };
        for foreign in [theirs.word, &theirs.device.to_string(), &theirs.message] {
            assert!(!text.contains(foreign), "{query}: {text}");
        }
    }
}
