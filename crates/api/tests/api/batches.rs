//! Batches: what is accepted together, answered together, and replayed together.

use std::time::Duration;

use futures_util::future::join_all;
use postern_domain::session::Signal;
use postern_domain::{DeviceId, MessageId, MessageStatus, StanzaId, Timestamp};
use postern_runtime::{Clock as _, SystemClock};
use postern_store::Outcome;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{Answer, TestApi, batch_of};

const BATCH: &str = "/v1/messages/batch";

async fn send(api: &TestApi, key: &str, body: &Value) -> Answer {
    let call = api.call(Method::POST, BATCH).header("Idempotency-Key", key);
    call.json(body).send().await
}

async fn accept(api: &TestApi, body: &Value) -> Value {
    api.post(BATCH, body).await.expect(StatusCode::ACCEPTED)
}

fn text_of<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().expect("a text")
}

/// The messages of a list, newest first.
async fn listed(api: &TestApi, query: &str) -> Vec<Value> {
    let path = format!("/v1/messages?limit=200{query}");
    let list = api.get(&path).await.expect(StatusCode::OK);
    list["data"].as_array().expect("rows").clone()
}

async fn shown(api: &TestApi, batch: &Value) -> Value {
    let path = format!("/v1/batches/{}", text_of(batch, "batchId"));
    api.get(&path).await.expect(StatusCode::OK)
}

#[tokio::test]
async fn a_batch_is_answered_in_its_order_and_reads_back() {
    let api = TestApi::start().await;
    let (device, other) = (api.connected_device().await, api.connected_device().await);
    let idle = api.connected_device().await;
    let mut bells = [device, other, idle].map(|device| api.wakes.outbox.listen(device));
    let mut body = batch_of(device, &["a", "b", "c"]);
    body["messages"][1]["deviceId"] = json!(other.to_string());
    body["messages"][1]["to"] = json!("15557654321@s.whatsapp.net");
    body["messages"][1]["metadata"] = json!({ "orderId": "1234" });
    let soon = SystemClock.now().after(Duration::from_secs(3_600)).to_rfc3339();
    body["messages"][2]["sendAt"] = json!(soon);

    let batch = accept(&api, &body).await;
    let id = |index: usize| text_of(&batch["items"][index], "id").to_owned();
    assert_eq!(
        batch,
        json!({
            "batchId": text_of(&batch, "batchId"), "totalMessages": 3, "queued": 3, "failedCount": 0,
            "items": [
                { "index": 0, "id": id(0), "status": "queued", "to": "+15551230000", "scheduledFor": null },
                { "index": 1, "id": id(1), "status": "queued", "to": "+15557654321", "scheduledFor": null },
                { "index": 2, "id": id(2), "status": "scheduled", "to": "+15551230002", "scheduledFor": soon },
            ],
        })
    );
    for bell in &mut bells[..2] {
        bell.rung().await;
    }
    let unrung = tokio::time::timeout(Duration::ZERO, bells[2].rung()).await;
    assert!(unrung.is_err(), "only devices with something to send are woken");

    let rows = listed(&api, &format!("&batchId={}", text_of(&batch, "batchId"))).await;
    let ids: Vec<_> = rows.iter().map(|row| text_of(row, "id").to_owned()).collect();
    assert_eq!(ids, [id(2), id(1), id(0)], "accepted in the order of the request");
    assert!(rows.iter().all(|row| row["batchId"] == batch["batchId"]));
    assert_eq!(
        (&rows[1]["deviceId"], &rows[1]["metadata"]),
        (&json!(other.to_string()), &json!({ "orderId": "1234" }))
    );
    let narrowed = format!(
        "&batchId={}&deviceId={device}&status=queued",
        text_of(&batch, "batchId")
    );
    assert_eq!(listed(&api, &narrowed).await.len(), 1);
    let events = api.store.events_after(0, 100).await.expect("events");
    let accepted = events
        .iter()
        .filter(|event| event.kind.name() == "message.accepted");
    assert_eq!(accepted.count(), 3);
}

#[tokio::test]
async fn a_batch_counts_what_became_of_its_messages() {
    let api = TestApi::start().await;
    let device = api.connected_device().await;
    let batch = accept(&api, &batch_of(device, &["a", "b", "c", "d"])).await;
    let before = shown(&api, &batch).await;
    let none = json!({
        "scheduled": 0, "queued": 0, "processing": 0, "retrying": 0, "sent": 0, "delivered": 0, "read": 0,
        "played": 0, "failed": 0, "canceled": 0,
    });
    let counts = |changes: &[(&str, u32)]| {
        let mut counts = none.clone();
        for (status, count) in changes {
            counts[status] = json!(count);
        }
        counts
    };
    assert_eq!(
        before,
        json!({
            "batchId": batch["batchId"], "createdAt": text_of(&before, "createdAt"), "totalMessages": 4, "queued": 4,
            "failedCount": 0, "counts": counts(&[("queued", 4)]), "finished": false,
        })
    );

    let now = Timestamp::from_millis(4_000_000_000_000);
    let claimed = api.store.claim(device, 3, now, now).await.expect("claimed");
    let outcome = |stanza: &StanzaId, index| match index {
        0 => Outcome::Acked {
            stanza: stanza.clone(),
        },
        1 => Outcome::Failed {
            stanza: stanza.clone(),
            code: postern_domain::FailureCode::NotOnWhatsApp,
            text: "nobody there".to_owned(),
        },
        _ => Outcome::Retry {
            stanza: stanza.clone(),
            at: now,
            detail: "timed out".to_owned(),
        },
    };
    let outcomes = claimed
        .iter()
        .enumerate()
        .map(|(index, claimed)| outcome(&claimed.stanza, index));
    api.store
        .record(device, outcomes.collect::<Vec<_>>(), now)
        .await
        .expect("recorded");
    let after = shown(&api, &batch).await;
    let expected = counts(&[("queued", 1), ("sent", 1), ("failed", 1), ("retrying", 1)]);
    assert_eq!((&after["counts"], &after["finished"]), (&expected, &json!(false)));

    let path = format!("/v1/batches/{}/cancel", text_of(&batch, "batchId"));
    for messages in [2, 0] {
        let canceled = api.call(Method::POST, &path).send().await;
        assert_eq!(canceled.expect(StatusCode::OK), json!({ "messages": messages }));
    }
    let after = shown(&api, &batch).await;
    let expected = counts(&[("sent", 1), ("failed", 1), ("canceled", 2)]);
    assert_eq!((&after["counts"], &after["finished"]), (&expected, &json!(true)));
    assert!(MessageStatus::ALL.iter().all(|status| {
        after["counts"].get(status.name()).is_some() || *status == MessageStatus::Received
    }));
}

#[tokio::test]
async fn a_partial_batch_accepts_the_good_and_explains_the_others() {
    let api = TestApi::start().await;
    let (device, unlinked) = (api.connected_device().await, api.unlinked_device().await);
    let nobodys = DeviceId::generate();
    let mut body = batch_of(device, &["a", "", "c", "d", "e", "f"]);
    body["partial"] = json!(true);
    body["messages"][1]["colour"] = json!("red");
    body["messages"][2]["deviceId"] = json!(nobodys.to_string());
    body["messages"][3]["deviceId"] = json!(unlinked.to_string());
    body["messages"][4]["sendAt"] = json!("2020-01-01T00:00:00Z");
    let batch = accept(&api, &body).await;
    assert_eq!(
        (&batch["totalMessages"], &batch["queued"], &batch["failedCount"]),
        (&json!(6), &json!(2), &json!(4))
    );
    let items = batch["items"].as_array().expect("items");
    let codes: Vec<_> = items
        .iter()
        .map(|item| item["error"]["code"].as_str().unwrap_or("-"))
        .collect();
    let invalid = "VALIDATION_ERROR";
    assert_eq!(
        codes,
        ["-", invalid, "NOT_FOUND", "SESSION_DISCONNECTED", invalid, "-"]
    );
    for (index, item) in items.iter().enumerate() {
        assert_eq!(item["index"], index);
        assert_eq!(item["id"].is_string(), codes[index] == "-", "{item}");
    }
    assert_eq!(items[1]["error"]["details"][0]["field"], "messages[1].colour");
    assert_eq!(items[4]["error"]["details"][0]["field"], "messages[4].sendAt");
    let way_out = text_of(&items[3]["error"], "message");
    assert!(
        way_out.contains("unlinked") && way_out.contains("/pair"),
        "{way_out}"
    );
    assert!(items[2]["error"].get("details").is_none());

    let shown = shown(&api, &batch).await;
    assert_eq!(
        (
            &shown["totalMessages"],
            &shown["queued"],
            &shown["failedCount"],
            &shown["counts"]["queued"]
        ),
        (&json!(6), &json!(2), &json!(4), &json!(2))
    );
    assert_eq!(listed(&api, "").await.len(), 2);
}

#[tokio::test]
async fn what_counts_for_the_batch_counts_for_messages_that_say_nothing_else() {
    let api = TestApi::start().await;
    let (unlinked, other) = (api.unlinked_device().await, api.unlinked_device().await);
    let mut body = batch_of(unlinked, &["a", "b"]);
    body["messages"][1]["deviceId"] = json!(other.to_string());
    api.post(BATCH, &body)
        .await
        .expect_error(424, "SESSION_DISCONNECTED");
    body["ifDisconnected"] = json!("queue");
    body["messages"][1]["ifDisconnected"] = json!("reject");
    let refused = api
        .post(BATCH, &body)
        .await
        .expect_error(424, "SESSION_DISCONNECTED");
    assert!(refused.starts_with("messages[1]:"), "{refused}");
    body["messages"][1]["ifDisconnected"] = json!(null);
    assert_eq!(accept(&api, &body).await["queued"], 2);
}

#[tokio::test]
async fn a_dry_run_checks_everything_and_stores_nothing() {
    let api = TestApi::start().await;
    let (device, unlinked) = (api.connected_device().await, api.unlinked_device().await);
    let mut body = batch_of(device, &["a", "b"]);
    body["dryRun"] = json!(true);
    let valid = send(&api, "k", &body).await.expect(StatusCode::OK);
    let item = |index: usize| {
        let to = format!("+1555123000{index}");
        json!({ "index": index, "id": null, "status": "valid", "to": to, "scheduledFor": null })
    };
    assert_eq!(
        valid,
        json!({
            "batchId": null, "totalMessages": 2, "queued": 2, "failedCount": 0, "items": [item(0), item(1)],
        })
    );
    body["messages"][1]["deviceId"] = json!(unlinked.to_string());
    api.post(BATCH, &body)
        .await
        .expect_error(424, "SESSION_DISCONNECTED");
    body["partial"] = json!(true);
    let partly = api.post(BATCH, &body).await.expect(StatusCode::OK);
    assert_eq!(
        (&partly["queued"], &partly["failedCount"]),
        (&json!(1), &json!(1))
    );
    body["messages"][0]["sendAt"] = json!("2020-01-01T00:00:00Z");
    api.post(BATCH, &body)
        .await
        .expect_fields(&["messages[0].sendAt", "messages[1].deviceId"]);
    assert!(listed(&api, "").await.is_empty());

    // And the key was not used up.
    let accepted = send(&api, "k", &batch_of(device, &["c"])).await;
    accepted.expect(StatusCode::ACCEPTED);
}

#[tokio::test]
async fn a_replay_is_the_first_answer_byte_for_byte() {
    let api = TestApi::start().await;
    let device = api.connected_device().await;
    let mut body = batch_of(device, &["a", "", "c"]);
    body["partial"] = json!(true);
    let first = send(&api, "k", &body).await;
    first.expect(StatusCode::ACCEPTED);
    assert_eq!(first.header("idempotency-replayed"), "");

    // The same meaning in another spelling, down to the message that is refused.
    let spelled_otherwise = format!(
        r#"{{ "partial": true, "dryRun": false, "messages": [
            {{"text":{{"body":"a"}}, "type":"text", "to":"15551230000", "deviceId":"{device}"}},
            {{"text":{{"body":""}}, "type":"text", "to":"+15551230001"}},
            {{"type":"text", "to":"+15551230002", "text":{{"body":"c"}}, "ifDisconnected":"reject"}}
        ], "deviceId":"{device}" }}"#
    );
    let call = api.call(Method::POST, BATCH).header("Idempotency-Key", "k");
    let again = call.body("application/json", spelled_otherwise).send().await;
    assert_eq!((again.status, &again.body), (first.status, &first.body));
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(again.header("content-type"), first.header("content-type"));

    let change = |change: &dyn Fn(&mut Value)| {
        let mut changed = body.clone();
        change(&mut changed);
        changed
    };
    let swap = |body: &mut Value| body["messages"].as_array_mut().expect("a list").swap(0, 2);
    let cut = |body: &mut Value| drop(body["messages"].as_array_mut().expect("a list").pop());
    for changed in [
        change(&swap),
        change(&cut),
        change(&|body| body["messages"][1]["to"] = json!("+15551239999")),
        change(&|body| body["messages"][1]["text"]["body"] = json!("b")),
        change(&|body| body["messages"][2]["metadata"] = json!({})),
        change(&|body| body["ifDisconnected"] = json!("queue")),
    ] {
        send(&api, "k", &changed)
            .await
            .expect_error(409, "IDEMPOTENCY_CONFLICT");
    }
    assert_eq!(listed(&api, "").await.len(), 2);

    // A message that is sent alone has keys of its own.
    let mut alone = body["messages"][0].clone();
    alone["deviceId"] = json!(device.to_string());
    let call = api
        .call(Method::POST, "/v1/messages")
        .header("Idempotency-Key", "k");
    call.json(&alone).send().await.expect(StatusCode::ACCEPTED);
}

#[tokio::test]
async fn a_replay_survives_the_device_and_the_time_it_was_scheduled_for() {
    let noon = Timestamp::from_millis(1_796_126_400_000);
    let (api, clock) = TestApi::start_at(noon).await;
    let device = api.connected_device().await;
    for partial in [false, true] {
        let mut body = batch_of(device, &["a", "b"]);
        body["partial"] = json!(partial);
        for index in 0..2 {
            let at = noon.after(Duration::from_secs(60)).to_rfc3339();
            body["messages"][index]["sendAt"] = json!(at);
        }
        let key = format!("later-{partial}");
        clock.set(noon);
        let first = send(&api, &key, &body).await;
        first.expect(StatusCode::ACCEPTED);
        clock.set(noon.after(Duration::from_secs(3_600)));
        assert_eq!(send(&api, &key, &body).await.body, first.body);
        send(&api, "unused", &body)
            .await
            .expect_fields(&["messages[0].sendAt", "messages[1].sendAt"]);
        if partial {
            api.signal(device, Signal::LoggedOut { messages_left: false })
                .await;
            let path = format!("/v1/devices/{device}");
            api.call(Method::DELETE, &path)
                .send()
                .await
                .expect(StatusCode::NO_CONTENT);
            assert_eq!(send(&api, &key, &body).await.body, first.body);
        }
    }
}

#[tokio::test]
async fn twenty_at_once_are_one_batch_and_twenty_equal_answers() {
    let api = TestApi::start().await;
    let device = api.connected_device().await;
    let body = batch_of(device, &["a", "b", "c"]);
    let answers = join_all((0..20).map(|_| send(&api, "burst", &body))).await;
    let first_ones = answers
        .iter()
        .filter(|answer| answer.header("idempotency-replayed").is_empty());
    assert_eq!(first_ones.count(), 1);
    for answer in &answers {
        answer.expect(StatusCode::ACCEPTED);
        assert_eq!(answer.body, answers[0].body);
    }
    assert_eq!(listed(&api, "").await.len(), 3);
}

#[tokio::test]
async fn the_pages_of_a_batch_have_every_message_once() {
    let api = TestApi::start().await;
    let device = api.connected_device().await;
    let texts: Vec<_> = (0..450).map(|_| "a").collect();
    let batch = accept(&api, &batch_of(device, &texts)).await;
    accept(&api, &batch_of(device, &texts[..50])).await;
    let path = format!("/v1/messages?limit=200&batchId={}", text_of(&batch, "batchId"));
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = api.get(&format!("{path}{cursor}")).await.expect(StatusCode::OK);
        let rows = page["data"].as_array().expect("rows");
        seen.extend(rows.iter().map(|row| text_of(row, "id").to_owned()));
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    seen.reverse();
    let items = batch["items"].as_array().expect("items");
    let accepted: Vec<_> = items.iter().map(|item| text_of(item, "id").to_owned()).collect();
    assert_eq!(seen, accepted);
    assert!(accepted.iter().all(|id| id.parse::<MessageId>().is_ok()));
}
