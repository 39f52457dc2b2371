//! Events that are sent again because somebody asked.

use postern_store::{Replay, ReplayRequest};
use postern_testkit::Reply;

use super::*;

impl Fixture {
    async fn replay(&self, endpoint: WebhookId, request: ReplayRequest) -> Replay {
        let asked = self
            .store
            .replay_events(self.workspace, endpoint, request, now())
            .await;
        let replay = asked.expect("a replay");
        self.wakes.webhooks.ring();
        eventually("the replay is worked off", || async {
            let found = self.store.replay(self.workspace, endpoint, replay.id).await?;
            Ok(found.filter(|replay| replay.ended_at.is_some()))
        })
        .await
        .expect("in time")
    }
}

const EVERYTHING: ReplayRequest = ReplayRequest::Range {
    from: None,
    until: None,
    parked: false,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_range_one_event_and_what_was_parked_are_sent_again() {
    let fixture = Fixture::new(hasty()).await;
    let endpoint = fixture.endpoint("/hook").await;
    fixture.happen(fixture.device, 1_500).await;
    fixture.settled(endpoint).await;
    let replay = fixture.replay(endpoint, EVERYTHING).await;
    assert_eq!(replay.found, 1_500);
    fixture.settled(endpoint).await;
    let times = |count: usize| {
        let got = fixture.got("/hook");
        got.iter()
            .filter(|request| request.repetition == count - 1)
            .count()
    };
    assert_eq!((times(1), times(2), times(3)), (1_500, 1_500, 0));

    let event = fixture.events().await[7];
    assert_eq!(
        fixture.replay(endpoint, ReplayRequest::Event(event)).await.found,
        1
    );
    fixture.settled(endpoint).await;
    assert_eq!(times(3), 1);

    fixture.sink.behave(|_| Reply::status(500));
    fixture.happen(fixture.device, 2).await;
    let parked = || async {
        let webhook = fixture.webhook(endpoint).await;
        fixture
            .store
            .webhook_backlog(&webhook)
            .await
            .expect("counted")
            .parked
    };
    until("both are parked", || async { parked().await == 2 }).await;
    fixture.sink.behave(|_| Reply::status(200));
    let failures = ReplayRequest::Range {
        from: None,
        until: None,
        parked: true,
    };
    assert_eq!(fixture.replay(endpoint, failures).await.found, 2);
    until("nothing is parked", || async { parked().await == 0 }).await;
    fixture.settled(endpoint).await;
    assert_eq!(fixture.ids("/hook").len(), 1_502);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ordered_endpoint_gets_them_in_order_again() {
    let fixture = Fixture::new(hasty()).await;
    let url = fixture.sink.url("/ordered");
    let endpoint = fixture.endpoint_with(&url, |new| new.ordered = true).await;
    fixture.happen(fixture.device, 50).await;
    fixture.settled(endpoint).await;
    let first = fixture.ids("/ordered");
    fixture.sink.clear();
    assert_eq!(fixture.replay(endpoint, EVERYTHING).await.found, 50);
    fixture.settled(endpoint).await;
    assert_eq!(fixture.ids("/ordered"), first);
    assert_eq!(fixture.got("/ordered").len(), 50);
}
