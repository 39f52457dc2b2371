//! What the two sides do when one of them has lost its keys.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use wacore::store::InMemoryBackend;
use wacore::store::traits::SignalStore as _;
use wacore::types::jid::JidExt as _;
use whatsapp_rust::prelude::Client;

use crate::support::{Lab, Seen, TestClient, eventually};

const PHONE: &str = "+15551234567";
const CONTACT: &str = "+15557654321";

fn state_file(directory: &Path) -> PathBuf {
    directory.join("sandbox.json")
}

fn read_state(directory: &Path) -> Option<Value> {
    serde_json::from_slice(&std::fs::read(state_file(directory)).ok()?).ok()
}

/// The saved person with this number.
fn person<'s>(state: &'s mut Value, phone: &str) -> Option<&'s mut Value> {
    let number: u64 = phone.parse().expect("a number");
    let people = state["people"].as_array_mut()?;
    people.iter_mut().find(|person| person["phone"] == number)
}

fn edit(directory: &Path, phone: &str, change: impl FnOnce(&mut Value)) {
    let mut state = read_state(directory).expect("a state");
    change(person(&mut state, phone).expect("a person"));
    std::fs::write(state_file(directory), state.to_string()).expect("written");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_that_lost_its_session_asks_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let lab = Lab::start_in(directory.path().to_owned()).await;
    let client = lab.linked_client(PHONE).await;
    // An answer ends the part of the conversation in which every message could begin a session.
    let first = client.send(CONTACT, "first").await;
    client.sees(&Seen::Read(first), 1).await;
    let answer = lab.write(CONTACT, PHONE, "answer").await;
    client.text(&answer).await;
    let second = client.send(CONTACT, "second").await;
    client.sees(&Seen::Read(second), 1).await;
    let backend = client.stop().await;
    lab.sandbox.stop().await;

    edit(directory.path(), CONTACT, |contact| {
        contact["party"]["sessions"] = json!([])
    });
    let lab = Lab::start_in(directory.path().to_owned()).await;
    let client = TestClient::start(&lab, backend).await;
    client.connected(1).await;
    let third = client.send(CONTACT, "third").await;
    client.sees(&Seen::Read(third.clone()), 1).await;
    let message = lab.received_as(CONTACT, &third).await.expect("received");
    assert_eq!(
        (&message["text"], &message["copies"]),
        (&"third".into(), &1.into())
    );
    client.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_cannot_read_a_message_gets_it_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let lab = Lab::start_in(directory.path().to_owned()).await;
    let backend = lab.linked_client(PHONE).await.stop().await;
    lab.sandbox.stop().await;

    // The next stranger is given a one-time key that the client does not have.
    edit(directory.path(), PHONE, |account| {
        account["companions"][0]["prekeys"][0]["id"] = 0x00f0_0000.into();
    });
    let lab = Lab::start_in(directory.path().to_owned()).await;
    let client = TestClient::start(&lab, backend).await;
    client.connected(1).await;
    let id = lab.write(CONTACT, PHONE, "readable in the end").await;
    assert_eq!(client.text(&id).await.1, "readable in the end");
    client.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_client_confirmed_is_not_kept() {
    let directory = tempfile::tempdir().expect("a directory");
    let lab = Lab::start_in(directory.path().to_owned()).await;
    let client = lab.linked_client(PHONE).await;
    let sent = client.send(CONTACT, "question").await;
    client.sees(&Seen::Read(sent), 1).await;
    let answer = lab.write(CONTACT, PHONE, "answer").await;
    client.text(&answer).await;
    eventually("an empty queue", async || {
        let mut state = read_state(directory.path())?;
        let account = person(&mut state, PHONE)?;
        let queue = account["companions"][0]["queue"].as_array()?;
        queue.is_empty().then_some(())
    })
    .await;
    client.stop().await;
}

async fn forget_session(lab: &Lab, contact: &str, account: &str) -> u16 {
    let path = format!("/contacts/{contact}/forget-session");
    lab.request("POST", &path, Some(json!({ "account": account })))
        .await
        .0
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_that_forgets_its_session_asks_again_and_can_still_write() {
    let lab = Lab::start().await;
    assert_eq!(forget_session(&lab, CONTACT, PHONE).await, 409);
    let client = lab.linked_client(PHONE).await;
    let first = client.send(CONTACT, "first").await;
    client.sees(&Seen::Read(first), 1).await;
    let answer = lab.write(CONTACT, PHONE, "answer").await;
    client.text(&answer).await;

    assert_eq!(forget_session(&lab, CONTACT, PHONE).await, 200);
    let second = client.send(CONTACT, "second").await;
    client.sees(&Seen::Read(second.clone()), 1).await;
    let message = lab.received_as(CONTACT, &second).await.expect("received");
    assert_eq!(
        (&message["text"], &message["copies"]),
        (&"second".into(), &1.into())
    );

    assert_eq!(forget_session(&lab, CONTACT, PHONE).await, 200);
    let news = lab.write(CONTACT, PHONE, "on a new session").await;
    assert_eq!(client.text(&news).await.1, "on a new session");
    let third = client.send(CONTACT, "third").await;
    client.sees(&Seen::Read(third), 1).await;
    client.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undecryptable_message_is_asked_for_and_arrives_once() {
    let lab = Lab::start().await;
    let client = lab.linked_client(PHONE).await;
    // First without a session, then on the one that the repetition began.
    for text in ["to a stranger", "to a friend"] {
        let body = json!({ "to": PHONE, "text": text, "undecryptable": true });
        let path = format!("/contacts/{CONTACT}/messages");
        let (status, written) = lab.request("POST", &path, Some(body)).await;
        assert_eq!(status, 201, "{written}");
        let id = written["stanzaId"].as_str().expect("an id");
        let (chat, read) = client.text(id).await;
        assert_eq!(
            (chat.as_str(), read.as_str()),
            ("15557654321@s.whatsapp.net", text)
        );
        assert_eq!(client.count(&Seen::Undecryptable(id.to_owned())), 1);
        assert_eq!(client.count_texts(id), 1);
        let answer = client.send(CONTACT, "got it").await;
        client.sees(&Seen::Read(answer), 1).await;
    }
    client.stop().await;
}

/// A contact that writes again begins a session; what was on its way to it on the one before is none the worse.
#[tokio::test(flavor = "multi_thread")]
async fn what_crosses_a_repetition_is_read_at_once_and_in_order() {
    let lab = Lab::start().await;
    let client = lab.linked_client(PHONE).await;
    let hello = client.send(CONTACT, "hello").await;
    client.sees(&Seen::Read(hello.clone()), 1).await;
    let answer = lab.write(CONTACT, PHONE, "hello yourself").await;
    client.text(&answer).await;
    // From the repetition to its arrival there is time for some more messages.
    lab.fault_with(PHONE, "slow", json!({ "latencyMs": 200 })).await;
    let body = json!({ "to": PHONE, "text": "what?", "undecryptable": true });
    let path = format!("/contacts/{CONTACT}/messages");
    let (status, written) = lab.request("POST", &path, Some(body)).await;
    assert_eq!(status, 201, "{written}");
    let question = written["stanzaId"].as_str().expect("an id");
    let mut sent = vec![hello];
    while !client.has_text(question) {
        sent.push(client.send(CONTACT, "so").await);
        // A look in between, so that these do not become thousands.
        lab.faults().await;
    }
    sent.push(client.send(CONTACT, "and on").await);
    for id in &sent {
        client.sees(&Seen::Read(id.clone()), 1).await;
    }
    let received = lab.received(CONTACT).await;
    let received: Vec<_> = received
        .iter()
        .filter_map(|message| message["stanzaId"].as_str())
        .collect();
    assert_eq!(received, sent);
    client.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_ask_each_other_again() {
    let lab = Lab::start().await;
    let other = "+4915112345678";
    let sender = lab.linked_client(PHONE).await;
    let reader = lab.linked_client(other).await;
    let hello = sender.send(other, "hello").await;
    reader.text(&hello).await;
    let back = reader.send(PHONE, "hello yourself").await;
    sender.text(&back).await;
    let established = sender.send(other, "established").await;
    reader.text(&established).await;

    let backend = reader.stop().await;
    lose_session(&backend, &sender.client).await;
    let reader = TestClient::start(&lab, backend).await;
    reader.connected(1).await;
    let again = sender.send(other, "readable in the end").await;
    assert_eq!(reader.text(&again).await.1, "readable in the end");
    assert_eq!(reader.count(&Seen::Undecryptable(again.clone())), 1);
    assert_eq!(reader.count_texts(&again), 1);
    sender.stop().await;
    reader.stop().await;
}

/// The client's keys are all there but for its session with a client of the account `PHONE`.
async fn lose_session(backend: &InMemoryBackend, other: &Client) {
    let mut lid = other.lid().expect("a LID");
    let mut pn = other.pn().expect("a number");
    for peer in [&mut lid, &mut pn] {
        peer.device = 1;
        let address = peer.to_protocol_address();
        backend
            .delete_session(&address.to_string())
            .await
            .expect("deleted");
    }
}
