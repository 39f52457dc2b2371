//! Whose turn it is: order, retries, deadlines, schedules, and accounts.

use super::*;

#[tokio::test]
async fn messages_go_in_the_order_of_acceptance() {
    let fixture = Fixture::new().await;
    for to in [1, 2, 1, 3] {
        fixture.accept(to, 10).await;
    }
    assert_eq!(fixture.claim(2, 20).await, ["OUT0", "OUT1"]);
    assert_eq!(
        fixture.claim(9, 21).await,
        ["OUT2", "OUT3"],
        "one in flight does not hold back the next of its chat"
    );
    assert!(fixture.claim(9, 22).await.is_empty());
    assert_eq!(fixture.next_due().await, Some(1_020));
}

#[tokio::test]
async fn a_waiting_message_holds_back_its_chat_and_no_other() {
    let fixture = Fixture::new().await;
    for to in [1, 1, 2, 1] {
        fixture.accept(to, 10).await;
    }
    assert_eq!(fixture.claim(1, 20).await, ["OUT0"]);
    fixture.record(retry("OUT0", 500), 30).await;
    fixture.accept(1, 40).await;
    fixture.accept(2, 40).await;
    assert_eq!(fixture.claim(9, 50).await, ["OUT2", "OUT5"]);
    assert_eq!(
        fixture.next_due().await,
        Some(500),
        "those behind are not due before it"
    );
    assert_eq!(fixture.claim(2, 500).await, ["OUT0", "OUT1"]);
    // The first waits again: the rest of its chat with it, but not what is in flight already.
    fixture.record(retry("OUT0", 900), 510).await;
    assert!(fixture.claim(9, 520).await.is_empty());
    assert_eq!(fixture.claim(9, 900).await, ["OUT0", "OUT3", "OUT4"]);
}

#[tokio::test]
async fn the_end_of_a_waiting_message_lets_the_next_one_go() {
    let fixture = Fixture::new().await;
    for _ in 0..3 {
        fixture.accept(1, 10).await;
    }
    fixture.claim(1, 20).await;
    fixture.record(retry("OUT0", 500), 30).await;
    assert!(fixture.claim(9, 40).await.is_empty());
    // The server had it after all.
    fixture.record(acked("OUT0"), 50).await;
    assert!(fixture.next_due().await.is_some_and(|due| due <= 60));
    assert_eq!(fixture.claim(9, 60).await, ["OUT1", "OUT2"]);
}

#[tokio::test]
async fn several_retries_of_a_chat_keep_their_order() {
    let fixture = Fixture::new().await;
    for _ in 0..4 {
        fixture.accept(1, 10).await;
    }
    fixture.claim(3, 20).await;
    fixture.record(retry("OUT2", 100), 30).await;
    fixture.record(retry("OUT0", 300), 30).await;
    fixture.record(retry("OUT1", 200), 30).await;
    assert!(fixture.claim(9, 250).await.is_empty(), "the first waits longest");
    assert_eq!(fixture.next_due().await, Some(300));
    assert_eq!(fixture.claim(9, 300).await, ["OUT0", "OUT1", "OUT2", "OUT3"]);
}

#[tokio::test]
async fn an_unanswered_attempt_is_made_again() {
    let fixture = Fixture::new().await;
    let message = fixture.accept(1, 10).await;
    fixture.accept(1, 10).await;
    assert_eq!(fixture.claim(1, 20).await, ["OUT0"]);
    assert!(
        fixture.claim(1, 1_019).await.contains(&"OUT1".to_owned()),
        "before its deadline it is left alone"
    );
    assert_eq!(fixture.claim(9, 1_020).await, ["OUT0"]);
    assert_eq!(
        fixture.steps(message.id).await,
        ["queued", "processing", "retrying", "processing"]
    );
    assert_eq!(fixture.stored(message.id).await.attempts, 2);
    assert_eq!(fixture.next_due().await, Some(2_019));
}

#[tokio::test]
async fn an_unanswered_attempt_waits_behind_an_earlier_message() {
    let fixture = Fixture::new().await;
    fixture.accept(1, 10).await;
    let second = fixture.accept(1, 10).await;
    fixture.claim(2, 20).await;
    fixture.record(retry("OUT0", 5_000), 30).await;
    assert!(fixture.claim(9, 1_020).await.is_empty());
    assert_eq!(
        fixture.steps(second.id).await,
        ["queued", "processing", "retrying"]
    );
    assert_eq!(fixture.claim(9, 5_000).await, ["OUT0", "OUT1"]);
}

#[tokio::test]
async fn what_was_in_flight_comes_again_after_a_lost_connection() {
    let mut fixture = Fixture::new().await;
    for to in [1, 2, 1] {
        fixture.accept(to, 10).await;
    }
    fixture.claim(2, 20).await;
    let released = fixture.store.release_claims(fixture.device, at(30)).await;
    assert_eq!(released, Ok(2));
    assert!(fixture.next_due().await.is_some_and(|due| due <= 10));
    fixture.reopen().await;
    assert_eq!(fixture.claim(9, 40).await, ["OUT0", "OUT1", "OUT2"]);
    // The ack of the first attempt counts for the message.
    fixture.record(acked("OUT0"), 50).await;
    let released = fixture.store.release_claims(fixture.device, at(60)).await;
    assert_eq!(released, Ok(2));
}

#[tokio::test]
async fn a_deadline_that_has_passed_does_not_claim_twice() {
    let fixture = Fixture::new().await;
    fixture.accept(1, 10).await;
    fixture.claim(1, 20).await;
    let claimed = fixture
        .store
        .claim(fixture.device, 9, at(0), at(2_000))
        .await
        .expect("a claim");
    assert_eq!(claimed.len(), 1);
}

#[tokio::test]
async fn a_scheduled_message_waits_for_its_time() {
    let fixture = Fixture::new().await;
    let later = NewMessage {
        scheduled_for: Some(at(500)),
        ..fixture.message(1)
    };
    fixture.accept_this(&later, 10).await;
    let past = NewMessage {
        scheduled_for: Some(at(5)),
        ..fixture.message(1)
    };
    fixture.accept_this(&past, 10).await;
    let stored = fixture.stored(later.id).await;
    assert_eq!(
        (stored.status, stored.scheduled_for),
        (MessageStatus::Scheduled, Some(at(500)))
    );
    assert_eq!(fixture.claim(9, 20).await, ["OUT1"]);
    fixture.record(acked("OUT1"), 30).await;
    assert_eq!(fixture.next_due().await, None);

    let store = &fixture.store;
    assert_eq!(store.promote_scheduled(at(499), 9).await, Ok(vec![]));
    assert_eq!(
        store.promote_scheduled(at(500), 9).await,
        Ok(vec![fixture.device])
    );
    assert_eq!(store.promote_scheduled(at(501), 9).await, Ok(vec![]));
    assert_eq!(fixture.claim(9, 510).await, ["OUT0"]);
    assert_eq!(
        fixture.steps(later.id).await,
        ["scheduled", "queued", "processing"]
    );
}

#[tokio::test]
async fn no_more_than_the_limit_are_promoted_at_once() {
    let fixture = Fixture::new().await;
    for time in [300, 100, 200] {
        let message = NewMessage {
            scheduled_for: Some(at(time)),
            ..fixture.message(1)
        };
        fixture.accept_this(&message, 10).await;
    }
    let promoted = fixture.store.promote_scheduled(at(400), 2).await;
    assert_eq!(promoted, Ok(vec![fixture.device]));
    assert_eq!(fixture.claim(9, 400).await, ["OUT1", "OUT2"]);
}

#[tokio::test]
async fn a_message_leaves_only_from_the_account_it_was_accepted_for() {
    let fixture = Fixture::new().await;
    let in_flight = fixture.accept(1, 10).await;
    fixture.accept(2, 10).await;
    fixture.accept(2, 10).await;
    fixture.claim(2, 20).await;
    fixture.record(retry("OUT1", 50), 30).await;
    fixture.log_out(40).await;
    fixture.link("15550000009", 40).await;
    let queued = NewMessage {
        queue_if_disconnected: true,
        ..fixture.message(2)
    };
    fixture.accept_this(&queued, 40).await;
    assert_eq!(fixture.claim(9, 2_000).await, ["OUT3"]);
    assert_eq!(fixture.next_due().await, Some(3_000), "the others are parked");
    assert_eq!(fixture.stored(in_flight.id).await.status, MessageStatus::Retrying);

    fixture.link("15550000001", 2_100).await;
    assert!(
        fixture.claim(9, 2_200).await.is_empty(),
        "until they are released"
    );
    let released = fixture
        .store
        .release_parked(fixture.workspace, fixture.device, at(2_300));
    assert_eq!(released.await.expect("released"), 3);
    assert_eq!(fixture.claim(9, 2_300).await, ["OUT0", "OUT1", "OUT2"]);
}

#[tokio::test]
async fn a_device_that_was_never_linked_sends_nothing_until_it_is() {
    let fixture = Fixture::new().await;
    let device = DeviceId::generate();
    fixture
        .store
        .create_device(fixture.workspace, device, String::new(), at(0))
        .await
        .expect("a device");
    let message = NewMessage {
        device,
        queue_if_disconnected: true,
        ..fixture.message(1)
    };
    fixture.accept_this(&message, 10).await;
    fixture
        .store
        .link_account(device, account("15550000002"), at(20))
        .await
        .expect("linked");
    let claimed = fixture
        .store
        .claim(device, 9, at(99), at(30))
        .await
        .expect("a claim");
    assert_eq!(claimed.len(), 1);
}

#[tokio::test]
async fn a_backlog_behind_one_message_does_not_stand_in_the_way() {
    let fixture = Fixture::new().await;
    fixture.accept(1, 10).await;
    fixture.claim(1, 20).await;
    fixture.record(retry("OUT0", 500_000), 30).await;
    for _ in 0..100 {
        fixture.accept(1, 40).await;
    }
    fixture.accept(2, 40).await;
    assert_eq!(fixture.claim(1, 50).await, ["OUT101"]);
    assert_eq!(fixture.next_due().await, Some(1_050));
    // They come forward one by one, in order.
    let mut gone = fixture.claim(50, 500_000).await;
    gone.extend(fixture.claim(100, 500_001).await);
    gone.retain(|stanza| stanza != "OUT101");
    let expected: Vec<_> = (0..=100).map(|number| format!("OUT{number}")).collect();
    assert_eq!(gone, expected);
}

#[tokio::test]
async fn a_clock_that_is_turned_back_keeps_nothing_waiting() {
    let fixture = Fixture::new().await;
    for _ in 0..3 {
        fixture.accept(1, 10_000).await;
    }
    fixture.claim(1, 10_000).await;
    fixture.record(retry("OUT0", 10_100), 10_000).await;
    assert!(fixture.claim(9, 10_000).await.is_empty());
    // What was accepted in what is now the future never failed, so it has no time to wait for.
    fixture.record(acked("OUT0"), 50).await;
    assert!(fixture.next_due().await.is_some_and(|due| due <= 50));
    assert_eq!(fixture.claim(9, 50).await, ["OUT1", "OUT2"]);
}

#[tokio::test]
async fn retries_are_hastened_and_never_put_off() {
    let fixture = Fixture::new().await;
    fixture.accept(1, 10).await;
    fixture.accept(2, 10).await;
    fixture.claim(2, 20).await;
    fixture.record(retry("OUT0", 50_000), 30).await;
    fixture.record(retry("OUT1", 40), 30).await;
    let hastened = fixture.store.hasten_retries(fixture.device, at(100)).await;
    assert_eq!(hastened, Ok(1), "the other is due already");
    assert_eq!(fixture.next_due().await, Some(40));
    assert_eq!(fixture.claim(9, 100).await, ["OUT0", "OUT1"]);
}
