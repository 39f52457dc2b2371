//! Groups: sealed once for everybody in them.

use serde_json::{Value, json};

use crate::support::{Lab, Seen, TestClient, jid};

const PHONE: &str = "+15551234567";
const OTHER: &str = "+4915112345678";
const CONTACTS: [&str; 2] = ["+15557654321", "+15557654322"];

async fn group(lab: &Lab, participants: &[&str]) -> String {
    let body = json!({ "subject": "Lunch", "participants": participants });
    let (status, group) = lab.request("POST", "/groups", Some(body)).await;
    assert_eq!(status, 201, "{group}");
    group["id"].as_str().expect("a JID").to_owned()
}

async fn write(lab: &Lab, contact: &str, group: &str, undecryptable: bool, text: &str) -> String {
    let body = json!({ "to": group, "text": text, "undecryptable": undecryptable });
    let path = format!("/contacts/{contact}/messages");
    let (status, written) = lab.request("POST", &path, Some(body)).await;
    assert_eq!((status, &written["to"]), (201, &group.into()), "{written}");
    written["stanzaId"].as_str().expect("an id").to_owned()
}

/// The contact decrypted this text in this group, once.
fn assert_received(message: &Value, group: &str, text: &str) {
    assert_eq!(message["group"], group);
    assert_eq!(message["text"], text);
    assert_eq!(message["from"], PHONE);
    assert_eq!(message["copies"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_knows_the_groups_it_is_in() {
    let lab = Lab::start().await;
    let client = lab.linked_client(PHONE).await;
    let lunch = group(&lab, &[CONTACTS[0], PHONE, CONTACTS[1]]).await;
    let (_, shown) = lab.request("GET", &format!("/groups/{lunch}"), None).await;
    assert_eq!(shown["participants"], json!([CONTACTS[0], PHONE, CONTACTS[1]]));

    let groups = client.client.groups();
    let known = groups.get_metadata(&jid(&lunch)).await.expect("the group");
    assert_eq!((known.subject.as_str(), known.participants.len()), ("Lunch", 3));
    let all = groups.get_participating().await.expect("all groups");
    assert_eq!(all.into_keys().collect::<Vec<_>>(), [jid(&lunch)]);

    let others = group(&lab, &CONTACTS).await;
    assert!(groups.get_metadata(&jid(&others)).await.is_err());
    client.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_in_a_group_reads_what_a_client_sends() {
    let lab = Lab::start().await;
    let client = lab.linked_client(PHONE).await;
    let group = group(&lab, &[PHONE, CONTACTS[0], CONTACTS[1]]).await;
    for text in ["first, with the key", "second, without it"] {
        let id = client.send(&group, text).await;
        client.sees(&Seen::Ack(id.clone()), 1).await;
        client
            .sees(&Seen::ReceiptFrom("read", id.clone(), group.clone()), 2)
            .await;
        for contact in CONTACTS {
            let message = lab.received_as(contact, &id).await.expect("received");
            assert_received(&message, &group, text);
        }
    }
    let private = client.send(CONTACTS[0], "between us").await;
    client.sees(&Seen::Read(private.clone()), 1).await;
    let message = lab.received_as(CONTACTS[0], &private).await.expect("received");
    assert_eq!(message["group"], Value::Null);
    client.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_that_lost_the_key_of_a_group_asks_again() {
    let lab = Lab::start().await;
    let client = lab.linked_client(PHONE).await;
    let group = group(&lab, &[PHONE, CONTACTS[0], CONTACTS[1]]).await;
    let first = client.send(&group, "first").await;
    client.sees(&Seen::Read(first), 2).await;
    let path = format!("/contacts/{}/forget-session", CONTACTS[0]);
    let (status, _) = lab
        .request("POST", &path, Some(json!({ "account": PHONE })))
        .await;
    assert_eq!(status, 200);
    for text in ["asked for again", "and with a new key"] {
        let id = client.send(&group, text).await;
        client.sees(&Seen::Read(id.clone()), 2).await;
        for contact in CONTACTS {
            let message = lab.received_as(contact, &id).await.expect("received");
            assert_received(&message, &group, text);
        }
    }
    client.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_writes_into_a_group() {
    let lab = Lab::start().await;
    let client = lab.linked_client(PHONE).await;
    let group = group(&lab, &[PHONE, CONTACTS[0], CONTACTS[1]]).await;
    for (contact, undecryptable, text) in [
        (CONTACTS[0], false, "first, with the key"),
        (CONTACTS[0], false, "second, without it"),
        (CONTACTS[1], false, "from the other"),
        (CONTACTS[0], true, "asked for again"),
        (CONTACTS[0], false, "and all is well"),
    ] {
        let id = write(&lab, contact, &group, undecryptable, text).await;
        assert_eq!(client.text(&id).await, (group.clone(), text.to_owned()));
        assert_eq!(client.count_texts(&id), 1);
        let retried = client.count(&Seen::Undecryptable(id));
        assert_eq!(retried, usize::from(undecryptable), "{text}");
    }
    let stranger = "+15557654323";
    let path = format!("/contacts/{stranger}/messages");
    let body = json!({ "to": group, "text": "let me in" });
    let (status, refused) = lab.request("POST", &path, Some(body)).await;
    assert_eq!(
        (status, &refused["error"]["details"][0]["field"]),
        (400, &"to".into())
    );
    client.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_with_several_companions_talk_in_a_group() {
    let lab = Lab::start().await;
    let first = lab.linked_client(PHONE).await;
    let second = lab.linked_client(PHONE).await;
    let other = lab.linked_client(OTHER).await;
    first.sees(&Seen::Devices, 1).await;
    let group = group(&lab, &[PHONE, OTHER, CONTACTS[0]]).await;
    let clients: [&TestClient; 3] = [&first, &second, &other];
    for text in ["hello", "hello again"] {
        for sender in 0..clients.len() {
            let id = clients[sender].send(&group, text).await;
            for reader in (0..clients.len()).filter(|reader| *reader != sender) {
                let seen = clients[reader].text(&id).await;
                assert_eq!(seen, (group.clone(), text.to_owned()), "{sender} to {reader}");
            }
            clients[sender].sees(&Seen::Read(id.clone()), 1).await;
            let message = lab.received_as(CONTACTS[0], &id).await.expect("received");
            assert_eq!(
                (&message["group"], &message["text"]),
                (&group.as_str().into(), &text.into())
            );
        }
    }
    for client in [first, second, other] {
        client.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_survives_a_restart_of_the_sandbox() {
    let directory = tempfile::tempdir().expect("a directory");
    let lab = Lab::start_in(directory.path().to_owned()).await;
    let client = lab.linked_client(PHONE).await;
    let group = group(&lab, &[PHONE, CONTACTS[0]]).await;
    let sent = client.send(&group, "before").await;
    client.sees(&Seen::Read(sent), 1).await;
    let written = write(&lab, CONTACTS[0], &group, false, "before").await;
    client.text(&written).await;
    let backend = client.stop().await;
    lab.sandbox.stop().await;

    let lab = Lab::start_in(directory.path().to_owned()).await;
    let client = TestClient::start(&lab, backend).await;
    client.connected(1).await;
    let written = write(&lab, CONTACTS[0], &group, false, "after").await;
    assert_eq!(client.text(&written).await.1, "after");
    assert_eq!(client.count(&Seen::Undecryptable(written)), 0);
    let sent = client.send(&group, "after").await;
    client.sees(&Seen::Read(sent.clone()), 1).await;
    let message = lab.received_as(CONTACTS[0], &sent).await.expect("received");
    assert_received(&message, &group, "after");
    client.stop().await;
}
