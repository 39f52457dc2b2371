//! What the control API refuses, and that nothing a stranger sends breaks the sandbox.

use std::net::SocketAddr;

use postern_sandbox::{Sandbox, SandboxConfig, StartError};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::Lab;

#[tokio::test]
async fn it_listens_on_loopback_only() {
    let listen: SocketAddr = "0.0.0.0:0".parse().expect("an address");
    let refused = Sandbox::start(SandboxConfig {
        listen,
        ..SandboxConfig::default()
    })
    .await;
    assert!(matches!(refused, Err(StartError::NotLoopback(address)) if address == listen));
}

#[tokio::test]
async fn wrong_requests_name_the_field() {
    let lab = Lab::start().await;
    let scan = "/phones/+15551234567/scan";
    let change = "/contacts/15557654321";
    let write = "/contacts/%2B15557654321/messages";
    let phone = "/phones/+15551234567";
    let enter = "/phones/+15551234567/enter-code";
    let cases: [(&str, &str, Value, u16, &str); 27] = [
        ("POST", scan, json!({ "qr": "hello" }), 400, "qr"),
        ("POST", scan, json!({ "qr": "" }), 400, "qr"),
        ("POST", scan, json!({ "qr": 7 }), 400, "qr"),
        ("POST", scan, json!({}), 400, "qr"),
        ("POST", scan, json!({ "qr": "x", "pin": 1 }), 400, "pin"),
        ("POST", enter, json!({ "code": "ABCD-123" }), 400, "code"),
        ("POST", enter, json!({ "code": 12345678 }), 400, "code"),
        ("POST", enter, json!({}), 400, "code"),
        ("POST", "/phones/abc/scan", json!({ "qr": "x" }), 400, "phone"),
        ("POST", "/phones/+1555/scan", json!({ "qr": "x" }), 400, "phone"),
        ("POST", "/phones/+15551234567/unlink", json!({}), 404, ""),
        ("PUT", phone, json!({ "lidMigrated": "yes" }), 400, "lidMigrated"),
        ("PUT", phone, json!({ "lid": true }), 400, "lid"),
        ("PUT", change, json!({ "online": "yes" }), 400, "online"),
        ("PUT", change, json!({ "offline": true }), 400, "offline"),
        (
            "POST",
            write,
            json!({ "to": "+15551234567", "text": "" }),
            400,
            "text",
        ),
        ("POST", write, json!({ "to": "nobody", "text": "a" }), 400, "to"),
        (
            "POST",
            write,
            json!({ "to": "+15551234567", "text": "a" }),
            404,
            "",
        ),
        (
            "POST",
            "/faults",
            json!({ "phone": "+15551234567", "kind": "flood" }),
            400,
            "kind",
        ),
        (
            "POST",
            "/faults",
            json!({ "phone": "+15551234567", "kind": "close" }),
            404,
            "",
        ),
        (
            "POST",
            "/groups",
            json!({ "subject": "", "participants": ["+15551234567"] }),
            400,
            "subject",
        ),
        (
            "POST",
            "/groups",
            json!({ "subject": "a", "participants": [] }),
            400,
            "participants",
        ),
        (
            "POST",
            "/groups",
            json!({ "subject": "a", "participants": ["+15551234567", "15551234567"] }),
            400,
            "participants",
        ),
        (
            "POST",
            "/groups",
            json!({ "subject": "a", "participants": ["+15551234567", "me"] }),
            400,
            "participants[1]",
        ),
        ("GET", "/groups/120363000000000000@g.us", json!({}), 404, ""),
        (
            "POST",
            write,
            json!({ "to": "120363000000000000@g.us", "text": "a" }),
            404,
            "",
        ),
        ("GET", "/nothing", json!({}), 404, ""),
    ];
    for (method, path, body, expected, field) in cases {
        let (status, answer) = lab.request(method, path, Some(body)).await;
        assert_eq!(status, expected, "{method} {path}: {answer}");
        let code = if expected == 404 {
            "NOT_FOUND"
        } else {
            "VALIDATION_ERROR"
        };
        assert_eq!(answer["error"]["code"], code);
        assert!(answer["error"]["message"].is_string());
        if !field.is_empty() {
            assert_eq!(
                answer["error"]["details"][0]["field"], field,
                "{method} {path}: {answer}"
            );
        }
    }
}

#[tokio::test]
async fn a_contact_has_defaults_that_can_be_changed() {
    let lab = Lab::start().await;
    let (_, before) = lab.request("GET", "/contacts/+15557654321", None).await;
    assert_eq!(before["registered"], true);
    assert_eq!(before["online"], true);
    assert_eq!(before["autoRead"], true);
    let changed = lab.set_contact("15557654321", json!({ "autoRead": false })).await;
    assert_eq!(changed["phone"], "+15557654321");
    assert_eq!(changed["autoRead"], false);
    assert_eq!(changed["online"], true);
    assert!(lab.received("15557654321").await.is_empty());
}

#[tokio::test]
async fn a_well_formed_code_nobody_shows_is_a_conflict() {
    let lab = Lab::start().await;
    let key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let body = json!({ "qr": format!("2@gone,{key},{key},{key},1") });
    let (status, answer) = lab.request("POST", "/phones/+15551234567/scan", Some(body)).await;
    assert_eq!((status, &answer["error"]["code"]), (409, &"INVALID_STATE".into()));
}

#[tokio::test]
async fn the_root_key_can_be_read() {
    let lab = Lab::start().await;
    let (status, answer) = lab.request("GET", "/root-key", None).await;
    assert_eq!(status, 200);
    assert_eq!(answer["hex"], hex::encode(lab.sandbox.root_key()));
}

#[tokio::test]
async fn junk_on_the_websocket_hurts_nobody() {
    let lab = Lab::start().await;
    let hellos: [&[u8]; 6] = [
        b"GET / HTTP/1.1\r\n\r\n",
        b"WA\x06\x03\x00\x00\x00",
        b"WA\x06\x03\x00\x00\x04\xff\xff\xff\xff",
        b"WA\x06\x03\x00\x00\x02\x12\x00",
        b"WA\x06\x03\x00\x00\x06\x12\x04\x0a\x02ab",
        b"ED\x00\x01\xff\xff\xff",
    ];
    for hello in hellos {
        let socket = tokio::net::TcpStream::connect(lab.sandbox.local_addr())
            .await
            .expect("a connection");
        let (mut websocket, _) = tokio_websockets::ClientBuilder::new()
            .uri(&lab.sandbox.websocket_url())
            .expect("a URL")
            .connect_on(socket)
            .await
            .expect("a WebSocket");
        let message = tokio_websockets::Message::binary(hello.to_vec());
        futures_util::SinkExt::send(&mut websocket, message)
            .await
            .expect("sent");
        drop(websocket);
    }
    let mut socket = tokio::net::TcpStream::connect(lab.sandbox.local_addr())
        .await
        .expect("a connection");
    socket
        .write_all(b"GET /ws/chat HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .await
        .expect("written");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");

    let (status, _) = lab.request("GET", "/root-key", None).await;
    assert_eq!(status, 200);
    lab.sandbox.stop().await;
}
