//! How sessions end, and what a client makes of it.

use serde_json::json;

use crate::support::{CONTACT, Lab, PHONE, Seen, TestClient};

/// A message gets through, once.
async fn gets_through(lab: &Lab, client: &TestClient, text: &str) {
    let id = client.send(CONTACT, text).await;
    client.sees(&Seen::Read(id.clone()), 1).await;
    arrived_once(lab, &id).await;
}

async fn arrived_once(lab: &Lab, id: &str) {
    let message = lab.received_as(CONTACT, id).await.expect("received");
    assert_eq!(message["copies"], 1);
}

/// Whether the client says that it was disconnected.
#[derive(Debug, PartialEq, Eq)]
enum Disconnected {
    Yes,
    No,
    /// Its tasks for the last words and for the end of the socket race each other.
    Perhaps,
}

/// The server says its last words, and the client comes back by itself.
async fn is_survived(kind: &str, words: Option<Seen>, disconnected: Disconnected) {
    let lab = Lab::start().await;
    let client = lab.linked_client(PHONE).await;
    // Linking ends with words of its own.
    let before = words.as_ref().map_or(0, |words| client.count(words));
    let disconnections = client.count(&Seen::Disconnected);
    lab.fault(PHONE, kind).await;
    client.connected(2).await;
    if let Some(words) = words {
        client.sees(&words, before + 1).await;
    }
    if disconnected != Disconnected::Perhaps {
        let noticed = client.count(&Seen::Disconnected) > disconnections;
        assert_eq!(noticed, disconnected == Disconnected::Yes);
    }
    gets_through(&lab, &client, "after the break").await;
    assert_eq!(client.count(&Seen::LoggedOut), 0);
    client.stop().await;
}

fn stream_error(code: &str) -> Option<Seen> {
    Some(Seen::Stanza("stream:error", code.to_owned()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_connection_comes_back() {
    is_survived("close", None, Disconnected::Yes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_ends_comes_back() {
    let words = Seen::Stanza("xmlstreamend", String::new());
    is_survived("stream_end", Some(words), Disconnected::Perhaps).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_the_stream_is_followed() {
    is_survived("restart", stream_error("515"), Disconnected::No).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_goes_down_is_waited_for() {
    is_survived("unavailable", stream_error("503"), Disconnected::Yes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_is_too_fast_comes_back() {
    is_survived("slow_down", stream_error("429"), Disconnected::Yes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_client_stays_away_and_may_come_back() {
    let lab = Lab::start().await;
    let client = lab.linked_client(PHONE).await;
    lab.fault(PHONE, "replaced").await;
    client.sees(&Seen::Replaced, 1).await;
    let client = TestClient::start(&lab, client.stop().await).await;
    client.connected(1).await;
    gets_through(&lab, &client, "here again").await;
    client.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_error_ends_nothing() {
    let lab = Lab::start().await;
    let client = lab.linked_client(PHONE).await;
    lab.fault(PHONE, "unknown_error").await;
    client.sees(&Seen::StreamError("599".to_owned()), 1).await;
    gets_through(&lab, &client, "as if nothing had been").await;
    assert_eq!(client.count(&Seen::Connected), 1);
    client.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logout_ends_the_link() {
    let lab = Lab::start().await;
    let client = lab.linked_client(PHONE).await;
    lab.fault(PHONE, "logout").await;
    client.sees(&Seen::LoggedOut, 1).await;
    client.stop().await;

    // The number can be linked again, as another device.
    let client = lab.unlinked_client().await;
    let qr = client.qr().await;
    assert_eq!(lab.scan(PHONE, &qr).await["device"], 2);
    client.connected(1).await;
    gets_through(&lab, &client, "again").await;
    client.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_companion_that_was_removed_while_away_is_refused() {
    let lab = Lab::start().await;
    let backend = lab.linked_client(PHONE).await.stop().await;
    let (status, answer) = lab.request("POST", "/phones/15551234567/unlink", None).await;
    assert_eq!((status, &answer["unlinked"]), (200, &1.into()));
    let client = TestClient::start(&lab, backend).await;
    client.sees(&Seen::LoggedOut, 1).await;
    client.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_login_says_why_and_may_succeed_later() {
    let lab = Lab::start().await;
    let mut client = lab.linked_client(PHONE).await;
    for (code, seen) in [
        (400, Seen::ConnectFailure(400)),
        (401, Seen::LoggedOut),
        (402, Seen::Banned(90)),
        (403, Seen::LoggedOut),
        (405, Seen::Outdated),
        (406, Seen::LoggedOut),
        (409, Seen::ConnectFailure(409)),
    ] {
        let mut parameters = json!({ "code": code });
        if code == 402 {
            parameters["seconds"] = 90.into();
        }
        lab.fault_with(PHONE, "login_failure", parameters).await;
        client.sees(&seen, 1).await;
        client = TestClient::start(&lab, client.stop().await).await;
        client.connected(1).await;
    }
    gets_through(&lab, &client, "still linked").await;
    client.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_the_server_cannot_take_now_is_tried_again() {
    let lab = Lab::start().await;
    let client = lab.linked_client(PHONE).await;
    lab.fault_with(PHONE, "login_failure", json!({ "code": 503, "drop": false }))
        .await;
    lab.fault_with(PHONE, "login_failure", json!({ "code": 500 }))
        .await;
    client.sees(&Seen::ConnectFailure(503), 1).await;
    client.sees(&Seen::ConnectFailure(500), 1).await;
    client.connected(2).await;
    gets_through(&lab, &client, "at last").await;
    client.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cached_server_key_that_is_not_recognised_is_replaced() {
    for (mode, connections) in [("fallback", 1), ("reject", 2)] {
        let lab = Lab::start().await;
        let client = lab.linked_client(PHONE).await;
        // The first login after linking may still be XX; from the next one on the key is cached.
        lab.fault(PHONE, "close").await;
        client.connected(2).await;
        let before = client.connections();
        lab.fault_with(PHONE, "ik_failure", json!({ "mode": mode })).await;
        client.connected(3).await;
        assert!(lab.faults().await.is_empty(), "the {mode} struck");
        assert_eq!(client.connections() - before, connections, "after a {mode}");
        gets_through(&lab, &client, "we have met").await;
        client.stop().await;
    }
}
