//! Everything a caller can get wrong about a batch, each with its status, its code, and the path of the field.

use std::sync::Arc;

use postern_api::ApiConfig;
use postern_domain::{BatchId, DeviceId};
use postern_runtime::SystemClock;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{TestApi, batch_of};

const BATCH: &str = "/v1/messages/batch";

#[tokio::test]
async fn a_bad_batch_names_its_field() {
    let api = TestApi::start().await;
    let device = api.connected_device().await;
    let good = batch_of(device, &["a", "b", "c"]);
    let cases: &[(&str, Value, &[&str])] = &[
        ("/messages", json!([]), &["messages"]),
        ("/messages", json!(null), &["messages"]),
        ("/messages", json!({ "0": {} }), &["messages"]),
        ("/messages", json!("three"), &["messages"]),
        ("/deviceId", json!("dev_short"), &["deviceId"]),
        ("/deviceId", json!(7), &["deviceId"]),
        ("/partial", json!("yes"), &["partial"]),
        ("/dryRun", json!(1), &["dryRun"]),
        ("/ifDisconnected", json!("wait"), &["ifDisconnected"]),
        ("/to", json!("+15551234567"), &["to"]),
        // A message that is none.
        ("/messages/1", json!(null), &["messages[1]"]),
        ("/messages/1", json!(7), &["messages[1]"]),
        ("/messages/1", json!(["+15551234567"]), &["messages[1]"]),
        ("/messages/1", json!({}), &["messages[1].to"]),
        // Fields of a message.
        ("/messages/1/to", json!("hello"), &["messages[1].to"]),
        ("/messages/1/to", json!(null), &["messages[1].to"]),
        ("/messages/1/type", json!("fax"), &["messages[1].type"]),
        ("/messages/1/text", json!(null), &["messages[1].text"]),
        ("/messages/1/text", json!(["b"]), &["messages[1].text"]),
        ("/messages/1/text/body", json!(""), &["messages[1].text.body"]),
        ("/messages/1/text/font", json!("bold"), &["messages[1].text.font"]),
        ("/messages/1/deviceId", json!("msg_x"), &["messages[1].deviceId"]),
        ("/messages/1/metadata", json!([1]), &["messages[1].metadata"]),
        (
            "/messages/1/metadata",
            json!({ "x": "x".repeat(4_096) }),
            &["messages[1].metadata"],
        ),
        ("/messages/1/sendAt", json!("soon"), &["messages[1].sendAt"]),
        (
            "/messages/1/sendAt",
            json!("2020-01-01T00:00:00Z"),
            &["messages[1].sendAt"],
        ),
        (
            "/messages/1/ifDisconnected",
            json!("wait"),
            &["messages[1].ifDisconnected"],
        ),
        ("/messages/1/dryRun", json!(true), &["messages[1].dryRun"]),
        ("/messages/1/colour", json!("red"), &["messages[1].colour"]),
    ];
    for (pointer, value, fields) in cases {
        println!("{pointer} = {value}");
        let mut body = good.clone();
        let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
        let parent = body.pointer_mut(parent).expect("a parent");
        match parent {
            Value::Array(list) => list[name.parse::<usize>().expect("an index")] = value.clone(),
            object => object[name] = value.clone(),
        }
        api.post(BATCH, &body).await.expect_fields(fields);
    }
    let mut body = good.clone();
    body.as_object_mut().expect("an object").remove("deviceId");
    body["messages"][1]["deviceId"] = json!(device.to_string());
    api.post(BATCH, &body)
        .await
        .expect_fields(&["messages[0].deviceId", "messages[2].deviceId"]);
    body.as_object_mut().expect("an object").remove("messages");
    api.post(BATCH, &body).await.expect_fields(&["messages"]);
    nothing_is_stored(&api).await;
    api.post(BATCH, &good).await.expect(StatusCode::ACCEPTED);
}

async fn nothing_is_stored(api: &TestApi) {
    let list = api.get("/v1/messages").await.expect(StatusCode::OK);
    assert_eq!(list["data"], json!([]));
}

#[tokio::test]
async fn every_bad_field_of_every_message_is_named_in_order() {
    let api = TestApi::start().await;
    let device = api.connected_device().await;
    let mut body = batch_of(device, &["a", "", "c", " "]);
    body["messages"][0]["sendAt"] = json!("2020-01-01T00:00:00Z");
    body["messages"][1]["to"] = json!("x");
    body["messages"][3]["metadata"] = json!(7);
    // What depends on the time is looked at once the rest is right.
    api.post(BATCH, &body).await.expect_fields(&[
        "messages[1].to",
        "messages[1].text.body",
        "messages[3].metadata",
    ]);
    nothing_is_stored(&api).await;
}

#[tokio::test]
async fn no_error_names_more_than_a_hundred_fields() {
    let api = TestApi::start().await;
    let device = api.connected_device().await;
    for partial in [false, true] {
        for (bad, more) in [(100, Value::Null), (101, json!(1)), (450, json!(350))] {
            let mut body = batch_of(device, &vec![""; bad]);
            body["partial"] = json!(partial);
            let answer = api.post(BATCH, &body).await;
            let message = answer.expect_error(400, "VALIDATION_ERROR");
            assert!(message.contains(&format!("{bad} fields")), "{message}");
            let error = answer.expect(StatusCode::BAD_REQUEST)["error"].take();
            assert_eq!(error["details"].as_array().map(Vec::len), Some(100));
            assert_eq!(error["details"][99]["field"], "messages[99].text.body");
            assert_eq!(error["moreDetails"], more);
        }
    }
}

#[tokio::test]
async fn a_device_refuses_for_the_whole_batch() {
    let api = TestApi::start().await;
    let (device, unlinked) = (api.connected_device().await, api.unlinked_device().await);
    let nobodys = DeviceId::generate();
    let mut body = batch_of(device, &["a", "b", "c", "d"]);
    body["messages"][1]["deviceId"] = json!(unlinked.to_string());
    let message = api
        .post(BATCH, &body)
        .await
        .expect_error(424, "SESSION_DISCONNECTED");
    assert!(
        message.starts_with("messages[1]: the device is unlinked (new)"),
        "{message}"
    );
    body["messages"][2]["deviceId"] = json!(nobodys.to_string());
    let message = api
        .post(BATCH, &body)
        .await
        .expect_error(424, "SESSION_DISCONNECTED");
    assert!(
        message.starts_with("messages[1] (and 1 more message):"),
        "{message}"
    );
    body["messages"][0]["deviceId"] = json!(nobodys.to_string());
    let message = api.post(BATCH, &body).await.expect_error(404, "NOT_FOUND");
    assert!(
        message.starts_with("messages[0] (and 2 more messages):"),
        "{message}"
    );
    // What the caller can see for itself comes first.
    body["messages"][3]["sendAt"] = json!("2020-01-01T00:00:00Z");
    api.post(BATCH, &body)
        .await
        .expect_fields(&["messages[3].sendAt"]);
    nothing_is_stored(&api).await;
}

#[tokio::test]
async fn a_partial_batch_without_a_good_message_is_refused_with_all_the_reasons() {
    let api = TestApi::start().await;
    let unlinked = api.unlinked_device().await;
    let mut body = batch_of(unlinked, &["a", "", "c", "d"]);
    body["partial"] = json!(true);
    body["messages"][2]["deviceId"] = json!(DeviceId::generate().to_string());
    body["messages"][3]["sendAt"] = json!("2020-01-01T00:00:00Z");
    api.post(BATCH, &body).await.expect_fields(&[
        "messages[0].deviceId",
        "messages[1].text.body",
        "messages[2].deviceId",
        "messages[3].sendAt",
    ]);
    nothing_is_stored(&api).await;
}

#[tokio::test]
async fn a_batch_has_limits_of_its_own() {
    let config = ApiConfig {
        batch_max: 3,
        batch_body_limit: 300 * 1024,
        ..ApiConfig::default()
    };
    let api = TestApi::start_with(Arc::new(SystemClock), config).await;
    let device = api.connected_device().await;
    let answer = api.post(BATCH, &batch_of(device, &["a"; 4])).await;
    answer.expect_fields(&["messages"]);
    let said = answer.expect_error(400, "VALIDATION_ERROR");
    assert!(said.contains("has 4 messages; 3 are the most"), "{said}");
    // Far beyond any limit, and counted all the same.
    let many = format!(r#"{{"messages":[{}0]}}"#, "0,".repeat(100_000));
    let call = api.call(Method::POST, BATCH).body("application/json", many);
    let said = call.send().await.expect_error(400, "VALIDATION_ERROR");
    assert!(said.contains("has 100001 messages"), "{said}");

    let body = batch_of(device, &["a"; 3]).to_string();
    for (length, status) in [(300 * 1024, 202), (300 * 1024 + 1, 413)] {
        let padded = body.clone() + &" ".repeat(length - body.len());
        let call = api.call(Method::POST, BATCH).body("application/json", padded);
        assert_eq!(call.send().await.status, status, "{length}");
    }
    let call = api.call(Method::POST, BATCH).body("text/plain", body);
    call.send().await.expect_error(415, "UNSUPPORTED_MEDIA_TYPE");
}

#[tokio::test]
async fn what_is_not_json_is_refused_whole_or_by_message() {
    let api = TestApi::start().await;
    let device = api.connected_device().await;
    for (body, said) in [
        ("", "empty"),
        ("[]", "object"),
        (r#"{"messages":[{"#, "malformed JSON"),
        (r#"{"messages":[{"to":}]}"#, "malformed JSON"),
        (r#"{"messages":[{"to":"\ud800"}]}"#, "messages[0]"),
        (r#"{"messages":[{"metadata":{"x":1e999}}]}"#, "messages[0]"),
    ] {
        let call = api.call(Method::POST, BATCH).body("application/json", body);
        let message = call.send().await.expect_error(400, "VALIDATION_ERROR");
        assert!(message.contains(said), "{body} → {message}");
    }
    let deep = format!(r#"{{"x":{}1{}}}"#, "[".repeat(2_000), "]".repeat(2_000));
    let message = |metadata: &str| {
        format!(r#"{{"to":"+15551234567","type":"text","text":{{"body":"a"}},"metadata":{metadata}}}"#)
    };
    let (good, bad) = (message("{}"), message(&deep));
    let body = format!(r#"{{"deviceId":"{device}","partial":true,"messages":[{good},{bad}]}}"#);
    let send = || {
        let call = api.call(Method::POST, BATCH).header("Idempotency-Key", "deep");
        call.body("application/json", body.clone()).send()
    };
    let first = send().await;
    let error = first.expect(StatusCode::ACCEPTED)["items"][1]["error"].take();
    assert!(
        error["message"]
            .as_str()
            .is_some_and(|text| text.contains("recursion limit")),
        "{error}"
    );
    assert_eq!(send().await.body, first.body);
}

#[tokio::test]
async fn a_batch_that_is_none_is_not_found() {
    let api = TestApi::start().await;
    for id in [
        BatchId::generate().to_string(),
        DeviceId::generate().to_string(),
        "x".to_owned(),
    ] {
        for (method, path) in [
            (Method::GET, format!("/v1/batches/{id}")),
            (Method::POST, format!("/v1/batches/{id}/cancel")),
        ] {
            api.call(method, &path)
                .send()
                .await
                .expect_error(404, "NOT_FOUND");
        }
    }
    api.get("/v1/messages?batchId=x")
        .await
        .expect_fields(&["batchId"]);
    let unknown = format!("/v1/messages?batchId={}", BatchId::generate());
    assert_eq!(api.get(&unknown).await.expect(StatusCode::OK)["data"], json!([]));
    let wrong = api.get(BATCH).await;
    wrong.expect_error(405, "METHOD_NOT_ALLOWED");
    assert_eq!(wrong.header("allow"), "POST");
}
