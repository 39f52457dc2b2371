//! The event log over HTTP: lists, one event, and streams.

use postern_domain::{DeviceId, EventId, EventType};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{TestApi, next_piece, text_to, within};

/// The ids of a list.
fn ids(list: &Value) -> Vec<String> {
    let rows = list["data"].as_array().expect("rows");
    let id = |row: &Value| row["id"].as_str().expect("an id").to_owned();
    rows.iter().map(id).collect()
}

impl TestApi {
    async fn sends(&self, device: DeviceId, count: usize) {
        for number in 0..count {
            let sent = self
                .post("/v1/messages", &text_to(device, &number.to_string()))
                .await;
            sent.expect(StatusCode::ACCEPTED);
        }
    }

    async fn ids(&self, path: &str) -> Vec<String> {
        ids(&self.get(path).await.expect(StatusCode::OK))
    }

    async fn stream(&self, path: &str) -> Stream {
        self.stream_of(self.call(Method::GET, path)).await
    }

    async fn stream_of(&self, call: crate::harness::Call) -> Stream {
        let mut stream = Stream {
            response: call.open().await,
            text: String::new(),
        };
        stream.piece().await;
        stream
    }
}

/// A stream of server-sent events that has begun.
struct Stream {
    response: reqwest::Response,
    text: String,
}

impl Stream {
    /// Reads up to the next empty line; `None` at the end.
    async fn piece(&mut self) -> Option<String> {
        loop {
            if let Some((piece, rest)) = self.text.split_once("\n\n") {
                let (piece, rest) = (piece.to_owned(), rest.to_owned());
                self.text = rest;
                return Some(piece);
            }
            let bytes = next_piece(&mut self.response).await?;
            self.text.push_str(std::str::from_utf8(&bytes).expect("text"));
        }
    }

    /// The next event: its id, type and data.
    async fn event(&mut self) -> (String, String, Value) {
        loop {
            let piece = self.piece().await.expect("an event");
            let field = |name: &str| {
                let line = piece.lines().find_map(|line| line.strip_prefix(name));
                line.map(str::to_owned)
            };
            if let (Some(id), Some(kind), Some(data)) = (field("id: "), field("event: "), field("data: ")) {
                return (id, kind, serde_json::from_str(&data).expect("JSON"));
            }
        }
    }

    async fn ids(&mut self, count: usize) -> Vec<String> {
        let mut ids = Vec::new();
        while ids.len() < count {
            ids.push(self.event().await.0);
        }
        ids
    }
}

#[tokio::test]
async fn an_event_tells_what_happened_to_which_message() {
    let api = TestApi::start().await;
    let device = api.connected_device().await;
    let mut body = text_to(device, "hello");
    body["metadata"] = json!({ "orderId": "1234" });
    body["clientReference"] = json!("order-1234");
    let sent = api.post("/v1/messages", &body).await.expect(StatusCode::ACCEPTED);
    let list = api.get("/v1/events?limit=1").await.expect(StatusCode::OK);
    let event = &list["data"][0];
    let expected = json!({
        "id": event["id"], "number": event["number"], "type": "message.accepted", "timestamp": event["timestamp"],
        "data": {
            "messageId": sent["id"], "to": "+15551234567", "status": "queued", "error": null,
            "clientReference": "order-1234", "metadata": { "orderId": "1234" }, "batchId": null,
            "deviceId": device.to_string(), "seq": event["data"]["seq"],
        },
    });
    assert_eq!(*event, expected);
    let path = format!("/v1/events/{}", event["id"].as_str().expect("an id"));
    assert_eq!(api.get(&path).await.expect(StatusCode::OK), expected);
    let unknown = api.get(&format!("/v1/events/{}", EventId::generate())).await;
    unknown.expect_error(404, "NOT_FOUND");
}

#[tokio::test]
async fn pages_go_both_ways_and_after_an_event() {
    let api = TestApi::start().await;
    let device = api.connected_device().await;
    api.sends(device, 7).await;
    let all = api.ids("/v1/events?limit=200").await;
    let oldest: Vec<_> = all.iter().rev().cloned().collect();
    for (query, expected) in [("", &all), ("&order=oldest", &oldest)] {
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let list = api.get(&format!("/v1/events?limit=3{query}{cursor}")).await;
            let list = list.expect(StatusCode::OK);
            found.extend(ids(&list));
            let Some(next) = list["nextCursor"].as_str() else {
                break;
            };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(found, *expected, "{query}");
    }
    let after = api.ids(&format!("/v1/events?after={}", oldest[4])).await;
    assert_eq!(after, oldest[5..]);
    let none = api.get(&format!("/v1/events?after={}", all[0])).await;
    assert_eq!(
        none.expect(StatusCode::OK),
        json!({ "data": [], "nextCursor": null })
    );
}

#[tokio::test]
async fn lists_are_filtered() {
    let api = TestApi::start().await;
    let (one, other) = (api.connected_device().await, api.connected_device().await);
    api.sends(one, 2).await;
    api.sends(other, 1).await;
    let count = async |query: &str| api.ids(&format!("/v1/events?{query}")).await.len();
    assert_eq!(count("type=message.accepted").await, 3);
    assert_eq!(count(&format!("type=message.accepted&deviceId={one}")).await, 2);
    let connected = count("type=device.connected").await;
    assert_eq!(
        count("type=message.accepted,device.connected").await,
        3 + connected
    );
    assert_eq!(count("from=2999-01-01T00:00:00Z").await, 0);
    assert_eq!(count("until=2020-01-01T00:00:00Z").await, 0);
    assert_eq!(
        count("from=2020-01-01T00:00:00Z&until=2999-01-01T00:00:00Z&type=message.accepted").await,
        3
    );
    let stranger = DeviceId::generate();
    assert_eq!(count(&format!("deviceId={stranger}")).await, 0);
}

#[tokio::test]
async fn a_list_can_be_had_as_protobuf() {
    let api = TestApi::start().await;
    let device = api.connected_device().await;
    api.sends(device, 3).await;
    let call = |path: &str| {
        api.call(Method::GET, path)
            .header("Accept", "application/x-protobuf")
    };
    let answer = call("/v1/events?limit=2").send().await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("content-type"), "application/x-protobuf");
    assert!(!answer.header("next-cursor").is_empty());
    let mut bytes = answer.body.as_slice();
    let mut found = Vec::new();
    while let [length, rest @ ..] = bytes {
        assert!(*length < 0x80 || rest[0] < 0x80, "one byte or two");
        let (length, rest) = match *length {
            short @ 0..0x80 => (usize::from(short), rest),
            long => (usize::from(long & 0x7f) | usize::from(rest[0]) << 7, &rest[1..]),
        };
        let (message, rest) = rest.split_at(length);
        let text = String::from_utf8_lossy(message);
        let at = text.find("evt_").expect("an id");
        found.push(text[at..at + 30].to_owned());
        bytes = rest;
    }
    assert_eq!(found, api.ids("/v1/events?limit=2").await);
    let one = call(&format!("/v1/events/{}", found[0])).send().await;
    assert!(String::from_utf8_lossy(&one.body).contains("message.accepted"));
}

#[tokio::test]
async fn a_stream_tells_what_happens_from_now_on() {
    let api = TestApi::start().await;
    let device = api.connected_device().await;
    api.sends(device, 2).await;
    let mut stream = api.stream("/v1/events/stream").await;
    let headers = stream.response.headers();
    assert_eq!(headers["content-type"], "text/event-stream");
    assert_eq!(headers["x-accel-buffering"], "no");
    assert_eq!(headers["cache-control"], "no-store");
    api.sends(device, 3).await;
    let (id, kind, body) = stream.event().await;
    let listed = api.get(&format!("/v1/events/{id}")).await.expect(StatusCode::OK);
    assert_eq!(kind, "message.accepted");
    assert_eq!(
        body,
        json!({ "type": kind, "timestamp": listed["timestamp"], "data": listed["data"] })
    );
    let rest = stream.ids(2).await;
    let newest = api.ids("/v1/events?limit=3").await;
    assert_eq!([&rest[1], &rest[0], &id], [&newest[0], &newest[1], &newest[2]]);
}

#[tokio::test]
async fn a_stream_goes_on_where_the_reader_stopped() {
    let api = TestApi::start().await;
    let device = api.connected_device().await;
    // More than is kept in memory, and than one look at the log finds.
    api.sends(device, 300).await;
    let oldest = api.ids("/v1/events?order=oldest&limit=1").await;
    let mut all = api
        .ids(&format!("/v1/events?after={}&limit=200", oldest[0]))
        .await;
    all.extend(api.ids(&format!("/v1/events?after={}&limit=200", all[199])).await);
    let mut by_query = api
        .stream(&format!("/v1/events/stream?lastEventId={}", oldest[0]))
        .await;
    let mut by_header = {
        let call = api.call(
            Method::GET,
            &format!("/v1/events/stream?lastEventId={}", EventId::generate()),
        );
        api.stream_of(call.header("Last-Event-ID", &oldest[0])).await
    };
    let mut by_time = api
        .stream("/v1/events/stream?from=2020-01-01T00:00:00Z&type=message.accepted")
        .await;
    assert_eq!(by_query.ids(all.len()).await, all);
    assert_eq!(by_header.ids(all.len()).await, all);
    let accepted = by_time.ids(300).await;
    assert_eq!(accepted, all[all.len() - 300..]);
    api.sends(device, 1).await;
    let new = api.ids("/v1/events?limit=1").await;
    for stream in [&mut by_query, &mut by_header, &mut by_time] {
        assert_eq!(stream.ids(1).await, new);
    }
}

#[tokio::test]
async fn a_stream_is_filtered() {
    let api = TestApi::start().await;
    let (one, other) = (api.connected_device().await, api.connected_device().await);
    let path = format!("/v1/events/stream?deviceId={one}&type=message.accepted,message.canceled");
    let mut stream = api.stream(&path).await;
    api.sends(other, 1).await;
    api.sends(one, 1).await;
    let message = api.get("/v1/messages?limit=1").await.expect(StatusCode::OK);
    let message = message["data"][0]["id"].as_str().expect("an id").to_owned();
    let canceled = api
        .post(&format!("/v1/messages/{message}/cancel"), &json!({}))
        .await;
    canceled.expect(StatusCode::OK);
    let first = stream.event().await;
    assert_eq!(
        (first.1.as_str(), &first.2["data"]["deviceId"]),
        ("message.accepted", &json!(one.to_string()))
    );
    let second = stream.event().await;
    assert_eq!(
        (second.1.as_str(), &second.2["data"]["messageId"]),
        ("message.canceled", &json!(message))
    );
}

#[tokio::test]
async fn what_is_gone_is_said_with_the_way_on() {
    let api = TestApi::start().await;
    let device = api.connected_device().await;
    api.sends(device, 3).await;
    let first = api.ids("/v1/events?order=oldest&limit=1").await.remove(0);
    api.forget_events().await;
    let left = api.ids("/v1/events").await;
    assert_eq!(left.len(), 1);
    for path in ["/v1/events/stream?lastEventId=", "/v1/events?after="] {
        let gone = api.get(&format!("{path}{first}")).await;
        assert!(gone.expect_error(410, "EVENT_GONE").contains(&left[0]));
        assert_eq!(gone.header("oldest-event-id"), left[0]);
    }
    let call = api
        .call(Method::GET, "/v1/events/stream")
        .header("Last-Event-ID", "7");
    call.send().await.expect_fields(&["Last-Event-ID"]);
}

#[tokio::test]
async fn there_are_so_many_streams_and_no_more() {
    let config = postern_api::ApiConfig {
        max_streams: 1,
        ..postern_api::ApiConfig::default()
    };
    let api = TestApi::start_with(std::sync::Arc::new(postern_runtime::SystemClock), config).await;
    let stream = api.stream("/v1/events/stream").await;
    let refused = api.get("/v1/events/stream").await;
    refused.expect_error(503, "TOO_MANY_STREAMS");
    assert!(!refused.header("retry-after").is_empty());
    // A reader that goes is noticed at the next write.
    drop(stream);
    let device = api.connected_device().await;
    let is_full = async || {
        api.sends(device, 1).await;
        let again = api.call(Method::HEAD, "/v1/events/stream").send().await;
        again.status == StatusCode::SERVICE_UNAVAILABLE
    };
    within(async { while is_full().await {} }).await;
    let again = api.call(Method::HEAD, "/v1/events/stream").send().await;
    assert_eq!(again.status, StatusCode::OK);
}

#[tokio::test]
async fn streams_end_when_the_daemon_stops() {
    let api = TestApi::start().await;
    let mut streams = [
        api.stream("/v1/events/stream").await,
        api.stream("/v1/events/stream?type=quota.warning").await,
    ];
    api.stop.pull();
    for stream in &mut streams {
        assert_eq!(stream.piece().await, None, "a clean end");
    }
}

#[test]
fn the_document_shows_every_type() {
    let document: Value = serde_json::from_str(&postern_api::document()).expect("JSON");
    for (path, media) in [
        ("/v1/events", "application/json"),
        ("/v1/events/{id}", "application/json"),
        ("/v1/events/stream", "text/event-stream"),
    ] {
        let examples = &document["paths"][path]["get"]["responses"]["200"]["content"][media]["examples"];
        for kind in EventType::ALL {
            let example = examples[kind.name()]["value"].to_string();
            assert!(example.contains(kind.name()), "{path} {kind}");
        }
    }
}
