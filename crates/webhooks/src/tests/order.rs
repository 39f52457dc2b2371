//! Endpoints that want the events of a device in order.

use std::collections::HashMap;

use postern_store::WebhookChange;
use postern_testkit::Reply;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn the_next_event_of_a_device_waits_for_the_one_before_and_no_other_device_does() {
    let fixture = Fixture::new(hasty()).await;
    let other = fixture.add_device().await;
    let stuck = fixture.device.to_string();
    // Every fifth event of the one device fails twice.
    fixture.sink.behave(move |request| {
        let data = &request.json()["data"];
        let fails = data["deviceId"] == *stuck
            && data["seq"].as_u64().is_some_and(|seq| seq % 5 == 1)
            && request.repetition < 2;
        Reply::status(if fails { 500 } else { 200 })
    });
    let url = fixture.sink.url("/ordered");
    let endpoint = fixture.endpoint_with(&url, |new| new.ordered = true).await;
    for _ in 0..10 {
        fixture.happen(fixture.device, 10).await;
        fixture.happen(other, 10).await;
    }
    fixture.settled(endpoint).await;
    let mut orders: HashMap<String, Vec<u64>> = HashMap::new();
    for request in fixture.got("/ordered") {
        let data = request.json()["data"].clone();
        let device = data["deviceId"].as_str().unwrap_or_default().to_owned();
        let seqs = orders.entry(device).or_default();
        let seq = data["seq"].as_u64().unwrap_or_default();
        if seqs.last() != Some(&seq) {
            seqs.push(seq);
        }
    }
    let expected: Vec<u64> = (1..=100).collect();
    assert_eq!(orders.len(), 2);
    for seqs in orders.values() {
        assert_eq!(*seqs, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_parked_holds_nothing_back_and_neither_does_an_endpoint_that_wants_no_order_any_more() {
    let config = WebhooksConfig {
        retries: Schedule::of_seconds(&[3_600]),
        failures_before_rest: 1_000,
        ..hasty()
    };
    let mut fixture = Fixture::new(config).await;
    fixture.sink.behave(|request| {
        let first = request.json()["data"]["seq"] == 1;
        Reply::status(if first { 500 } else { 200 })
    });
    let url = fixture.sink.url("/ordered");
    let endpoint = fixture.endpoint_with(&url, |new| new.ordered = true).await;
    fixture.happen(fixture.device, 30).await;
    until("the rest is held back", || async {
        let webhook = fixture.webhook(endpoint).await;
        fixture
            .store
            .webhook_backlog(&webhook)
            .await
            .expect("counted")
            .waiting
            == 30
    })
    .await;
    assert_eq!(fixture.got("/ordered").len(), 1);
    // It is still so after a restart.
    fixture.stop().await;
    fixture.start();
    fixture.happen(fixture.device, 1).await;
    until("it is held back too", || async {
        let webhook = fixture.webhook(endpoint).await;
        fixture
            .store
            .webhook_backlog(&webhook)
            .await
            .expect("counted")
            .waiting
            == 31
    })
    .await;
    assert_eq!(fixture.got("/ordered").len(), 1);
    let change = WebhookChange {
        ordered: Some(false),
        ..WebhookChange::default()
    };
    let changed = fixture
        .store
        .change_webhook(fixture.workspace, endpoint, change, now());
    changed.await.expect("changed");
    fixture.wakes.webhooks.ring();
    until("the rest arrived", || async {
        fixture.ids("/ordered").len() == 31
    })
    .await;
}
