//! Accounts with several companions.

use serde_json::json;

use crate::support::{Lab, Seen, TestClient, jid};

const PHONE: &str = "+15551234567";
const OTHER: &str = "+4915112345678";
const CONTACT: &str = "+15557654321";

/// A further client of the account; everybody who has to know of it does.
async fn second_client(lab: &Lab, phone: &str, watchers: &[&TestClient]) -> TestClient {
    let client = lab.unlinked_client().await;
    let qr = client.qr().await;
    let before: Vec<usize> = watchers
        .iter()
        .map(|watcher| watcher.count(&Seen::Devices))
        .collect();
    lab.scan(phone, &qr).await;
    client.connected(1).await;
    for (watcher, before) in watchers.iter().zip(before) {
        watcher.sees(&Seen::Devices, before + 1).await;
    }
    client
}

fn chat(phone: &str) -> String {
    jid(phone).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_companion_sends_the_other_sees() {
    let lab = Lab::start().await;
    let first = lab.linked_client(PHONE).await;
    // From now on the first client knows by heart that it is alone.
    let alone = first.send(CONTACT, "alone").await;
    first.sees(&Seen::Read(alone), 1).await;

    let second = second_client(&lab, PHONE, &[&first]).await;
    for (sender, witness, text) in [
        (&first, &second, "from the first"),
        (&second, &first, "from the second"),
        (&first, &second, "and again"),
    ] {
        let id = sender.send(CONTACT, text).await;
        sender.sees(&Seen::Read(id.clone()), 1).await;
        assert_eq!(witness.text(&id).await, (chat(CONTACT), text.to_owned()));
        let received = lab.received_as(CONTACT, &id).await.expect("received");
        assert_eq!(
            (&received["text"], &received["copies"]),
            (&text.into(), &1.into())
        );
    }
    first.stop().await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_contact_writes_both_companions_see() {
    let lab = Lab::start().await;
    let first = lab.linked_client(PHONE).await;
    let early = lab.write(CONTACT, PHONE, "early").await;
    first.text(&early).await;
    let second = second_client(&lab, PHONE, &[&first]).await;
    for text in ["one", "two"] {
        let id = lab.write(CONTACT, PHONE, text).await;
        for client in [&first, &second] {
            assert_eq!(client.text(&id).await, (chat(CONTACT), text.to_owned()));
        }
    }
    assert_eq!(second.count_texts(&early), 0);
    first.stop().await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_learns_of_a_new_companion_of_another_account() {
    let lab = Lab::start().await;
    let first = lab.linked_client(PHONE).await;
    let other = lab.linked_client(OTHER).await;
    for (from, to, phone) in [(&first, &other, OTHER), (&other, &first, PHONE)] {
        let id = from.send(phone, "hello").await;
        to.text(&id).await;
    }

    let second = second_client(&lab, PHONE, &[&first, &other]).await;
    let question = other.send(PHONE, "to both of you").await;
    for client in [&first, &second] {
        let seen = client.text(&question).await;
        assert_eq!(seen, (chat(OTHER), "to both of you".to_owned()));
    }
    let answer = second.send(OTHER, "from the newer one").await;
    for (client, with) in [(&other, PHONE), (&first, OTHER)] {
        let seen = client.text(&answer).await;
        assert_eq!(seen, (chat(with), "from the newer one".to_owned()));
    }
    second.sees(&Seen::Delivered(answer), 1).await;
    for client in [first, second, other] {
        client.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_companion_is_written_to_no_more() {
    let lab = Lab::start().await;
    let first = lab.linked_client(PHONE).await;
    let other = lab.linked_client(OTHER).await;
    let second = second_client(&lab, PHONE, &[&first]).await;
    let question = other.send(PHONE, "to both of you").await;
    second.text(&question).await;
    first.text(&question).await;

    let path = format!("/phones/{PHONE}/unlink");
    let known = first.count(&Seen::Devices);
    let heard = other.count(&Seen::Devices);
    let (status, answer) = lab.request("POST", &path, Some(json!({ "device": 7 }))).await;
    assert_eq!(
        (status, &answer["error"]["details"][0]["field"]),
        (400, &"device".into())
    );
    let (status, answer) = lab.request("POST", &path, Some(json!({ "device": 2 }))).await;
    assert_eq!((status, &answer["unlinked"]), (200, &1.into()));
    second.sees(&Seen::LoggedOut, 1).await;
    first.sees(&Seen::Devices, known + 1).await;
    other.sees(&Seen::Devices, heard + 1).await;

    let id = first.send(CONTACT, "alone again").await;
    first.sees(&Seen::Read(id), 1).await;
    let id = other.send(PHONE, "to one of you").await;
    assert_eq!(first.text(&id).await.1, "to one of you");
    let id = lab.write(CONTACT, PHONE, "to the rest").await;
    first.text(&id).await;
    for client in [first, second, other] {
        client.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_companion_that_was_away_catches_up_with_both_sides() {
    let lab = Lab::start().await;
    let first = lab.linked_client(PHONE).await;
    let second = second_client(&lab, PHONE, &[&first]).await;
    let both = first.send(CONTACT, "both are here").await;
    second.text(&both).await;
    let backend = second.stop().await;
    let sent = first.send(CONTACT, "sent meanwhile").await;
    let written = lab.write(CONTACT, PHONE, "written meanwhile").await;
    first.text(&written).await;

    let second = TestClient::start(&lab, backend).await;
    second.connected(1).await;
    assert_eq!(
        second.text(&sent).await,
        (chat(CONTACT), "sent meanwhile".to_owned())
    );
    assert_eq!(second.text(&written).await.1, "written meanwhile");
    first.stop().await;
    second.stop().await;
}
