//! Texts both ways, and what happens around them.

use serde_json::json;

use crate::support::{Lab, Seen, TestClient, eventually, jid};

const PHONE: &str = "+15551234567";
const CONTACT: &str = "+15557654321";

#[tokio::test(flavor = "multi_thread")]
async fn texts_arrive_exactly_and_come_back_as_delivered_and_read() {
    let lab = Lab::start().await;
    let client = lab.linked_client(PHONE).await;
    let texts = [
        "hello".to_owned(),
        "👩‍👩‍👧‍👦🇺🇳 e\u{301}\u{200d}".to_owned(),
        "שלום \u{202e}مرحبا\u{202c} abc".to_owned(),
        "x".repeat(4096),
    ];
    let mut ids = Vec::new();
    for text in &texts {
        ids.push(client.send(CONTACT, text).await);
    }
    for id in &ids {
        client.sees(&Seen::Ack(id.clone()), 1).await;
        client.sees(&Seen::Delivered(id.clone()), 1).await;
        client.sees(&Seen::Read(id.clone()), 1).await;
    }
    let received = lab.received(CONTACT).await;
    assert_eq!(received.len(), texts.len());
    for (message, (id, text)) in received.iter().zip(ids.iter().zip(&texts)) {
        assert_eq!(message["stanzaId"], *id);
        assert_eq!(message["from"], PHONE);
        assert_eq!(message["type"], "text");
        assert_eq!(message["text"], *text);
        assert_eq!(message["copies"], 1);
    }
    client.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_writes_to_a_client_and_is_answered() {
    let lab = Lab::start().await;
    let client = lab.linked_client(PHONE).await;
    for text in ["first", "👍 second"] {
        let id = lab.write(CONTACT, PHONE, text).await;
        let (chat, received) = client.text(&id).await;
        assert_eq!(received, text);
        assert_eq!(chat, "15557654321@s.whatsapp.net");
    }
    let answer = client.send(CONTACT, "yes?").await;
    client.sees(&Seen::Read(answer), 1).await;
    let third = lab.write(CONTACT, PHONE, "third").await;
    assert_eq!(client.text(&third).await.1, "third");
    client.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_while_a_client_is_away_waits_for_it() {
    let lab = Lab::start().await;
    let backend = lab.linked_client(PHONE).await.stop().await;
    let mut waiting = Vec::new();
    for number in 0..20 {
        waiting.push(lab.write(CONTACT, PHONE, &format!("number {number}")).await);
    }
    let client = TestClient::start(&lab, backend).await;
    client.connected(1).await;
    for (number, id) in waiting.iter().enumerate() {
        assert_eq!(client.text(id).await.1, format!("number {number}"));
    }
    client.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hundreds_of_messages_that_waited_come_once_and_in_order() {
    const COUNT: usize = 500;
    let lab = Lab::start().await;
    let backend = lab.linked_client(PHONE).await.stop().await;
    let mut written = Vec::new();
    for number in 0..COUNT {
        written.push(lab.write(CONTACT, PHONE, &number.to_string()).await);
    }
    let client = TestClient::start(&lab, backend).await;
    client.connected(1).await;
    client.text(&written[COUNT - 1]).await;
    let last = lab.write(CONTACT, PHONE, "behind them").await;
    written.push(last.clone());
    client.text(&last).await;
    assert_eq!(client.text_ids(), written);

    // Everything was confirmed, so that nothing comes again.
    let path = format!("/phones/{PHONE}");
    eventually("an empty queue", async || {
        let (_, phone) = lab.request("GET", &path, None).await;
        (phone["companions"][0]["queued"] == 0).then_some(())
    })
    .await;
    client.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offline_contact_gets_its_messages_later() {
    let lab = Lab::start().await;
    lab.set_contact(CONTACT, json!({ "online": false })).await;
    let client = lab.linked_client(PHONE).await;
    let id = client.send(CONTACT, "are you there?").await;
    client.sees(&Seen::Ack(id.clone()), 1).await;
    assert!(lab.received(CONTACT).await.is_empty());
    assert_eq!(client.count(&Seen::Delivered(id.clone())), 0);

    // The receipts wait for the client in their turn.
    let backend = client.stop().await;
    lab.set_contact(CONTACT, json!({ "online": true, "autoRead": false }))
        .await;
    assert_eq!(lab.received(CONTACT).await[0]["text"], "are you there?");
    let client = TestClient::start(&lab, backend).await;
    client.sees(&Seen::Delivered(id.clone()), 1).await;
    assert_eq!(client.count(&Seen::Read(id)), 0);
    client.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unregistered_number_is_not_on_whatsapp() {
    let lab = Lab::start().await;
    lab.set_contact(CONTACT, json!({ "registered": false })).await;
    let client = lab.linked_client(PHONE).await;
    let asked = [jid(CONTACT), jid("+15557654322")];
    let answers = client
        .client
        .contacts()
        .is_on_whatsapp(&asked)
        .await
        .expect("an answer");
    let registered = |phone: &str| {
        let answer = answers.iter().find(|answer| answer.jid.user == jid(phone).user);
        answer.expect("an answer for this number").is_registered
    };
    assert!(!registered(CONTACT));
    assert!(registered("+15557654322"));
    client.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_sent_again_under_its_id_is_a_copy() {
    let lab = Lab::start().await;
    let client = lab.linked_client(PHONE).await;
    let id = "3EB0AAAABBBBCCCCDDDD11";
    for times in 1..=3 {
        client.send_as(id, CONTACT, "once").await;
        client.sees(&Seen::Ack(id.to_owned()), times).await;
        client.sees(&Seen::Delivered(id.to_owned()), times).await;
    }
    let received = lab.received(CONTACT).await;
    assert_eq!(received.len(), 1);
    assert_eq!(received[0]["copies"], 3);
    client.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_accounts_write_to_one_contact_and_to_each_other() {
    let lab = Lab::start().await;
    let other = "+4915112345678";
    let first = lab.linked_client(PHONE).await;
    let second = lab.linked_client(other).await;
    let from_first = first.send(CONTACT, "from one").await;
    let from_second = second.send(CONTACT, "from two").await;
    first.sees(&Seen::Read(from_first.clone()), 1).await;
    second.sees(&Seen::Read(from_second.clone()), 1).await;
    let message = lab.received_as(CONTACT, &from_first).await.expect("received");
    assert_eq!(message["from"], PHONE);
    let message = lab.received_as(CONTACT, &from_second).await.expect("received");
    assert_eq!(message["from"], other);

    let across = first.send(other, "hello neighbour").await;
    assert_eq!(second.text(&across).await.1, "hello neighbour");
    first.sees(&Seen::Delivered(across), 1).await;
    let back = second.send(PHONE, "hello yourself").await;
    assert_eq!(first.text(&back).await.1, "hello yourself");
    first.stop().await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_runs_out_of_one_time_keys_brings_more() {
    let lab = Lab::start().await;
    let client = lab.linked_client(PHONE).await;
    let path = format!("/phones/{PHONE}");
    let left = async || {
        let (_, phone) = lab.request("GET", &path, None).await;
        phone["companions"][0]["prekeys"].as_u64().expect("a number")
    };
    // Every stranger uses up one.
    let mut least = left().await;
    let mut strangers = (0..1000).map(|number| format!("+1555765{number:04}"));
    while least > 5 {
        let stranger = strangers.next().expect("a stranger");
        let id = lab.write(&stranger, PHONE, "hello from a stranger").await;
        client.text(&id).await;
        let now = left().await;
        if now > least {
            break;
        }
        least = now;
    }
    eventually("more one-time keys", async || (left().await >= 30).then_some(())).await;
    let stranger = strangers.next().expect("a stranger");
    let id = lab.write(&stranger, PHONE, "hello from the last").await;
    assert_eq!(client.text(&id).await.1, "hello from the last");
    client.stop().await;
}
