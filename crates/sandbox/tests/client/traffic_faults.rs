//! What goes wrong while a session lasts.

use serde_json::json;

use crate::support::{CONTACT, Lab, PHONE, Seen};

const OTHER_PHONE: &str = "+4915112345678";

#[tokio::test(flavor = "multi_thread")]
async fn a_message_without_an_ack_arrives_all_the_same() {
    let lab = Lab::start().await;
    let client = lab.linked_client(PHONE).await;
    lab.fault_with(PHONE, "lose_acks", json!({ "count": 2 })).await;
    let [first, second, third] = [
        client.send(CONTACT, "one").await,
        client.send(CONTACT, "two").await,
        client.send(CONTACT, "three").await,
    ];
    for id in [&first, &second, &third] {
        client.sees(&Seen::Read(id.clone()), 1).await;
    }
    client.sees(&Seen::Ack(third), 1).await;
    for id in [first, second] {
        assert_eq!(client.count(&Seen::Ack(id.clone())), 0);
        // Who hears nothing sends again, and then it is a copy.
        client.send_as(&id, CONTACT, "again").await;
        client.sees(&Seen::Ack(id.clone()), 1).await;
        let message = lab.received_as(CONTACT, &id).await.expect("received");
        assert_eq!(message["copies"], 2);
    }
    assert!(lab.faults().await.is_empty());
    client.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_message_can_be_sent_again() {
    let lab = Lab::start().await;
    let client = lab.linked_client(PHONE).await;
    lab.fault(PHONE, "lose_messages").await;
    let lost = client.send(CONTACT, "lost").await;
    let next = client.send(CONTACT, "next").await;
    client.sees(&Seen::Ack(next.clone()), 1).await;
    client.sees(&Seen::Read(next), 1).await;
    assert_eq!(client.count(&Seen::Ack(lost.clone())), 0);
    assert_eq!(lab.received_as(CONTACT, &lost).await, None);

    client.send_as(&lost, CONTACT, "found").await;
    client.sees(&Seen::Read(lost.clone()), 1).await;
    let message = lab.received_as(CONTACT, &lost).await.expect("received");
    assert_eq!(
        (&message["text"], &message["copies"]),
        (&"found".into(), &1.into())
    );
    client.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_message_is_not_delivered() {
    let lab = Lab::start().await;
    let client = lab.linked_client(PHONE).await;
    lab.fault(PHONE, "nack").await;
    lab.fault_with(PHONE, "nack", json!({ "code": 463 })).await;
    for code in ["479", "463"] {
        let id = client.send(CONTACT, "no").await;
        let code = code.to_owned();
        client.sees(&Seen::Nack { id, code }, 1).await;
    }
    let taken = client.send(CONTACT, "yes").await;
    client.sees(&Seen::Read(taken.clone()), 1).await;
    let received = lab.received(CONTACT).await;
    assert_eq!(received.len(), 1);
    assert_eq!(received[0]["stanzaId"], taken);
    client.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mute_server_hears_and_says_nothing_until_it_is_unmuted() {
    let lab = Lab::start().await;
    let client = lab.linked_client(PHONE).await;
    let witness = lab.linked_client(OTHER_PHONE).await;
    let before = client.send(CONTACT, "before").await;
    client.sees(&Seen::Read(before), 1).await;
    lab.fault(PHONE, "mute").await;

    let unheard = client.send(CONTACT, "unheard").await;
    let unsaid = lab.write(CONTACT, PHONE, "unsaid").await;
    // Somebody else's conversation goes on meanwhile.
    let other = witness.send(CONTACT, "other").await;
    witness.sees(&Seen::Read(other), 1).await;
    assert_eq!(lab.received_as(CONTACT, &unheard).await, None);
    assert_eq!(client.count(&Seen::Ack(unheard.clone())), 0);
    assert!(!client.has_text(&unsaid));
    assert_eq!(lab.faults().await[0]["state"], "in_effect");

    lab.clear_faults().await;
    assert_eq!(client.text(&unsaid).await.1, "unsaid");
    client.sees(&Seen::Read(unheard.clone()), 1).await;
    let message = lab.received_as(CONTACT, &unheard).await.expect("received");
    assert_eq!(message["copies"], 1);
    assert_eq!(client.count(&Seen::Connected), 1);
    client.stop().await;
    witness.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_connection_ends_the_silence() {
    let lab = Lab::start().await;
    let client = lab.linked_client(PHONE).await;
    let before = client.send(CONTACT, "before").await;
    client.sees(&Seen::Read(before), 1).await;
    lab.fault(PHONE, "mute").await;
    let unheard = client.send(CONTACT, "unheard").await;
    let unsaid = lab.write(CONTACT, PHONE, "unsaid").await;

    // What the client does when it has heard nothing for too long.
    client.client.reconnect_immediately().await;
    client.connected(2).await;
    assert_eq!(client.text(&unsaid).await.1, "unsaid");
    client.send_as(&unheard, CONTACT, "heard").await;
    client.sees(&Seen::Read(unheard.clone()), 1).await;
    let message = lab.received_as(CONTACT, &unheard).await.expect("received");
    assert_eq!(
        (&message["text"], &message["copies"]),
        (&"heard".into(), &1.into())
    );
    assert!(lab.faults().await.is_empty());
    client.stop().await;
}
