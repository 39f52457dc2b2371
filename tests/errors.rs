//! Bad input over the wire: its documented 4xx, the field named, nothing broken afterwards.

use postern_testkit::{TestDaemon, TestSandbox, text};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{CONTACT, linked, postern};

fn with(mut body: Value, pointer: &str, value: Value) -> Value {
    if let Some(place) = body.pointer_mut(pointer) {
        *place = value;
    } else {
        body[pointer.trim_start_matches('/')] = value;
    }
    body
}

#[tokio::test]
async fn each_mistake_names_its_field() -> anyhow::Result<()> {
    let (_network, daemon, device) = linked().await?;
    let good = text(&device, CONTACT, "good");
    let cases = [
        (with(good.clone(), "/to", json!("+1")), "to"),
        (with(good.clone(), "/to", json!("+21012345678")), "to"),
        (with(good.clone(), "/to", json!(15_551_234_567_u64)), "to"),
        (with(good.clone(), "/text/body", json!("")), "text.body"),
        (
            with(good.clone(), "/text/body", json!("x".repeat(4097))),
            "text.body",
        ),
        (with(good.clone(), "/text/body", json!(null)), "text.body"),
        (with(good.clone(), "/type", json!("telepathy")), "type"),
        (with(good.clone(), "/deviceId", json!("msg_1")), "deviceId"),
        (
            with(good.clone(), "/sendAt", json!("2001-01-01T00:00:00Z")),
            "sendAt",
        ),
        (with(good.clone(), "/sendAt", json!("tomorrow")), "sendAt"),
        (with(good.clone(), "/metadata", json!("text")), "metadata"),
        (
            with(good.clone(), "/metadata", json!({ "large": "x".repeat(5000) })),
            "metadata",
        ),
        (
            with(good.clone(), "/ifDisconnected", json!("maybe")),
            "ifDisconnected",
        ),
        (with(good.clone(), "/surprise", json!(1)), "surprise"),
    ];
    for (body, field) in cases {
        let answer = daemon.http().post("/v1/messages", &body).await?;
        let error = answer.json()?;
        assert_eq!(answer.status, 400, "{field}: {error}");
        assert_eq!(error["error"]["code"], "VALIDATION_ERROR", "{field}");
        assert_eq!(error["error"]["details"][0]["field"], field, "{error}");
        assert_eq!(
            error["error"]["requestId"],
            answer.header("x-request-id"),
            "{field}"
        );
    }
    let page = daemon.http().get("/v1/messages").await?.ok()?;
    assert_eq!(page["data"], json!([]), "nothing of it was accepted");
    Ok(())
}

#[tokio::test]
async fn wrong_keys_methods_sizes_and_forms_get_their_status() -> anyhow::Result<()> {
    let (_network, daemon, device) = linked().await?;
    let http = daemon.http();
    let wrong = format!("sk_live_{}", "f".repeat(48));
    for key in [None, Some("nonsense"), Some(wrong.as_str())] {
        let answer = http.with_key(key).get("/v1/devices").await?;
        assert_eq!(answer.status, 401);
        assert_eq!(answer.json()?["error"]["code"], "UNAUTHORIZED");
    }
    let raw = |body: Vec<u8>, kind: &'static str| {
        http.send(
            http.request(Method::POST, "/v1/messages")
                .header("Content-Type", kind)
                .body(body),
        )
    };
    assert_eq!(
        raw(b"{\"deviceId\":".to_vec(), "application/json").await?.status,
        400
    );
    assert_eq!(raw(b"\xff\xfe".to_vec(), "application/json").await?.status, 400);
    assert_eq!(raw(Vec::new(), "application/json").await?.status, 400);
    assert_eq!(
        raw(b"a=b".to_vec(), "application/x-www-form-urlencoded")
            .await?
            .status,
        415
    );
    assert_eq!(raw(vec![b' '; 1 << 20], "application/json").await?.status, 413);
    assert_eq!(http.delete("/v1/messages").await?.status, 405);
    assert_eq!(http.get("/v1/nothing").await?.status, 404);
    let unknown = http
        .post(
            "/v1/messages",
            &text("dev_01ARZ3NDEKTSV4RRFFQ69G5FAV", CONTACT, "hi"),
        )
        .await?;
    assert_eq!(unknown.status, 404);
    for key in ["", &"k".repeat(256), "caf\u{e9}"] {
        let request = http
            .request(Method::POST, "/v1/messages")
            .header("Idempotency-Key", key.as_bytes());
        let answer = http.send(request.json(&text(&device, CONTACT, "hi"))).await?;
        assert_eq!(answer.status, 400, "{key:?}");
        assert_eq!(answer.json()?["error"]["details"][0]["field"], "Idempotency-Key");
    }
    assert_eq!(http.get("/healthz").await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn health_readiness_and_the_api_description_need_no_key() -> anyhow::Result<()> {
    let network = TestSandbox::start(&postern()).await?;
    let daemon = TestDaemon::start(&postern(), &network).await?;
    let stranger = daemon.http().with_key(None);
    assert_eq!(stranger.get("/healthz").await?.status, 200);
    assert_eq!(stranger.get("/readyz").await?.status, 200);
    let description = stranger.get("/openapi.json").await?.ok()?;
    assert!(
        description["openapi"]
            .as_str()
            .is_some_and(|version| version.starts_with("3.1"))
    );
    for path in [
        "/v1/messages",
        "/v1/messages/{id}",
        "/v1/devices",
        "/v1/devices/{id}",
        "/v1/devices/{id}/qr",
    ] {
        assert!(description["paths"][path].is_object(), "{path}");
    }
    Ok(())
}

#[tokio::test]
async fn logs_hold_no_number_body_or_key() -> anyhow::Result<()> {
    let network = TestSandbox::start(&postern()).await?;
    let options = postern_testkit::DaemonOptions::default().set("LOG__LEVEL", "debug");
    let daemon = TestDaemon::start_with(&postern(), &network, options).await?;
    let device = daemon.link_device(&network, crate::OWNER).await?;
    let message = daemon.send_text(&device, CONTACT, "a very secret body").await?;
    daemon.message_reaches(&message, "read").await?;
    network
        .write(CONTACT, crate::OWNER, "a very secret answer")
        .await?;
    network.fault(crate::OWNER, "close").await?;
    let after = daemon.send_text(&device, CONTACT, "another secret body").await?;
    daemon.message_reaches(&after, "read").await?;
    let log = daemon.log().join("\n");
    assert!(log.contains("device.id"), "the log says something");
    for secret in [
        &crate::OWNER[1..],
        &CONTACT[1..],
        "secret",
        daemon.key(),
        &daemon.key()[8..],
    ] {
        assert!(!log.contains(secret), "{secret} is in the log:\n{log}");
    }
    Ok(())
}
