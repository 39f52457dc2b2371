//! What is counted is what there is, whatever happened to it, and what there was when it is forgotten.

use std::time::Duration;

use postern_domain::Day;
use postern_domain::port::ReceiptKind;

use super::*;

const DAY: i64 = 24 * 3_600_000;

/// Statuses by day and device that are not counted as they are, and counts of what is not there.
const WRONG: &str = "
    WITH counted AS (SELECT workspace_id, day, device_id, status, count FROM daily_counts WHERE count <> 0),
         present AS (SELECT workspace_id, created_at / 86400000, device_id, status, count(*) FROM messages
                     GROUP BY 1, 2, 3, 4)
    SELECT (SELECT count(*) FROM (SELECT * FROM counted EXCEPT SELECT * FROM present))
         + (SELECT count(*) FROM (SELECT * FROM present EXCEPT SELECT * FROM counted))";

impl Fixture {
    /// Everything is counted as it is; nothing was forgotten so far.
    pub(super) async fn is_counted(&self) {
        let count = |connection: &rusqlite::Connection| {
            Ok::<i64, crate::StoreError>(connection.query_row(WRONG, [], |row| row.get(0))?)
        };
        let wrong = self.store.database.read(count).await.expect("an answer");
        assert_eq!(wrong, 0, "counts that are wrong");
    }

    async fn summary(&self, device: Option<DeviceId>, from: i64, until: i64) -> Summary {
        let days = Day::from_number(from)..=Day::from_number(until);
        let summary = self.store.summary(self.workspace, device, days).await;
        summary.expect("an answer")
    }
}

/// The statuses that there are any of.
fn counts(figures: &Figures) -> Vec<(&'static str, u64)> {
    let all = MessageStatus::ALL.map(|status| (status.name(), figures.of(status)));
    all.into_iter().filter(|(_, count)| *count > 0).collect()
}

#[tokio::test]
async fn every_change_of_a_status_is_counted() {
    let fixture = Fixture::new().await;
    let scheduled = NewMessage {
        scheduled_for: Some(at(1_000)),
        ..fixture.message(1)
    };
    fixture.accept_this(&scheduled, 10).await;
    for (to, now) in [(1, 10), (2, 20), (3, 30), (4, DAY + 40)] {
        fixture.accept(to, now).await;
    }
    fixture.is_counted().await;
    let (store, workspace, device) = (&fixture.store, fixture.workspace, fixture.device);
    store.promote_scheduled(at(2_000), 9).await.expect("promoted");
    fixture.is_counted().await;

    assert_eq!(fixture.claim(4, 3_000).await.len(), 4);
    fixture.is_counted().await;
    let outcomes = vec![
        acked("OUT0"),
        receipt("OUT0", ReceiptKind::Delivered),
        retry("OUT1", 5_000),
        failed("OUT2"),
        receipt("OUT3", ReceiptKind::Read),
        receipt("OUT3", ReceiptKind::Delivered),
    ];
    store.record(device, outcomes, at(4_000)).await.expect("recorded");
    fixture.is_counted().await;
    // An attempt that nobody answers is made again.
    assert_eq!(fixture.claim(9, 6_000).await.len(), 2);
    assert_eq!(fixture.claim(9, 8_000).await.len(), 2);
    fixture.is_counted().await;

    let failed = store
        .messages(workspace, in_status(MessageStatus::Failed), 9, None)
        .await;
    let id = failed.expect("a page").rows[0].id;
    store.retry(workspace, id, at(9_000)).await.expect("retried");
    fixture.is_counted().await;
    store.cancel(workspace, id, at(9_000)).await.expect("canceled");
    let later = NewMessage {
        scheduled_for: Some(at(90_000)),
        ..fixture.message(5)
    };
    fixture.accept_this(&later, 9_000).await;
    store
        .reschedule(workspace, later.id, None, at(9_001))
        .await
        .expect("rescheduled");
    let inbound = vec![receive::inbound("IN0", 1), receive::inbound("IN0", 1)];
    store.receive(device, inbound, at(9_002)).await.expect("received");
    fixture.is_counted().await;

    fixture.log_out(10_000).await;
    fixture.is_counted().await;
    fixture.link("15550000001", 11_000).await;
    store
        .release_parked(workspace, device, at(12_000))
        .await
        .expect("released");
    fixture.is_counted().await;
    fixture.remove(device, false).await;
    store.forget_device(device, at(13_000)).await.expect("forgotten");
    fixture.is_counted().await;
    let summary = fixture.summary(None, 0, 1).await;
    assert_eq!(
        counts(&summary.all),
        [("delivered", 1), ("read", 1), ("canceled", 4), ("received", 1)]
    );
}

fn in_status(status: MessageStatus) -> MessageFilter {
    MessageFilter {
        status: Some(status),
        ..MessageFilter::default()
    }
}

#[tokio::test]
async fn a_write_that_fails_counts_nothing() {
    let fixture = Fixture::new().await;
    let nowhere = NewMessage {
        device: DeviceId::generate(),
        ..fixture.message(1)
    };
    let refused = fixture.store.accept(nowhere, None, at(10)).await;
    assert!(refused.is_err());
    let twice = fixture.accept(1, 10).await;
    let refused = fixture.store.accept(twice, None, at(10)).await;
    assert!(refused.is_err(), "its id is taken");
    fixture.is_counted().await;
    assert_eq!(counts(&fixture.summary(None, 0, 0).await.all), [("queued", 1)]);
}

#[tokio::test]
async fn sums_are_of_a_workspace_its_devices_and_days() {
    let fixture = Fixture::new().await;
    let other = DeviceId::generate();
    fixture.add_device(other, "15550000002").await;
    for (device, now) in [
        (fixture.device, 10),
        (fixture.device, DAY - 1),
        (fixture.device, DAY),
        (other, 2 * DAY),
    ] {
        let message = NewMessage {
            device,
            ..fixture.message(1)
        };
        fixture.accept_this(&message, now).await;
    }
    let summary = fixture.summary(None, 0, 1).await;
    assert_eq!(counts(&summary.all), [("queued", 3)]);
    let days: Vec<_> = summary
        .days
        .iter()
        .map(|(day, day_s)| (day.number(), counts(day_s)))
        .collect();
    assert_eq!(days, [(0, vec![("queued", 2)]), (1, vec![("queued", 1)])]);
    assert_eq!(summary.devices.len(), 1);
    assert_eq!(summary.devices[0].0, fixture.device);

    let summary = fixture.summary(None, 1, 9).await;
    assert_eq!(summary.devices.len(), 2);
    let summary = fixture.summary(Some(other), 0, 9).await;
    assert_eq!(counts(&summary.all), [("queued", 1)]);
    assert_eq!(summary.days.len(), 1);
    let days = Day::from_number(0)..=Day::from_number(9);
    let foreign = fixture.store.summary(WorkspaceId::generate(), None, days).await;
    assert_eq!(foreign, Ok(Summary::default()));
}

#[tokio::test]
async fn latencies_count_from_when_a_message_could_leave() {
    let fixture = Fixture::new().await;
    fixture.accept(1, 1_000).await;
    let scheduled = NewMessage {
        scheduled_for: Some(at(50_000)),
        ..fixture.message(2)
    };
    fixture.accept_this(&scheduled, 1_000).await;
    fixture
        .store
        .promote_scheduled(at(50_000), 9)
        .await
        .expect("promoted");
    assert_eq!(fixture.claim(2, 50_000).await.len(), 2);
    fixture.record(acked("OUT0"), 1_004).await;
    fixture
        .record(receipt("OUT0", ReceiptKind::Delivered), 1_009)
        .await;
    fixture.record(receipt("OUT0", ReceiptKind::Read), 9_000).await;
    // The receipt overtakes the ack.
    fixture.record(receipt("OUT1", ReceiptKind::Read), 50_012).await;
    fixture.record(acked("OUT1"), 50_013).await;
    let all = fixture.summary(None, 0, 0).await.all;
    let read = |latencies: &postern_domain::Latencies| {
        [1, 50, 51, 100].map(|percent| latencies.percentile(percent).map_or(0, |time| time.as_millis()))
    };
    assert_eq!(read(&all.sent), [4, 4, 12, 12]);
    assert_eq!(read(&all.delivered), [9, 9, 12, 12]);
    assert_eq!(all.sent.percentile(50), Some(Duration::from_millis(4)));
}

#[tokio::test]
async fn what_is_forgotten_stays_counted() {
    let mut fixture = Fixture::new().await;
    for _ in 0..3 {
        fixture.accept(1, 10).await;
    }
    fixture.claim(2, 20).await;
    fixture.record(acked("OUT0"), 30).await;
    fixture.record(failed("OUT1"), 30).await;
    let before = fixture.summary(None, 0, 0).await;
    fixture
        .store
        .sweep(Swept::Messages, at(100), 0)
        .await
        .expect("swept");
    assert_eq!(fixture.count("messages").await, 1);
    fixture.reopen().await;
    assert_eq!(fixture.summary(None, 0, 0).await, before);
    assert_eq!(counts(&before.all), [("queued", 1), ("sent", 1), ("failed", 1)]);
}

#[test]
fn messages_of_earlier_releases_are_counted_once_and_listed_where_they_are_parked() {
    let connection = rusqlite::Connection::open_in_memory().expect("a database");
    let migrate = |last: bool| {
        for (name, sql) in SCHEMA.migrations {
            if name.starts_with("V6__") == last {
                connection.execute_batch(sql).expect(name);
            }
        }
    };
    let count = |sql| {
        let count = connection.query_row(sql, [], |row| row.get::<_, i64>(0));
        count.expect("a count")
    };
    migrate(false);
    let insert =
        "INSERT INTO messages (id, workspace_id, device_id, direction, status, chat, sender, stanza_id,
            content, timeline, created_at, updated_at)
        VALUES (randomblob(16), x'01', x'02', 1, ?1, 'chat', '', ?2, x'', x'', ?3, 0)";
    let messages = [
        (1, 5, 10),
        (2, 5, DAY - 1),
        (3, 5, DAY),
        (4, 9, 20),
        (5, 2, 20),
        (6, 2, 20),
    ];
    for (number, status, now) in messages {
        let inserted = connection.execute(insert, (status, number, now));
        inserted.expect("inserted");
    }
    let waiting = "INSERT INTO outbox (device_id, lane, seq, chat, due_at, parked)
        VALUES (x'02', 0, 5, 'chat', 0, NULL), (x'02', 5, 6, 'chat', 0, 1)";
    connection.execute_batch(waiting).expect("inserted");
    migrate(true);
    assert_eq!((count(WRONG), count("SELECT count(*) FROM daily_counts")), (0, 4));
    let right = "SELECT count(*) FROM outbox WHERE workspace_id IS iif(lane = 5, x'01', NULL)";
    assert_eq!(count(right), 2);
}
