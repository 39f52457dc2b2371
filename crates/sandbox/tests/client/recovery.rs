//! What the two sides do when one of them has lost its keys, played by editing the saved state.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

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
