//! Nothing crosses a workspace: another one's objects are not found, on every route.

use postern_api::{Access, Body, ROUTES};
use postern_domain::Scope;
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::harness::{TestApi, batch_of, text_to};

#[tokio::test]
async fn another_workspaces_objects_do_not_exist() {
    let api = TestApi::start().await;
    let device = api.connected_device().await;
    let mut body = text_to(device, "mine");
    body["clientReference"] = json!("mine");
    let sent = api.post("/v1/messages", &body).await;
    api.store.index_messages().await.expect("indexed");
    let message = sent.expect(StatusCode::ACCEPTED)["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let sent = api.post("/v1/messages/batch", &batch_of(device, &["ours"])).await;
    let batch = sent.expect(StatusCode::ACCEPTED)["batchId"]
        .as_str()
        .expect("an id")
        .to_owned();
    let webhook = api.webhook().await;
    let event = api.store.events_after(0, 1).await.expect("events")[0]
        .id
        .to_string();
    let replay = api
        .post(
            &format!("/v1/webhooks/{webhook}/replay"),
            &json!({ "failed": true }),
        )
        .await;
    let replay = replay.expect(StatusCode::ACCEPTED)["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let stranger = api.another_workspace().await;
    let keys = api.get("/v1/api-keys").await.expect(StatusCode::OK);
    let key = keys["data"][0]["id"].as_str().expect("an id").to_owned();

    for route in ROUTES.iter().filter(|route| route.path.contains("{id}")) {
        let id = if route.path.starts_with("/v1/messages") {
            message.clone()
        } else if route.path.starts_with("/v1/batches") {
            batch.clone()
        } else if route.path.starts_with("/v1/api-keys") {
            key.clone()
        } else if route.path.starts_with("/v1/admin/workspaces") {
            api.workspace.to_string()
        } else if route.path.starts_with("/v1/webhooks") {
            webhook.clone()
        } else if route.path.starts_with("/v1/events") {
            event.clone()
        } else if route.path.starts_with("/v1/devices") {
            device.to_string()
        } else {
            panic!("say which id {} takes", route.path);
        };
        let path = route
            .path
            .replace("{id}", &id)
            .replace("{format}", "png")
            .replace("{replayId}", &replay);
        let method = Method::from_bytes(route.method.as_str().as_bytes()).expect("a method");
        println!("{method} {path}");
        let body = match route.method.as_str() {
            "PATCH" if route.path.starts_with("/v1/messages") => json!({ "sendAt": null }),
            "PATCH" if route.path.starts_with("/v1/webhooks") => json!({ "description": "theirs" }),
            "PATCH" => json!({ "name": "theirs" }),
            _ if route.path.ends_with("/test") => json!({ "type": "message.sent" }),
            _ if route.path.ends_with("/replay") => json!({ "failed": true }),
            _ => json!({ "phone": "+15557654321" }),
        };
        let call = |method, path: &str| {
            let call = api.call_as(&stranger, method, path);
            if route.body == Body::Json {
                call.json(&body)
            } else {
                call
            }
        };
        let answer = call(method, &path).send().await;
        if route.access == Access::Key(Scope::AdminDaemon) {
            answer.expect_error(403, "FORBIDDEN");
            continue;
        }
        let theirs = answer.expect_error(404, "NOT_FOUND");
        // Word for word what an id that nobody has is answered.
        let nobodys = format!("{}{}", &id[..id.len() - 4], "ZZZZ");
        let path = path.replace(&id, &nobodys);
        let method = Method::from_bytes(route.method.as_str().as_bytes()).expect("a method");
        let unknown = call(method, &path).send().await;
        assert_eq!(unknown.expect_error(404, "NOT_FOUND"), theirs);
    }
    for dry_run in [false, true] {
        for if_disconnected in ["reject", "queue"] {
            let mut body = text_to(device, "theirs");
            body["dryRun"] = json!(dry_run);
            body["ifDisconnected"] = json!(if_disconnected);
            let call = api.call_as(&stranger, Method::POST, "/v1/messages");
            call.json(&body).send().await.expect_error(404, "NOT_FOUND");
        }
    }
    for partial in [false, true] {
        let mut body = batch_of(device, &["theirs"]);
        body["partial"] = json!(partial);
        let call = api.call_as(&stranger, Method::POST, "/v1/messages/batch");
        let refused = call.json(&body).send().await;
        if partial {
            refused.expect_fields(&["messages[0].deviceId"]);
        } else {
            refused.expect_error(404, "NOT_FOUND");
        }
    }
    for path in [
        "/v1/messages",
        &format!("/v1/messages?batchId={batch}"),
        &format!("/v1/messages?deviceId={device}"),
        "/v1/messages?q=mine",
        "/v1/messages?clientReference=mine",
        "/v1/messages?parked=true",
        "/v1/devices",
        "/v1/events",
        "/v1/events?order=oldest",
        &format!("/v1/events?deviceId={device}"),
        "/v1/webhooks",
    ] {
        let list = api.call_as(&stranger, Method::GET, path).send().await;
        assert_eq!(
            list.expect(StatusCode::OK),
            json!({ "data": [], "nextCursor": null }),
            "{path}"
        );
    }
    let keys = api.call_as(&stranger, Method::GET, "/v1/api-keys").send().await;
    let keys = keys.expect(StatusCode::OK);
    assert_eq!(keys["data"].as_array().map(Vec::len), Some(1), "its own");
    for path in [
        format!("/v1/events?after={event}"),
        format!("/v1/events/stream?lastEventId={event}"),
    ] {
        let gone = api.call_as(&stranger, Method::GET, &path).send().await;
        let theirs = gone.expect_error(410, "EVENT_GONE");
        let nobodys = path.replace(&event, &postern_domain::EventId::generate().to_string());
        let gone = api.call_as(&stranger, Method::GET, &nobodys).send().await;
        assert_eq!(gone.expect_error(410, "EVENT_GONE"), theirs);
    }
    for path in [
        "/v1/analytics/summary",
        &format!("/v1/analytics/summary?deviceId={device}"),
    ] {
        let summary = api.call_as(&stranger, Method::GET, path).send().await;
        let summary = summary.expect(StatusCode::OK);
        assert_eq!(
            (&summary["total"], &summary["devices"]),
            (&json!(0), &json!([])),
            "{path}"
        );
        let own = api.get(path).await.expect(StatusCode::OK);
        assert_eq!(own["total"], 2, "{path}");
    }
    // And nothing was done to them.
    let shown = api
        .get(&format!("/v1/devices/{device}"))
        .await
        .expect(StatusCode::OK);
    assert_eq!(
        (&shown["intent"], &shown["state"]),
        (&json!("linked"), &json!("connected"))
    );
    let mine = api
        .get(&format!("/v1/webhooks/{webhook}"))
        .await
        .expect(StatusCode::OK);
    assert_eq!(
        (&mine["description"], &mine["previousSecretUntil"]),
        (&json!(""), &json!(null))
    );
    assert!(api.probe.delivered().is_empty());
    for (path, count) in [
        ("/v1/messages", 2),
        ("/v1/messages?q=mine", 1),
        ("/v1/messages?clientReference=mine", 1),
        // Nothing was canceled.
        ("/v1/messages?status=queued", 2),
    ] {
        let list = api.get(path).await.expect(StatusCode::OK);
        assert_eq!(list["data"].as_array().map(Vec::len), Some(count), "{path}");
    }
}

#[tokio::test]
async fn every_route_that_needs_a_key_asks_for_it() {
    let api = TestApi::start().await;
    for route in ROUTES {
        let path = route.path.replace("{id}", "dev_x").replace("{format}", "png");
        let path = path.replace("{page}", "sending.md");
        let method = Method::from_bytes(route.method.as_str().as_bytes()).expect("a method");
        let answer = api.call_without_key(method, &path).send().await;
        match route.access {
            Access::Key(_) => drop(answer.expect_error(401, "UNAUTHORIZED")),
            Access::Open if path == "/v1/register" => assert_eq!(answer.status, 415, "{path}"),
            Access::Open => assert_eq!(answer.status, 200, "{path}"),
        }
    }
}
