//! Sending: what is answered, what is stored, and what the device's state has to say.

use std::time::Duration;

use postern_domain::session::Signal;
use postern_domain::{DeviceId, FailureCode, Timestamp};
use postern_runtime::{Clock as _, SystemClock};
use postern_store::Outcome;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{TestApi, text_to};

fn without_times_and_ids(mut message: Value) -> Value {
    let object = message.as_object_mut().expect("an object");
    for field in ["id", "deviceId", "stanzaId", "createdAt", "updatedAt"] {
        assert!(object[field].is_string(), "{field}");
        object.insert(field.to_owned(), json!("…"));
    }
    for step in object
        .get_mut("timeline")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        step["at"] = json!("…");
    }
    message
}

#[tokio::test]
async fn an_accepted_message_reads_back_with_its_timeline() {
    let api = TestApi::start().await;
    let device = api.connected_device().await;
    let mut outbox = api.wakes.outbox.listen(device);
    let mut request = text_to(device, "hello");
    request["to"] = json!("15551234567@s.whatsapp.net");
    request["clientReference"] = json!("order 1234/2");
    request["metadata"] = json!({ "orderId": "1234", "nested": { "z": 1, "a": [true, null] } });

    let accepted = api
        .post("/v1/messages", &request)
        .await
        .expect(StatusCode::ACCEPTED);
    outbox.rung().await;
    let id = accepted["id"].as_str().expect("an id");
    assert_eq!(
        accepted,
        json!({
            "id": id, "status": "queued", "deviceId": device.to_string(), "to": "+15551234567", "scheduledFor": null,
        })
    );

    let message = api
        .get(&format!("/v1/messages/{id}"))
        .await
        .expect(StatusCode::OK);
    assert_eq!(message["id"], id);
    assert_eq!(
        without_times_and_ids(message),
        json!({
            "id": "…", "deviceId": "…", "batchId": null, "direction": "outbound", "status": "queued", "type": "text",
            "text": { "body": "hello" }, "unsupported": null, "chat": "+15551234567", "to": "+15551234567",
            "from": null, "fromLid": null, "pushName": null, "stanzaId": "…",
            "clientReference": "order 1234/2",
            "metadata": { "orderId": "1234", "nested": { "z": 1, "a": [true, null] } },
            "scheduledFor": null, "reason": null, "expectedAt": null, "parked": null, "error": null, "attempts": 0, "createdAt": "…", "updatedAt": "…",
            "timeline": [{ "status": "queued", "at": "…" }],
        })
    );
}

#[tokio::test]
async fn every_form_of_a_recipient_is_answered_in_one() {
    let api = TestApi::start().await;
    let device = api.connected_device().await;
    for (written, answered) in [
        ("15551234567", "+15551234567"),
        ("15551234567@c.us", "+15551234567"),
        ("100000012345678@lid", "100000012345678@lid"),
        ("120363021033254949@g.us", "120363021033254949@g.us"),
    ] {
        let mut request = text_to(device, "hello");
        request["to"] = json!(written);
        let accepted = api
            .post("/v1/messages", &request)
            .await
            .expect(StatusCode::ACCEPTED);
        assert_eq!(accepted["to"], answered, "{written}");
    }
}

#[tokio::test]
async fn the_longest_text_is_counted_in_characters() {
    let api = TestApi::start().await;
    let device = api.connected_device().await;
    let longest = "é".repeat(4_096);
    let answer = api.post("/v1/messages", &text_to(device, &longest)).await;
    answer.expect(StatusCode::ACCEPTED);
    let longer = format!("{longest}é");
    api.post("/v1/messages", &text_to(device, &longer))
        .await
        .expect_fields(&["text.body"]);
}

#[tokio::test]
async fn a_scheduled_message_says_when() {
    let noon = Timestamp::from_millis(1_796_126_400_000);
    let (api, _clock) = TestApi::start_at(noon).await;
    let device = api.connected_device().await;
    let mut request = text_to(device, "later");
    request["sendAt"] = json!(
        noon.after(Duration::from_secs(60))
            .to_rfc3339()
            .replace('Z', "+00:00")
    );
    let accepted = api
        .post("/v1/messages", &request)
        .await
        .expect(StatusCode::ACCEPTED);
    assert_eq!(accepted["status"], "scheduled");
    let later = noon.after(Duration::from_secs(60)).to_rfc3339();
    assert_eq!(accepted["scheduledFor"], later);

    for bad in [
        noon.to_rfc3339(),
        Timestamp::from_millis(0).to_rfc3339(),
        noon.after(Duration::from_secs(367 * 86_400)).to_rfc3339(),
        "2027-01-01T09:00:00".to_owned(),
        "tomorrow".to_owned(),
        String::new(),
    ] {
        request["sendAt"] = json!(bad);
        api.post("/v1/messages", &request)
            .await
            .expect_fields(&["sendAt"]);
    }
}

#[tokio::test]
async fn a_dry_run_checks_everything_and_stores_nothing() {
    let api = TestApi::start().await;
    let device = api.connected_device().await;
    let mut request = text_to(device, "hello");
    request["dryRun"] = json!(true);
    let call = api
        .call(Method::POST, "/v1/messages")
        .header("Idempotency-Key", "dry");
    let answer = call.json(&request).send().await.expect(StatusCode::OK);
    assert_eq!(
        (&answer["id"], &answer["status"]),
        (&Value::Null, &json!("valid"))
    );
    let list = api.get("/v1/messages").await.expect(StatusCode::OK);
    assert_eq!(list["data"], json!([]));

    // Its key is still free, for another body too.
    let call = api
        .call(Method::POST, "/v1/messages")
        .header("Idempotency-Key", "dry");
    let answer = call.json(&text_to(device, "other")).send().await;
    answer.expect(StatusCode::ACCEPTED);

    request["deviceId"] = json!(DeviceId::generate().to_string());
    api.post("/v1/messages", &request)
        .await
        .expect_error(404, "NOT_FOUND");
    request["deviceId"] = json!(api.unlinked_device().await.to_string());
    api.post("/v1/messages", &request)
        .await
        .expect_error(424, "SESSION_DISCONNECTED");
}

#[tokio::test]
async fn a_device_that_cannot_send_says_what_to_do_or_queues() {
    let api = TestApi::start().await;
    let unlinked = api.unlinked_device().await;
    let message = api
        .post("/v1/messages", &text_to(unlinked, "hello"))
        .await
        .expect_error(424, "SESSION_DISCONNECTED");
    assert!(message.contains("unlinked (new)"), "{message}");
    assert!(
        message.contains(&format!("POST /v1/devices/{unlinked}/pair")),
        "{message}"
    );

    let paused = api.connected_device().await;
    api.signal(paused, Signal::Paused).await;
    let message = api
        .post("/v1/messages", &text_to(paused, "hello"))
        .await
        .expect_error(424, "SESSION_DISCONNECTED");
    assert!(
        message.contains(&format!("POST /v1/devices/{paused}/resume")),
        "{message}"
    );

    let mut request = text_to(unlinked, "hello");
    request["ifDisconnected"] = json!("queue");
    let answer = api.post("/v1/messages", &request).await;
    assert_eq!(answer.expect(StatusCode::ACCEPTED)["status"], "queued");

    let degraded = api.connected_device().await;
    api.signal(degraded, Signal::ConnectionLost).await;
    let answer = api.post("/v1/messages", &text_to(degraded, "hello")).await;
    answer.expect(StatusCode::ACCEPTED);
}

#[tokio::test]
async fn a_scheduled_message_is_moved_and_a_failed_one_retried() {
    let api = TestApi::start().await;
    let device = api.connected_device().await;
    let mut request = text_to(device, "later");
    request["sendAt"] = json!(SystemClock.now().after(Duration::from_secs(3600)).to_rfc3339());
    let sent = api
        .post("/v1/messages", &request)
        .await
        .expect(StatusCode::ACCEPTED);
    let path = format!("/v1/messages/{}", sent["id"].as_str().expect("an id"));
    let patch = async |body: Value| api.call(Method::PATCH, &path).json(&body).send().await;
    patch(json!({})).await.expect_fields(&["sendAt"]);
    patch(json!({ "sendAt": "tomorrow" }))
        .await
        .expect_fields(&["sendAt"]);
    patch(json!({ "sendAt": "2020-01-01T00:00:00Z" }))
        .await
        .expect_fields(&["sendAt"]);
    let later = SystemClock.now().after(Duration::from_secs(7200)).to_rfc3339();
    let moved = patch(json!({ "sendAt": later })).await.expect(StatusCode::OK);
    assert_eq!(
        (&moved["status"], &moved["scheduledFor"]),
        (&json!("scheduled"), &json!(later))
    );
    let retry = format!("{path}/retry");
    api.post(&retry, &json!({}))
        .await
        .expect_error(409, "INVALID_STATE");
    let now = patch(json!({ "sendAt": null })).await.expect(StatusCode::OK);
    assert_eq!(
        (&now["status"], &now["scheduledFor"]),
        (&json!("queued"), &json!(null))
    );
    patch(json!({ "sendAt": later }))
        .await
        .expect_error(409, "INVALID_STATE");

    let stanza = now["stanzaId"].as_str().expect("an id").to_owned();
    let failed = Outcome::Failed {
        stanza: stanza.clone().into(),
        code: FailureCode::NotOnWhatsApp,
        text: "nobody there".to_owned(),
    };
    let recorded = api.store.record(device, vec![failed], SystemClock.now()).await;
    recorded.expect("recorded");
    let retried = api.post(&retry, &json!({})).await.expect(StatusCode::OK);
    assert_eq!(
        (&retried["status"], &retried["error"]),
        (&json!("queued"), &json!(null))
    );
    assert_eq!(retried["stanzaId"], stanza);
    let claimed = api
        .store
        .claim(device, 9, SystemClock.now(), SystemClock.now())
        .await;
    assert_eq!(claimed.expect("a claim").len(), 1);
}
