//! What goes wrong while a session lasts.

use serde_json::json;

use crate::support::{CONTACT, Lab, PHONE, Seen, eventually};

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

#[tokio::test(flavor = "multi_thread")]
async fn silence_may_last_for_several_connections() {
    let lab = Lab::start().await;
    let client = lab.linked_client(PHONE).await;
    lab.fault_with(PHONE, "mute", json!({ "count": 2 })).await;
    assert_eq!(lab.faults().await[0]["count"], 1);
    client.client.reconnect_immediately().await;
    eventually("the second connection is muted", async || {
        let faults = lab.faults().await;
        (faults.len() == 1 && faults[0]["state"] == "in_effect").then_some(())
    })
    .await;
    assert_eq!(client.count(&Seen::Connected), 1);
    // The login is answered when the silence is lifted.
    lab.clear_faults().await;
    client.connected(2).await;
    let id = client.send(CONTACT, "at last").await;
    client.sees(&Seen::Read(id), 1).await;
    client.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_server_answers_late_and_in_order() {
    let lab = Lab::start().await;
    let client = lab.linked_client(PHONE).await;
    let first = client.send(CONTACT, "first").await;
    client.sees(&Seen::Read(first), 1).await;
    // Later than any test is willing to wait, so that what comes comes because it was cleared.
    lab.fault_with(PHONE, "slow", json!({ "latencyMs": 60_000 }))
        .await;
    let second = client.send(CONTACT, "second").await;
    let written = lab.write(CONTACT, PHONE, "written").await;
    eventually("the message is delivered at once", async || {
        lab.received_as(CONTACT, &second).await
    })
    .await;
    assert_eq!(client.count(&Seen::Ack(second.clone())), 0);
    assert!(!client.has_text(&written));
    lab.clear_faults().await;
    client.sees(&Seen::Ack(second.clone()), 1).await;
    client.sees(&Seen::Read(second), 1).await;
    assert_eq!(client.text(&written).await.1, "written");

    lab.fault_with(PHONE, "slow", json!({ "latencyMs": 50 })).await;
    for text in ["one", "two", "three"] {
        let id = client.send(CONTACT, text).await;
        client.sees(&Seen::Read(id), 1).await;
    }
    client.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_server_is_slow_on_the_next_connection_too() {
    let lab = Lab::start().await;
    let client = lab.linked_client(PHONE).await;
    let witness = lab.linked_client(OTHER_PHONE).await;
    lab.fault_with(PHONE, "slow", json!({ "latencyMs": 60_000 }))
        .await;
    let before = client.connections();
    client.client.reconnect_immediately().await;
    eventually("another connection", async || {
        (client.connections() > before).then_some(())
    })
    .await;
    // Far more than it takes to log in.
    for _ in 0..20 {
        let id = witness.send(CONTACT, "a while").await;
        witness.sees(&Seen::Read(id), 1).await;
    }
    assert_eq!(client.count(&Seen::Connected), 1);
    lab.clear_faults().await;
    client.connected(2).await;
    client.stop().await;
    witness.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_delivered_twice_is_seen_once() {
    let lab = Lab::start().await;
    let client = lab.linked_client(PHONE).await;
    // A conversation on both sides, so that a copy begins no session of its own.
    let first = lab.write(CONTACT, PHONE, "first").await;
    client.text(&first).await;
    let answer = client.send(CONTACT, "answer").await;
    client.sees(&Seen::Read(answer), 1).await;

    lab.fault_with(PHONE, "duplicate_delivery", json!({ "count": 2 }))
        .await;
    let second = lab.write(CONTACT, PHONE, "second").await;
    client.text(&second).await;
    let sent = client.send(CONTACT, "sent").await;
    client.sees(&Seen::Delivered(sent.clone()), 2).await;
    client.sees(&Seen::Read(sent), 1).await;
    let third = lab.write(CONTACT, PHONE, "third").await;
    client.text(&third).await;
    for (id, times) in [(first, 1), (second, 2), (third, 1)] {
        assert_eq!(client.count(&Seen::Stanza("message", id.clone())), times);
        assert_eq!(client.count_texts(&id), 1);
    }
    assert!(lab.faults().await.is_empty());
    client.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_listen_still_speaks() {
    let lab = Lab::start().await;
    let client = lab.linked_client(PHONE).await;
    let before = client.send(CONTACT, "before").await;
    client.sees(&Seen::Read(before), 1).await;
    lab.fault_with(PHONE, "drop_frames_after", json!({ "frames": 0 }))
        .await;
    let unheard = client.send(CONTACT, "unheard").await;
    let written = lab.write(CONTACT, PHONE, "written").await;
    assert_eq!(client.text(&written).await.1, "written");
    let fault = &lab.faults().await[0];
    assert_eq!(
        (&fault["kind"], &fault["frames"]),
        (&"drop_frames_after".into(), &0.into())
    );
    assert_eq!(client.count(&Seen::Ack(unheard.clone())), 0);
    assert_eq!(lab.received_as(CONTACT, &unheard).await, None);

    // The next connection is like any other.
    client.client.reconnect_immediately().await;
    client.connected(2).await;
    client.send_as(&unheard, CONTACT, "heard").await;
    client.sees(&Seen::Read(unheard.clone()), 1).await;
    let message = lab.received_as(CONTACT, &unheard).await.expect("received");
    assert_eq!(
        (&message["text"], &message["copies"]),
        (&"heard".into(), &1.into())
    );
    assert_eq!(client.count_texts(&written), 1);
    client.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_that_is_still_heard_is_counted() {
    let lab = Lab::start().await;
    let client = lab.linked_client(PHONE).await;
    let before = client.send(CONTACT, "before").await;
    client.sees(&Seen::Read(before), 1).await;
    lab.fault_with(PHONE, "drop_frames_after", json!({ "frames": 1_000 }))
        .await;
    let heard = client.send(CONTACT, "heard").await;
    client.sees(&Seen::Read(heard), 1).await;
    let frames = lab.faults().await[0]["frames"].as_u64().expect("a number");
    assert!(frames < 1_000, "{frames}");
    client.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_cannot_be_read_is_asked_for_again() {
    let lab = Lab::start().await;
    let client = lab.linked_client(PHONE).await;
    lab.fault(PHONE, "undecryptable").await;
    let begins = lab.write(CONTACT, PHONE, "begins a session").await;
    client.sees(&Seen::Undecryptable(begins.clone()), 1).await;
    assert_eq!(client.text(&begins).await.1, "begins a session");
    let answer = client.send(CONTACT, "answer").await;
    client.sees(&Seen::Read(answer), 1).await;

    lab.fault(PHONE, "undecryptable").await;
    let continues = lab.write(CONTACT, PHONE, "continues it").await;
    client.sees(&Seen::Undecryptable(continues.clone()), 1).await;
    assert_eq!(client.text(&continues).await.1, "continues it");
    let next = lab.write(CONTACT, PHONE, "readable at once").await;
    assert_eq!(client.text(&next).await.1, "readable at once");
    assert_eq!(client.count(&Seen::Undecryptable(next.clone())), 0);
    for id in [begins, continues, next] {
        assert_eq!(client.count_texts(&id), 1);
    }
    client.stop().await;
}
