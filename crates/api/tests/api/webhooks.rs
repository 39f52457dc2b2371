//! Webhook endpoints: registered when they prove whose they are, changed, tried, and sent things again.

use futures_util::future::join_all;
use postern_api::ApiConfig;
use postern_domain::EventType;
use postern_domain::webhook::AttemptFailure;
use postern_runtime::SystemClock;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{Answer, TestApi, text_to, within};

impl TestApi {
    async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.call(Method::PATCH, path).json(body).send().await
    }

    async fn unverified() -> Self {
        let config = ApiConfig {
            unverified_webhooks: true,
            ..ApiConfig::default()
        };
        Self::start_with(std::sync::Arc::new(SystemClock), config).await
    }

    /// The id of an event of a message that was accepted just now.
    async fn event(&self) -> String {
        let device = self.connected_device().await;
        let sent = self.post("/v1/messages", &text_to(device, "hi")).await;
        sent.expect(StatusCode::ACCEPTED);
        let mut events = self.store.events_after(0, 1_000).await.expect("events");
        events.pop().expect("an event").id.to_string()
    }
}

#[tokio::test]
async fn an_endpoint_that_echoes_is_registered_and_its_secret_shown_once() {
    let api = TestApi::start().await;
    let device = api.unlinked_device().await.to_string();
    let mut webhooks = api.wakes.webhooks.listen();
    let body = json!({
        "url": "https://example.com/hook", "eventTypes": ["message.failed", "message.received"],
        "deviceIds": [device, device], "headers": { "Authorization": "Bearer s3cret", "X-Tenant": "7" },
        "description": " orders ", "rateCap": 600, "ordered": true,
    });
    let answer = api.post("/v1/webhooks", &body).await;
    let created = answer.expect(StatusCode::CREATED);
    webhooks.rung().await;
    let id = created["id"].as_str().expect("an id");
    assert_eq!(answer.header("location"), format!("/v1/webhooks/{id}"));
    let secret = created["secret"].as_str().expect("a secret");
    assert!(
        secret.starts_with("whsec_") && secret.len() == 50,
        "{}",
        secret.len()
    );

    let challenged = api.probe.challenged();
    assert_eq!(challenged.len(), 1);
    assert_eq!(challenged[0].url, "https://example.com/hook");
    let sent: Vec<_> = challenged[0]
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    assert_eq!(sent, [("Authorization", "Bearer s3cret"), ("X-Tenant", "7")]);

    let path = format!("/v1/webhooks/{id}");
    let read = api.get(&path).await;
    let shown = read.expect(StatusCode::OK);
    let text = String::from_utf8(read.body).expect("text");
    assert!(!text.contains("whsec_") && !text.contains("s3cret"), "{text}");
    assert_eq!(shown["headerNames"], json!(["Authorization", "X-Tenant"]));
    assert_eq!(shown["eventTypes"], json!(["message.failed", "message.received"]));
    assert_eq!(shown["deviceIds"], json!([device]));
    assert_eq!(
        (&shown["description"], &shown["rateCap"]),
        (&json!("orders"), &json!(600))
    );
    assert_eq!(
        (&shown["ordered"], &shown["enabled"], &shown["disabled"]),
        (&json!(true), &json!(true), &json!(null))
    );
    assert!(shown["verifiedAt"].is_string());
    assert_eq!(shown["health"]["parked"], 0);
    let list = api.get("/v1/webhooks").await.expect(StatusCode::OK);
    assert_eq!(list, json!({ "data": [shown], "nextCursor": null }));
}

#[tokio::test]
async fn an_endpoint_that_does_not_echo_is_refused_with_what_it_did() {
    let api = TestApi::start().await;
    let body = json!({ "url": "https://example.com/hook" });
    for (failure, status, answer, said) in [
        (
            AttemptFailure::Status,
            Some(404),
            "no\nsuch page",
            "404: no such page",
        ),
        (AttemptFailure::Challenge, Some(200), "", "did not echo"),
        (AttemptFailure::Timeout, None, "", "in time"),
        (AttemptFailure::Redirect, Some(302), "", "not followed"),
    ] {
        api.probe.fail(failure, status, answer);
        let refused = api.post("/v1/webhooks", &body).await;
        refused.expect_fields(&["url"]);
        let message = refused.expect_error(400, "VALIDATION_ERROR");
        assert!(
            message.contains(said) && message.contains("webhook.challenge"),
            "{message}"
        );
    }
    let list = api.get("/v1/webhooks").await.expect(StatusCode::OK);
    assert_eq!(list["data"], json!([]));
}

#[tokio::test]
async fn only_where_it_is_allowed_is_the_challenge_skipped() {
    let body = json!({ "url": "https://example.com/hook", "skipVerification": true });
    let api = TestApi::start().await;
    api.post("/v1/webhooks", &body)
        .await
        .expect_fields(&["skipVerification"]);

    let api = TestApi::unverified().await;
    api.probe.fail(AttemptFailure::Connect, None, "");
    let created = api.post("/v1/webhooks", &body).await.expect(StatusCode::CREATED);
    assert_eq!(created["verifiedAt"], json!(null));
    assert_eq!(created["eventTypes"], json!(["*"]));
    assert!(api.probe.challenged().is_empty());
    let path = format!("/v1/webhooks/{}", created["id"].as_str().expect("an id"));
    let moved = json!({ "url": "https://example.com/other" });
    api.patch(&path, &moved).await.expect_fields(&["url"]);
    let moved = json!({ "url": "https://example.com/other", "skipVerification": true });
    let moved = api.patch(&path, &moved).await.expect(StatusCode::OK);
    assert_eq!(moved["url"], "https://example.com/other");
}

#[tokio::test]
async fn a_bad_endpoint_names_its_fields() {
    let api = TestApi::start().await;
    let many: Vec<_> = (0..101)
        .map(|_| postern_domain::DeviceId::generate().to_string())
        .collect();
    let long = format!("https://example.com/{}", "x".repeat(2_048));
    let stranger = postern_domain::DeviceId::generate().to_string();
    for (field, value, named) in [
        ("url", json!(null), "url"),
        ("url", json!("ftp://example.com"), "url"),
        ("url", json!("https://169.254.169.254/"), "url"),
        ("url", json!(long), "url"),
        ("eventTypes", json!([]), "eventTypes"),
        ("eventTypes", json!("*"), "eventTypes"),
        (
            "eventTypes",
            json!(["message.sent", "message.flown"]),
            "eventTypes[1]",
        ),
        ("eventTypes", json!(["*", "message.sent"]), "eventTypes[0]"),
        ("deviceIds", json!([]), "deviceIds"),
        ("deviceIds", json!(many), "deviceIds"),
        ("deviceIds", json!(["msg_1"]), "deviceIds[0]"),
        ("deviceIds", json!([stranger]), "deviceIds[0]"),
        ("headers", json!([]), "headers"),
        ("headers", json!({ "X-A": 1 }), "headers.X-A"),
        ("headers", json!({ "Webhook-Id": "x" }), "headers.Webhook-Id"),
        ("headers", json!({ "Host": "x" }), "headers.Host"),
        ("headers", json!({ "X-A": "a\nb" }), "headers.X-A"),
        ("description", json!("x".repeat(201)), "description"),
        ("description", json!("a\u{0}"), "description"),
        ("rateCap", json!(0), "rateCap"),
        ("rateCap", json!(60_001), "rateCap"),
        ("rateCap", json!(-1), "rateCap"),
        ("rateCap", json!(1.5), "rateCap"),
        ("ordered", json!("yes"), "ordered"),
        ("enabled", json!(1), "enabled"),
        ("secret", json!("whsec_AAAA"), "secret"),
    ] {
        println!("{field}: {value}");
        let mut body = json!({ "url": "https://example.com/hook" });
        body[field] = value;
        api.post("/v1/webhooks", &body).await.expect_fields(&[named]);
    }
    api.post("/v1/webhooks", &json!({})).await.expect_fields(&["url"]);
    let all = json!({ "url": "x", "eventTypes": ["x"], "headers": { "TE": "x" }, "rateCap": 0 });
    let all = api.post("/v1/webhooks", &all).await;
    all.expect_fields(&["url", "eventTypes[0]", "headers.TE", "rateCap"]);
    assert!(
        api.probe.challenged().is_empty(),
        "nobody is challenged for a request that is refused"
    );
}

#[tokio::test]
async fn changes_touch_what_they_name_and_a_new_url_is_challenged() {
    let api = TestApi::start().await;
    let path = format!("/v1/webhooks/{}", api.webhook().await);
    let mut webhooks = api.wakes.webhooks.listen();
    api.probe.challenged();
    let off = api
        .patch(&path, &json!({ "enabled": false, "rateCap": 5 }))
        .await
        .expect(StatusCode::OK);
    webhooks.rung().await;
    assert_eq!(
        (&off["enabled"], &off["disabled"]["reason"]),
        (&json!(false), &json!("operator"))
    );
    let on = json!({ "enabled": true, "headers": { "X-New": "1" }, "eventTypes": ["device.unlinked"] });
    let on = api.patch(&path, &on).await.expect(StatusCode::OK);
    assert_eq!(
        (&on["enabled"], &on["disabled"], &on["rateCap"]),
        (&json!(true), &json!(null), &json!(5))
    );
    let reset =
        json!({ "rateCap": null, "deviceIds": null, "eventTypes": ["*"], "url": "https://example.com/hook" });
    let reset = api.patch(&path, &reset).await.expect(StatusCode::OK);
    assert_eq!(
        (&reset["rateCap"], &reset["eventTypes"]),
        (&json!(null), &json!(["*"]))
    );
    assert_eq!(reset["headerNames"], json!(["X-New"]));
    assert!(api.probe.challenged().is_empty(), "the URL is the same");

    let rotated = api
        .call(Method::POST, &format!("{path}/rotate-secret"))
        .send()
        .await;
    rotated.expect(StatusCode::OK);
    let moved = api
        .patch(&path, &json!({ "url": "https://example.com/new" }))
        .await
        .expect(StatusCode::OK);
    assert_eq!(moved["url"], "https://example.com/new");
    let challenged = api.probe.challenged();
    assert_eq!(
        (challenged.len(), challenged[0].url.as_str()),
        (1, "https://example.com/new")
    );
    assert_eq!(challenged[0].secrets.len(), 2, "signed like a delivery");
    assert_eq!(challenged[0].headers[0].0, "X-New");

    api.probe.fail(AttemptFailure::Dns, None, "");
    let refused = api
        .patch(
            &path,
            &json!({ "url": "https://nowhere.example", "ordered": true }),
        )
        .await;
    refused.expect_fields(&["url"]);
    let same = api.get(&path).await.expect(StatusCode::OK);
    assert_eq!((&same["url"], &same["ordered"]), (&moved["url"], &json!(false)));
    for (body, fields) in [
        (json!({ "url": "http://example.com" }), vec!["url"]),
        (
            json!({ "eventTypes": ["x"], "rateCap": 0 }),
            vec!["eventTypes[0]", "rateCap"],
        ),
        (
            json!({ "deviceIds": ["dev_01JDXW6N4A7Q2M8Z5T9V3B1C0D"] }),
            vec!["deviceIds[0]"],
        ),
        (json!({ "skipVerification": true }), vec!["skipVerification"]),
        (json!({ "colour": 1 }), vec!["colour"]),
    ] {
        api.patch(&path, &body).await.expect_fields(&fields);
    }
}

#[tokio::test]
async fn secrets_are_replaced_with_an_overlap_or_at_once() {
    let api = TestApi::start().await;
    let path = format!("/v1/webhooks/{}", api.webhook().await);
    let rotate = async |body: Value| api.post(&format!("{path}/rotate-secret"), &body).await;
    let first = rotate(json!({ "overlapHours": 1 })).await.expect(StatusCode::OK);
    let shown = api.get(&path).await.expect(StatusCode::OK);
    assert_eq!(shown["previousSecretUntil"], first["previousSecretUntil"]);
    assert!(first["previousSecretUntil"].is_string());
    let second = rotate(json!({ "overlapHours": 0 })).await.expect(StatusCode::OK);
    assert_ne!(first["secret"], second["secret"]);
    assert_eq!(second["previousSecretUntil"], json!(null));
    for hours in [json!(169), json!(-1), json!("1"), json!(0.5)] {
        rotate(json!({ "overlapHours": hours }))
            .await
            .expect_fields(&["overlapHours"]);
    }
}

#[tokio::test]
async fn an_example_of_every_type_can_be_tried_and_the_outcome_is_answered() {
    let api = TestApi::start().await;
    let path = format!("/v1/webhooks/{}/test", api.webhook().await);
    let mut ids = Vec::new();
    for kind in EventType::ALL {
        let tested = api
            .post(&path, &json!({ "type": kind.name() }))
            .await
            .expect(StatusCode::OK);
        assert_eq!(
            (&tested["status"], &tested["code"], &tested["error"]),
            (&json!("succeeded"), &json!(200), &json!(null))
        );
        let delivered = api.probe.delivered();
        assert_eq!(
            (delivered[0].1.kind, delivered[0].1.workspace),
            (kind, api.workspace)
        );
        assert_eq!(tested["eventId"], delivered[0].1.id.to_string());
        ids.push(delivered[0].1.id);
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(
        ids.len(),
        EventType::ALL.len(),
        "a consumer would fold what comes twice"
    );

    api.probe.fail(AttemptFailure::Status, Some(503), "down");
    let tested = api
        .post(&path, &json!({ "type": "message.sent" }))
        .await
        .expect(StatusCode::OK);
    assert_eq!(
        (&tested["status"], &tested["code"]),
        (&json!("failed"), &json!(503))
    );
    assert_eq!(
        (&tested["error"], &tested["response"]),
        (&json!("status"), &json!("down"))
    );
    assert_eq!(tested["durationMs"], 7);
    for (body, field) in [
        (json!({}), "type"),
        (json!({ "type": "message.flown" }), "type"),
        (json!({ "type": 7 }), "type"),
    ] {
        api.post(&path, &body).await.expect_fields(&[field]);
    }
}

#[tokio::test]
async fn a_workspace_has_eight_endpoints_waited_for_at_once_and_leaves_places_to_others() {
    let api = TestApi::start().await;
    let path = format!("/v1/webhooks/{}/test", api.webhook().await);
    let body = json!({ "type": "message.sent" });
    let closed = api.probe.gate.write().await;
    let waiting = join_all((0..8).map(|_| api.post(&path, &body)));
    let refused = async {
        within(async {
            while api.probe.deliveries() < 8 {
                tokio::task::yield_now().await;
            }
        })
        .await;
        let refused = api.post(&path, &body).await;
        refused.expect_error(503, "OVERLOADED");
        assert_eq!(refused.header("retry-after"), "1");
        let create = json!({ "url": "https://example.com/hook" });
        api.post("/v1/webhooks", &create)
            .await
            .expect_error(503, "OVERLOADED");
        let other = api.another_workspace().await;
        let call = api.call_as(&other, Method::POST, "/v1/webhooks");
        call.json(&create).send().await.expect(StatusCode::CREATED);
        drop(closed);
    };
    let (answers, ()) = tokio::join!(waiting, refused);
    for answer in answers {
        answer.expect(StatusCode::OK);
    }
    api.post(&path, &body).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn tries_are_listed_and_filters_are_checked() {
    let api = TestApi::start().await;
    let path = format!("/v1/webhooks/{}/attempts", api.webhook().await);
    let event = api.event().await;
    for query in [
        "",
        "?status=failed",
        "?status=succeeded&limit=5",
        &format!("?eventId={event}"),
    ] {
        let list = api.get(&format!("{path}{query}")).await.expect(StatusCode::OK);
        assert_eq!(list, json!({ "data": [], "nextCursor": null }), "{query}");
    }
    for (query, field) in [
        ("?status=pending", "status"),
        ("?eventId=msg_1", "eventId"),
        ("?limit=0", "limit"),
        ("?cursor=00", "cursor"),
        ("?type=x", "type"),
    ] {
        api.get(&format!("{path}{query}")).await.expect_fields(&[field]);
    }
}

#[tokio::test]
async fn events_are_asked_for_again_one_request_at_a_time() {
    let api = TestApi::start().await;
    let (event, id) = (api.event().await, api.webhook().await);
    let path = format!("/v1/webhooks/{id}/replay");
    let mut webhooks = api.wakes.webhooks.listen();
    let answer = api.post(&path, &json!({ "eventId": event })).await;
    let replay = answer.expect(StatusCode::ACCEPTED);
    webhooks.rung().await;
    assert_eq!(
        (&replay["status"], &replay["progress"], &replay["found"]),
        (&json!("running"), &json!(0), &json!(0))
    );
    assert_eq!(replay["webhookId"], id);
    let location = answer.header("location");
    assert_eq!(api.get(location).await.expect(StatusCode::OK), replay);
    let message = api
        .post(&path, &json!({ "failed": true }))
        .await
        .expect_error(409, "INVALID_STATE");
    assert!(
        message.contains(replay["id"].as_str().expect("an id")),
        "{message}"
    );
    api.get(&format!("/v1/webhooks/{id}/replays/rpl_x"))
        .await
        .expect_error(404, "NOT_FOUND");

    let other = api.webhook().await;
    let again = api
        .call(Method::POST, &format!("/v1/events/{event}/redeliver"))
        .send()
        .await;
    let again = again.expect(StatusCode::ACCEPTED);
    assert_eq!(again["replays"][0]["webhookId"], other);
    assert_eq!(
        (again["replays"].as_array().map(Vec::len), &again["busy"]),
        (Some(1), &json!([id]))
    );
    let named = api
        .post(
            &format!("/v1/events/{event}/redeliver"),
            &json!({ "webhookId": id }),
        )
        .await;
    named.expect_error(409, "INVALID_STATE");

    let third = api.webhook().await;
    let off = json!({ "enabled": false });
    api.patch(&format!("/v1/webhooks/{third}"), &off)
        .await
        .expect(StatusCode::OK);
    let message = api
        .post(
            &format!("/v1/webhooks/{third}/replay"),
            &json!({ "failed": true }),
        )
        .await
        .expect_error(409, "INVALID_STATE");
    assert!(message.contains("disabled"), "{message}");
}

#[tokio::test]
async fn what_is_to_be_sent_again_has_to_be_said_and_to_make_sense() {
    let api = TestApi::start().await;
    let (event, id) = (api.event().await, api.webhook().await);
    let path = format!("/v1/webhooks/{id}/replay");
    let (early, late) = ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z");
    for (body, field) in [
        (json!({}), "from"),
        (json!({ "failed": false }), "from"),
        (json!({ "until": late }), "from"),
        (json!({ "from": "yesterday" }), "from"),
        (json!({ "from": early, "until": 7 }), "until"),
        (json!({ "from": late, "until": early }), "until"),
        (json!({ "eventId": "x" }), "eventId"),
        (json!({ "eventId": event, "failed": true }), "eventId"),
        (json!({ "eventId": event, "from": early }), "eventId"),
        (json!({ "failed": "yes" }), "failed"),
        (json!({ "all": true }), "all"),
    ] {
        println!("{body}");
        api.post(&path, &body).await.expect_fields(&[field]);
    }
    api.post(&path, &json!({ "eventId": "evt_01JDXW6N4A7Q2M8Z5T9V3B1C0D" }))
        .await
        .expect_error(404, "NOT_FOUND");
    let inbound = json!({ "eventTypes": ["message.received"] });
    api.patch(&format!("/v1/webhooks/{id}"), &inbound)
        .await
        .expect(StatusCode::OK);
    api.post(&path, &json!({ "eventId": event }))
        .await
        .expect_error(409, "INVALID_STATE");
    let redeliver = format!("/v1/events/{event}/redeliver");
    api.post(&redeliver, &json!({ "webhookId": id }))
        .await
        .expect_error(409, "INVALID_STATE");
    api.post(&redeliver, &json!({ "webhookId": "x" }))
        .await
        .expect_fields(&["webhookId"]);
    let unknown = json!({ "webhookId": "whk_01JDXW6N4A7Q2M8Z5T9V3B1C0D" });
    api.post(&redeliver, &unknown)
        .await
        .expect_error(404, "NOT_FOUND");
    let nobody = api
        .post(&redeliver, &json!({}))
        .await
        .expect(StatusCode::ACCEPTED);
    assert_eq!(nobody, json!({ "replays": [], "busy": [] }));
    for nothing_happened in [
        json!({ "from": early, "until": late, "failed": true }),
        json!({ "from": "2999-01-01T00:00:00Z", "failed": true }),
    ] {
        let asked = api.post(&path, &nothing_happened).await;
        assert_eq!(asked.expect(StatusCode::ACCEPTED)["status"], "done");
    }
}

#[tokio::test]
async fn a_removed_endpoint_is_gone_and_fifty_are_the_most() {
    let api = TestApi::start().await;
    let mut path = String::new();
    for _ in 0..50 {
        path = format!("/v1/webhooks/{}", api.webhook().await);
    }
    let refused = api
        .post("/v1/webhooks", &json!({ "url": "https://example.com/hook" }))
        .await;
    let message = refused.expect_error(409, "INVALID_STATE");
    assert!(message.contains("50"), "{message}");
    let (first, mut seen) = (api.get("/v1/webhooks?limit=30").await.expect(StatusCode::OK), 30);
    let cursor = first["nextCursor"].as_str().expect("a cursor");
    let rest = api
        .get(&format!("/v1/webhooks?limit=30&cursor={cursor}"))
        .await
        .expect(StatusCode::OK);
    seen += rest["data"].as_array().map_or(0, Vec::len);
    assert_eq!((seen, &rest["nextCursor"]), (50, &json!(null)));

    let mut webhooks = api.wakes.webhooks.listen();
    let removed = api.call(Method::DELETE, &path).send().await;
    assert_eq!(removed.expect(StatusCode::NO_CONTENT), Value::Null);
    webhooks.rung().await;
    for call in [api.call(Method::DELETE, &path), api.call(Method::GET, &path)] {
        call.send().await.expect_error(404, "NOT_FOUND");
    }
    api.webhook().await;
}
