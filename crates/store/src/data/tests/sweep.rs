//! What is old goes, step by step, and what is still to be sent stays.

use super::*;

impl Fixture {
    /// Sweeps to the end; answers how many steps it took.
    pub(super) async fn sweep(&self, what: Swept, before: i64) -> usize {
        let (mut from, mut steps) = (Some(0), 0);
        while let Some(place) = from {
            from = self.store.sweep(what, at(before), place).await.expect("swept");
            steps += 1;
        }
        steps
    }

    pub(super) async fn count(&self, table: &'static str) -> i64 {
        let count = move |connection: &rusqlite::Connection| -> Result<i64, crate::StoreError> {
            Ok(connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))?)
        };
        self.store.database.read(count).await.expect("a count")
    }
}

#[tokio::test]
async fn ended_messages_go_and_waiting_ones_stay() {
    let fixture = Fixture::new().await;
    for number in 0..1_300 {
        fixture.accept(number, 10).await;
    }
    let scheduled = NewMessage {
        scheduled_for: Some(at(90_000)),
        ..fixture.message(1)
    };
    fixture.accept_this(&scheduled, 10).await;
    let sent = fixture.claim(1_000, 20).await;
    let outcomes: Vec<_> = sent.iter().map(|stanza| acked(stanza)).collect();
    fixture
        .store
        .record(fixture.device, outcomes, at(30))
        .await
        .expect("recorded");
    let young = fixture.accept(1, 500).await;

    assert_eq!(fixture.sweep(Swept::Messages, 100).await, 3);
    assert_eq!(fixture.count("messages").await, 302);
    assert_eq!(
        fixture.stored(scheduled.id).await.status,
        MessageStatus::Scheduled
    );
    assert_eq!(fixture.stored(young.id).await.status, MessageStatus::Queued);
    assert_eq!(
        fixture.claim(1_000, 600).await.len(),
        301,
        "all of them still leave"
    );
}

#[tokio::test]
async fn old_events_go_and_the_numbers_go_on() {
    let fixture = Fixture::new().await;
    for number in 0..600 {
        fixture.accept(number, 10).await;
    }
    fixture.accept(1, 500).await;
    fixture.sweep(Swept::Events, 100).await;
    let events = fixture.events().await;
    assert_eq!(events.len(), 1);
    fixture.accept(1, 600).await;
    let numbers: Vec<_> = fixture
        .events()
        .await
        .iter()
        .filter_map(|event| event.device_seq)
        .collect();
    let first = events[0].device_seq.expect("a device's event");
    assert_eq!(numbers, [first, first + 1]);
}

#[tokio::test]
async fn a_number_of_the_log_is_never_given_twice() {
    let fixture = Fixture::new().await;
    fixture.accept(1, 10).await;
    let last = fixture.events().await.last().expect("an event").seq;
    fixture.sweep(Swept::Events, 1_000).await;
    fixture.accept(1, 20).await;
    let seqs: Vec<_> = fixture.events().await.iter().map(|event| event.seq).collect();
    assert_eq!(seqs, [last, last + 1]);
}
