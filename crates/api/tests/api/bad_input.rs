//! Everything a caller can get wrong, each with its documented status, its code, and the field named.

use postern_domain::{DeviceId, MessageId};
use reqwest::Method;
use serde_json::json;

use crate::harness::{TestApi, text_to};

/// A good body with `DEVICE` for the device; each case changes one thing.
const GOOD: &str = r#"{"deviceId":"DEVICE","to":"+15551234567","type":"text","text":{"body":"hi"}}"#;

#[tokio::test]
async fn a_bad_message_names_its_field() {
    let api = TestApi::start().await;
    let device = api.connected_device().await.to_string();
    let long = format!(r#""body":"{}""#, "x".repeat(4_097));
    let heavy = format!(r#""type":"text","metadata":{{"x":"{}"}}"#, "x".repeat(4_096));
    let wordy = format!(r#""type":"text","clientReference":"{}""#, "x".repeat(256));
    let cases: &[(&str, &str, &[&str])] = &[
        // Missing, unknown, twice.
        (r#""deviceId":"DEVICE","#, "", &["deviceId"]),
        (r#""to":"+15551234567","#, "", &["to"]),
        (r#""type":"text","#, "", &["type"]),
        (r#","text":{"body":"hi"}"#, "", &["text"]),
        (r#""body":"hi""#, "", &["text.body"]),
        (r#""type":"text""#, r#""type":"text","colour":1"#, &["colour"]),
        (r#""body":"hi""#, r#""body":"hi","font":"bold""#, &["text.font"]),
        (
            r#""type":"text""#,
            r#""type":"text","image":{"link":"x"}"#,
            &["image"],
        ),
        (r#""type":"text""#, r#""type":"text","type":"text""#, &["type"]),
        (r#""body":"hi""#, r#""body":"hi","body":"ho""#, &["text.body"]),
        // Wrong types.
        (r#""DEVICE""#, "7", &["deviceId"]),
        (r#""+15551234567""#, "15551234567", &["to"]),
        (r#""+15551234567""#, "null", &["to"]),
        (r#""type":"text""#, r#""type":"fax""#, &["type"]),
        (r#""type":"text""#, r#""type":["text"]"#, &["type"]),
        (r#""type":"text""#, r#""type":{"text":null}"#, &["type"]),
        (r#"{"body":"hi"}"#, r#""hi""#, &["text"]),
        (r#"{"body":"hi"}"#, r#"["hi"]"#, &["text"]),
        (r#""body":"hi""#, r#""body":{"x":1}"#, &["text.body"]),
        (
            r#""type":"text""#,
            r#""type":"text","metadata":[1]"#,
            &["metadata"],
        ),
        (
            r#""type":"text""#,
            r#""type":"text","metadata":"x""#,
            &["metadata"],
        ),
        (r#""type":"text""#, r#""type":"text","dryRun":"yes""#, &["dryRun"]),
        (
            r#""type":"text""#,
            r#""type":"text","clientReference":7"#,
            &["clientReference"],
        ),
        (
            r#""type":"text""#,
            r#""type":"text","sendAt":1796126400"#,
            &["sendAt"],
        ),
        (
            r#""type":"text""#,
            r#""type":"text","ifDisconnected":"wait""#,
            &["ifDisconnected"],
        ),
        // Values that are not acceptable.
        ("DEVICE", "dev_short", &["deviceId"]),
        ("DEVICE", "msg_01JDXW7C9H3E5R2T8Y6V4J0P1A", &["deviceId"]),
        ("+15551234567", "", &["to"]),
        ("+15551234567", "hello", &["to"]),
        ("+15551234567", "+1 555 123 4567", &["to"]),
        ("+15551234567", "+155512345", &["to"]),
        ("+15551234567", "+21012345678", &["to"]),
        ("+15551234567", "+1234567890123456", &["to"]),
        ("+15551234567", "me@example.com", &["to"]),
        (r#""body":"hi""#, r#""body":"""#, &["text.body"]),
        (r#""body":"hi""#, r#""body":" \n\t ""#, &["text.body"]),
        (r#""body":"hi""#, &long, &["text.body"]),
        (
            r#""type":"text""#,
            r#""type":"text","sendAt":"2020-01-01T00:00:00Z""#,
            &["sendAt"],
        ),
        (
            r#""type":"text""#,
            r#""type":"text","sendAt":"2999-01-01T00:00:00Z""#,
            &["sendAt"],
        ),
        (
            r#""type":"text""#,
            r#""type":"text","sendAt":"soon""#,
            &["sendAt"],
        ),
        (r#""type":"text""#, &heavy, &["metadata"]),
        (
            r#""type":"text""#,
            r#""type":"text","clientReference":"""#,
            &["clientReference"],
        ),
        (
            r#""type":"text""#,
            r#""type":"text","clientReference":"naïve""#,
            &["clientReference"],
        ),
        (
            r#""type":"text""#,
            r#""type":"text","clientReference":"a\nb""#,
            &["clientReference"],
        ),
        (r#""type":"text""#, &wordy, &["clientReference"]),
        // More than one at once.
        (
            r#""to":"+15551234567","type":"text","text":{"body":"hi"}"#,
            r#""to":"x","type":"text","text":{"body":""},"sendAt":"x""#,
            &["to", "text.body", "sendAt"],
        ),
    ];
    for (good, bad, fields) in cases {
        let body = GOOD
            .replacen(good, bad, 1)
            .replace("DEVICE", &device)
            .replace(",}", "}");
        let call = api.call(Method::POST, "/v1/messages");
        let answer = call.body("application/json", body).send().await;
        println!("{good} → {bad}");
        answer.expect_fields(fields);
    }
    let untouched = GOOD.replace("DEVICE", &device);
    let call = api
        .call(Method::POST, "/v1/messages")
        .body("application/json", untouched);
    assert_eq!(call.send().await.status, 202);
}

#[tokio::test]
async fn what_is_not_json_says_where_it_breaks() {
    let api = TestApi::start().await;
    let deep = "[".repeat(100_000);
    let cases: &[(&[u8], &str)] = &[
        (b"", "empty"),
        (b"{", "line 1 column 1"),
        (b"{\n  \"to\": +1}", "line 2 column"),
        (b"{} {}", "required"),
        (b"[]", "object"),
        (b"null", "object"),
        (b"\"text\"", "object"),
        (b"{\"to\":\"\\ud800\"}", "malformed JSON"),
        (b"{\"to\":\"\xff\"}", "malformed JSON"),
        (b"\xef\xbb\xbf{}", "malformed JSON"),
        (deep.as_bytes(), "object"),
    ];
    for (body, said) in cases {
        let call = api
            .call(Method::POST, "/v1/messages")
            .body("application/json", *body);
        let message = call.send().await.expect_error(400, "VALIDATION_ERROR");
        assert!(
            message.contains(said),
            "{} → {message}",
            String::from_utf8_lossy(&body[..body.len().min(40)])
        );
    }
    let nested = format!(r#"{{"metadata":{{"x":{}"#, "[".repeat(100_000));
    let call = api
        .call(Method::POST, "/v1/messages")
        .body("application/json", nested);
    let message = call.send().await.expect_error(400, "VALIDATION_ERROR");
    assert!(message.contains("recursion limit"), "{message}");
}

#[tokio::test]
async fn a_body_must_be_declared_as_json_and_not_be_too_large() {
    let api = TestApi::start().await;
    let body = text_to(api.connected_device().await, "hi").to_string();
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonx",
        "",
    ] {
        let call = api
            .call(Method::POST, "/v1/messages")
            .body(content_type, body.clone());
        call.send().await.expect_error(415, "UNSUPPORTED_MEDIA_TYPE");
    }
    for content_type in [
        "application/json",
        "Application/JSON; charset=utf-8",
        "application/vnd.acme+json",
    ] {
        let call = api
            .call(Method::POST, "/v1/messages")
            .body(content_type, body.clone());
        assert_eq!(call.send().await.status, 202, "{content_type}");
    }
    let padded = |length: usize| body.clone() + &" ".repeat(length - body.len());
    let call = api
        .call(Method::POST, "/v1/messages")
        .body("application/json", padded(256 * 1024));
    assert_eq!(call.send().await.status, 202);
    let call = api
        .call(Method::POST, "/v1/messages")
        .body("application/json", padded(256 * 1024 + 1));
    call.send().await.expect_error(413, "PAYLOAD_TOO_LARGE");

    // Without Content-Length it is counted as it comes.
    let head = format!(
        "POST /v1/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
         Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
        api.key.expose()
    );
    let chunks = format!("10000\r\n{}\r\n", " ".repeat(0x10000)).repeat(5);
    let answer = api.raw(format!("{head}{chunks}0\r\n\r\n").as_bytes()).await;
    assert!(
        answer.starts_with("HTTP/1.1 413 ") && answer.contains("PAYLOAD_TOO_LARGE"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_bad_idempotency_key_is_named() {
    let api = TestApi::start().await;
    let body = text_to(api.connected_device().await, "hi");
    let long = "k".repeat(256);
    for key in ["", &long, "tab\tinside", "é", "emoji 🐟"] {
        let call = api
            .call(Method::POST, "/v1/messages")
            .header("Idempotency-Key", key);
        call.json(&body).send().await.expect_fields(&["Idempotency-Key"]);
    }
    let call = api
        .call(Method::POST, "/v1/messages")
        .header("Idempotency-Key", "one");
    let twice = call.header("Idempotency-Key", "two").json(&body).send().await;
    twice.expect_fields(&["Idempotency-Key"]);
    for key in ["k", &long[..255], "with spaces !~"] {
        let call = api
            .call(Method::POST, "/v1/messages")
            .header("Idempotency-Key", key);
        assert_eq!(call.json(&body).send().await.status, 202, "{key}");
    }
    // Other control characters do not make a header at all: HTTP itself refuses them.
    let raw = "POST /v1/messages HTTP/1.1\r\nHost: x\r\nIdempotency-Key: a\x01b\r\nConnection: close\r\n\r\n";
    assert!(api.raw(raw.as_bytes()).await.starts_with("HTTP/1.1 400 "));
}

#[tokio::test]
async fn a_bad_key_is_always_the_same_401_and_comes_first() {
    let api = TestApi::start().await;
    let right = api.key.expose();
    let wrong = format!(
        "{}{}",
        &right[..right.len() - 1],
        if right.ends_with('0') { '1' } else { '0' }
    );
    let values = [
        String::new(),
        right.to_owned(),
        format!("Basic {right}"),
        "Bearer".to_owned(),
        "Bearer sk_live_short".to_owned(),
        format!("Bearer {}", right.to_uppercase()),
        format!("Bearer {wrong}"),
        format!("Bearer {right} {right}"),
    ];
    let missing = api.call_without_key(Method::POST, "/v1/messages").send().await;
    let message = missing.expect_error(401, "UNAUTHORIZED");
    for value in values {
        let call = api
            .call_without_key(Method::POST, "/v1/messages")
            .header("Authorization", &value);
        // Neither the body nor the Idempotency-Key is looked at.
        let call = call.header("Idempotency-Key", "").body("text/plain", "{");
        let answer = call.send().await;
        assert_eq!(answer.expect_error(401, "UNAUTHORIZED"), message, "{value}");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
}

#[tokio::test]
async fn unknown_and_malformed_ids_are_not_found() {
    let api = TestApi::start().await;
    let (device, message) = (DeviceId::generate(), MessageId::generate());
    for id in [
        device.to_string(),
        message.to_string(),
        "x".to_owned(),
        "%00".to_owned(),
        "dev_%F0%9F".to_owned(),
    ] {
        for (method, path) in [
            (Method::GET, format!("/v1/messages/{id}")),
            (Method::GET, format!("/v1/devices/{id}")),
            (Method::DELETE, format!("/v1/devices/{id}")),
            (Method::POST, format!("/v1/devices/{id}/pair")),
            (Method::POST, format!("/v1/devices/{id}/pause")),
            (Method::POST, format!("/v1/devices/{id}/resume")),
            (Method::GET, format!("/v1/devices/{id}/qr")),
            (Method::GET, format!("/v1/devices/{id}/qr.png")),
        ] {
            println!("{method} {path}");
            api.call(method, &path)
                .send()
                .await
                .expect_error(404, "NOT_FOUND");
        }
    }
    let answer = api.post("/v1/messages", &text_to(device, "hi")).await;
    answer.expect_error(404, "NOT_FOUND");
}

#[tokio::test]
async fn a_bad_query_parameter_is_named() {
    let api = TestApi::start().await;
    let device = api.unlinked_device().await;
    for (path, fields) in [
        ("/v1/messages?limit=0", &["limit"][..]),
        ("/v1/messages?limit=201", &["limit"]),
        ("/v1/messages?limit=ten", &["limit"]),
        ("/v1/messages?limit=-1", &["limit"]),
        ("/v1/messages?limit=1&limit=2", &["limit"]),
        ("/v1/messages?cursor=garbage", &["cursor"]),
        ("/v1/messages?cursor=", &["cursor"]),
        ("/v1/messages?status=lost", &["status"]),
        ("/v1/messages?direction=sideways", &["direction"]),
        ("/v1/messages?deviceId=x", &["deviceId"]),
        ("/v1/messages?to=x", &["to"]),
        ("/v1/messages?clientReference=", &["clientReference"]),
        ("/v1/messages?clientReference=a%00b", &["clientReference"]),
        ("/v1/messages?clientReference=%C3%A9", &["clientReference"]),
        ("/v1/messages?q=", &["q"]),
        ("/v1/messages?q=%20%22*%22", &["q"]),
        ("/v1/messages?q=a+b+c+d+e+f+g+h+i+j+k+l+m+n+o+p+q", &["q"]),
        (&format!("/v1/messages?q={}", "x".repeat(201)), &["q"]),
        ("/v1/messages?createdAfter=yesterday", &["createdAfter"]),
        ("/v1/messages?createdBefore=2026-12-01", &["createdBefore"]),
        ("/v1/messages?colour=red", &["colour"]),
        ("/v1/messages?%FF=1", &["\u{fffd}"]),
        ("/v1/messages?limit=0&status=lost&x=1", &["status", "limit", "x"]),
        ("/v1/events?limit=0", &["limit"]),
        ("/v1/events?type=message.lost", &["type"]),
        ("/v1/events?type=message.sent,", &["type"]),
        ("/v1/events?deviceId=x", &["deviceId"]),
        ("/v1/events?from=yesterday", &["from"]),
        ("/v1/events?until=x", &["until"]),
        ("/v1/events?order=sideways", &["order"]),
        ("/v1/events?after=msg_x", &["after"]),
        (
            "/v1/events?order=newest&after=evt_01JDXW7C9H3E5R2T8Y6V4J0P1A",
            &["after"],
        ),
        ("/v1/events?cursor=016d0000000000000001", &["cursor"]),
        ("/v1/events?cursor=0165020000000000000001", &["cursor"]),
        ("/v1/events?q=x", &["q"]),
        ("/v1/events/stream?type=x", &["type"]),
        ("/v1/events/stream?until=2026-12-01T09:00:00Z", &["until"]),
        ("/v1/events/stream?lastEventId=7", &["lastEventId"]),
        ("/v1/events/stream?limit=1", &["limit"]),
        ("/v1/analytics/summary?from=yesterday", &["from"]),
        ("/v1/analytics/summary?from=2026-12-01T00:00:00Z", &["from"]),
        ("/v1/analytics/summary?until=2026-02-30", &["until"]),
        ("/v1/analytics/summary?until=", &["until"]),
        (
            "/v1/analytics/summary?from=2026-12-02&until=2026-12-01",
            &["from"],
        ),
        (
            "/v1/analytics/summary?from=2025-12-01&until=2026-12-02",
            &["from"],
        ),
        ("/v1/analytics/summary?from=9999-12-31", &["from"]),
        ("/v1/analytics/summary?deviceId=x", &["deviceId"]),
        ("/v1/analytics/summary?limit=1", &["limit"]),
        (
            "/v1/analytics/summary?from=x&until=y&deviceId=z",
            &["from", "until", "deviceId"],
        ),
        ("/v1/devices?limit=0", &["limit"]),
        ("/v1/devices?status=x", &["status"]),
        ("/v1/devices?cursor=016d0000000000000001", &["cursor"]),
        (&format!("/v1/devices/{device}/qr?size=127"), &["size"]),
        (&format!("/v1/devices/{device}/qr.svg?size=1025"), &["size"]),
        (&format!("/v1/devices/{device}/qr?wait=61"), &["wait"]),
        (&format!("/v1/devices/{device}/qr?format=png"), &["format"]),
    ] {
        println!("{path}");
        api.get(path).await.expect_fields(fields);
    }
}

#[tokio::test]
async fn a_bad_device_names_its_field() {
    let api = TestApi::start().await;
    api.post("/v1/devices", &json!({ "name": "x".repeat(101) }))
        .await
        .expect_fields(&["name"]);
    api.post("/v1/devices", &json!({ "name": "a\u{7}b" }))
        .await
        .expect_fields(&["name"]);
    api.post("/v1/devices", &json!({ "name": 7 }))
        .await
        .expect_fields(&["name"]);
    api.post("/v1/devices", &json!({ "label": "x" }))
        .await
        .expect_fields(&["label"]);
    let device = api.unlinked_device().await;
    for verb in ["pair", "pause", "resume"] {
        let path = format!("/v1/devices/{device}/{verb}");
        api.post(&path, &json!({ "phone": "+15551234567" }))
            .await
            .expect_fields(&["phone"]);
        let call = api.call(Method::POST, &path).body("text/plain", "hi");
        call.send().await.expect_error(415, "UNSUPPORTED_MEDIA_TYPE");
        let call = api.call(Method::POST, &path).body("application/json", "{");
        call.send().await.expect_error(400, "VALIDATION_ERROR");
    }
}
