//! Deliveries go on where they stood.

use postern_testkit::Reply;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn what_happened_in_between_arrives_after_a_stop() {
    let mut fixture = Fixture::new(hasty()).await;
    let endpoint = fixture.endpoint("/hook").await;
    fixture.happen(fixture.device, 100).await;
    fixture.stop().await;
    fixture.happen(fixture.device, 100).await;
    fixture.store.close().await;
    fixture.store = open(&fixture.folder);
    fixture.start();
    fixture.settled(endpoint).await;
    assert_eq!(fixture.ids("/hook").len(), 200);
    assert_eq!(
        fixture.got("/hook").len(),
        200,
        "a stop in good order repeats nothing"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_another_try_does_so_after_a_restart() {
    let config = WebhooksConfig {
        retries: Schedule::of_seconds(&[1, 3_600]),
        ..hasty()
    };
    let mut fixture = Fixture::new(config).await;
    fixture.sink.behave(|_| Reply::status(500));
    let endpoint = fixture.endpoint("/hook").await;
    fixture.happen(fixture.device, 3).await;
    until("all failed", || async { fixture.got("/hook").len() >= 3 }).await;
    fixture.stop().await;
    fixture.sink.behave(|_| Reply::status(200));
    fixture.start();
    fixture.settled(endpoint).await;
    assert_eq!(fixture.ids("/hook").len(), 3);
}
