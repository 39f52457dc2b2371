//! Lists: pages without gaps or repeats, and every filter.

use std::time::Duration;

use postern_domain::port::Inbound;
use postern_domain::{Content, DeviceId, StanzaId, Timestamp};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{TestApi, text_to};

async fn ids(api: &TestApi, path: &str) -> Vec<String> {
    let list = api.get(path).await.expect(StatusCode::OK);
    let rows = list["data"].as_array().expect("rows");
    rows.iter()
        .map(|row| row["id"].as_str().expect("an id").to_owned())
        .collect()
}

async fn send(api: &TestApi, device: DeviceId, to: &str) -> String {
    let mut body = text_to(device, "hello");
    body["to"] = json!(to);
    let accepted = api.post("/v1/messages", &body).await.expect(StatusCode::ACCEPTED);
    accepted["id"].as_str().expect("an id").to_owned()
}

async fn receive(api: &TestApi, device: DeviceId, stanza: &str, content: Content) {
    let sender: postern_domain::Address = "+15557654321".parse().expect("an address");
    let inbound = Inbound {
        stanza: StanzaId::from(stanza.to_owned()),
        chat: "120363021033254949@g.us".parse().expect("an address"),
        sender,
        sender_lid: postern_domain::Lid::from_digits("100000012345678").ok(),
        push_name: Some("Grace".to_owned()),
        sent_at: Timestamp::from_millis(0),
        content,
        quoted: None,
    };
    let now = Timestamp::from_millis(1_700_000_000_000);
    api.store
        .receive(device, vec![inbound], now)
        .await
        .expect("received");
}

#[tokio::test]
async fn pages_follow_each_other_while_messages_arrive() {
    let api = TestApi::start().await;
    let device = api.connected_device().await;
    let mut sent = Vec::new();
    for _ in 0..7 {
        sent.push(send(&api, device, "+15551234567").await);
    }
    sent.reverse();
    let mut seen = Vec::new();
    let mut path = "/v1/messages?limit=3".to_owned();
    let mut pages = 0;
    loop {
        let page = api.get(&path).await.expect(StatusCode::OK);
        seen.extend(
            page["data"]
                .as_array()
                .expect("rows")
                .iter()
                .map(|row| row["id"].clone()),
        );
        pages += 1;
        send(&api, device, "+15551234567").await;
        match page["nextCursor"].as_str() {
            Some(cursor) => path = format!("/v1/messages?limit=3&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!((pages, json!(seen)), (3, json!(sent)));
    assert!(
        api.get("/v1/messages").await.expect(StatusCode::OK)["data"][0]
            .get("timeline")
            .is_none()
    );
}

#[tokio::test]
async fn devices_are_paged_newest_first() {
    let api = TestApi::start().await;
    let mut created = Vec::new();
    for _ in 0..3 {
        created.push(api.unlinked_device().await.to_string());
        // Ids of one millisecond are in no order.
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    created.reverse();
    let first = api.get("/v1/devices?limit=2").await.expect(StatusCode::OK);
    let cursor = first["nextCursor"].as_str().expect("a cursor");
    assert_eq!(ids(&api, "/v1/devices?limit=2").await, created[..2]);
    let second = format!("/v1/devices?limit=2&cursor={cursor}");
    assert_eq!(ids(&api, &second).await, created[2..]);
    assert_eq!(
        api.get(&second).await.expect(StatusCode::OK)["nextCursor"],
        Value::Null
    );
}

#[tokio::test]
async fn every_filter_filters() {
    let noon = Timestamp::from_millis(1_796_126_400_000);
    let (api, clock) = TestApi::start_at(noon).await;
    let (one, two) = (api.connected_device().await, api.connected_device().await);
    let first = send(&api, one, "+15551234567").await;
    clock.set(noon.after(Duration::from_secs(60)));
    let second = send(&api, two, "120363021033254949@g.us").await;
    receive(
        &api,
        two,
        "IN1",
        Content::Text {
            body: "hi".to_owned(),
        },
    )
    .await;
    let inbound = ids(&api, "/v1/messages?direction=inbound").await;
    assert_eq!(inbound.len(), 1);

    let later = noon.after(Duration::from_secs(60)).to_rfc3339();
    let later_with_offset = later.replace('Z', "+00:00");
    for (query, expected) in [
        (format!("deviceId={one}"), vec![&first]),
        ("direction=outbound".to_owned(), vec![&second, &first]),
        ("status=queued".to_owned(), vec![&second, &first]),
        ("status=received".to_owned(), vec![&inbound[0]]),
        ("status=failed".to_owned(), vec![]),
        ("to=%2B15551234567".to_owned(), vec![&first]),
        ("to=+15551234567".to_owned(), vec![&first]),
        ("to=15551234567@s.whatsapp.net".to_owned(), vec![&first]),
        (format!("createdAfter={later}&direction=outbound"), vec![&second]),
        (
            format!("createdAfter={later_with_offset}&direction=outbound"),
            vec![&second],
        ),
        (format!("createdBefore={later}&direction=outbound"), vec![&first]),
        (format!("deviceId={}", DeviceId::generate()), vec![]),
    ] {
        let found = ids(&api, &format!("/v1/messages?{query}")).await;
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{query}");
    }
    let mut named = text_to(one, "again");
    named["clientReference"] = json!("order 1+1");
    let sent = api
        .post("/v1/messages", &named)
        .await
        .expect(StatusCode::ACCEPTED);
    for (query, expected) in [
        ("clientReference=order%201%2B1", vec![&sent["id"]]),
        ("clientReference=order+1%2B1&status=queued", vec![&sent["id"]]),
        ("clientReference=order+1%2B1&status=failed", vec![]),
        ("clientReference=order", vec![]),
        ("clientReference=ORDER%201%2B1", vec![]),
    ] {
        let found = ids(&api, &format!("/v1/messages?{query}")).await;
        assert_eq!(json!(found), json!(expected), "{query}");
    }
    let group = ids(&api, "/v1/messages?to=120363021033254949@g.us").await;
    assert_eq!(group.len(), 2, "both directions");
}

#[tokio::test]
async fn words_find_messages_of_both_directions_page_by_page() {
    let api = TestApi::start().await;
    let device = api.connected_device().await;
    let body = "Where is my order?".to_owned();
    receive(&api, device, "IN1", Content::Text { body }).await;
    for text in ["Your order ships today", "Hello", "ORDER 17: déjà shipped"] {
        let sent = api.post("/v1/messages", &text_to(device, text)).await;
        sent.expect(StatusCode::ACCEPTED);
    }
    while api.store.index_messages().await.expect("indexed") {}
    let texts = async |path: String| {
        let list = api.get(&path).await.expect(StatusCode::OK);
        let rows = list["data"].as_array().expect("rows").iter();
        let texts: Vec<_> = rows.map(|row| row["text"]["body"].clone()).collect();
        (json!(texts), list["nextCursor"].as_str().map(str::to_owned))
    };
    for (query, expected) in [
        (
            "order+ship",
            json!(["ORDER 17: déjà shipped", "Your order ships today"]),
        ),
        ("order&direction=inbound", json!(["Where is my order?"])),
        ("deja", json!(["ORDER 17: déjà shipped"])),
        ("17:order", json!([])),
        ("%22order%22+OR+hello", json!([])),
        (&format!("order&deviceId={}", DeviceId::generate()), json!([])),
    ] {
        assert_eq!(
            texts(format!("/v1/messages?q={query}")).await,
            (expected, None),
            "{query}"
        );
    }
    let (first, cursor) = texts("/v1/messages?q=order&limit=2".to_owned()).await;
    let cursor = cursor.expect("a cursor");
    let (second, end) = texts(format!("/v1/messages?q=order&limit=2&cursor={cursor}")).await;
    assert_eq!(first, json!(["ORDER 17: déjà shipped", "Your order ships today"]));
    assert_eq!((second, end), (json!(["Where is my order?"]), None));
}

#[tokio::test]
async fn what_came_in_says_from_whom_and_where() {
    let api = TestApi::start().await;
    let device = api.connected_device().await;
    receive(
        &api,
        device,
        "IN1",
        Content::Text {
            body: "hi".to_owned(),
        },
    )
    .await;
    let kind = "imageMessage".to_owned();
    receive(&api, device, "IN2", Content::Unsupported { kind }).await;

    let list = api
        .get("/v1/messages?direction=inbound")
        .await
        .expect(StatusCode::OK);
    let (picture, text) = (&list["data"][0], &list["data"][1]);
    assert_eq!(picture["type"], "unsupported");
    assert_eq!(picture["unsupported"], json!({ "kind": "imageMessage" }));
    for (field, value) in [
        ("direction", json!("inbound")),
        ("status", json!("received")),
        ("type", json!("text")),
        ("text", json!({ "body": "hi" })),
        ("chat", json!("120363021033254949@g.us")),
        ("from", json!("+15557654321")),
        ("fromLid", json!("100000012345678@lid")),
        ("pushName", json!("Grace")),
        ("to", Value::Null),
        ("stanzaId", json!("IN1")),
        ("clientReference", Value::Null),
        ("metadata", Value::Null),
    ] {
        assert_eq!(text[field], value, "{field}");
    }
    let path = format!("/v1/messages/{}", text["id"].as_str().expect("an id"));
    let one = api.call(Method::GET, &path).send().await.expect(StatusCode::OK);
    assert_eq!(one["timeline"][0]["status"], "received");
}
