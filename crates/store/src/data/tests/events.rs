//! The event log: its numbers, its pages, and what is told when it grows.

use postern_domain::event::EventPayload;
use postern_domain::webhook::EventTypes;
use postern_domain::{EventType, WorkspaceId};

use super::*;
use crate::data::store::SCHEMA;
use crate::data::tables::events;
use crate::data::tally::Tally;
use crate::sqlite::{Database, Schema, Tuning};

impl Fixture {
    async fn page(&self, filter: EventFilter, limit: usize, start: EventStart) -> EventPage {
        let page = self.store.events(self.workspace, filter, limit, start).await;
        page.expect("a page")
    }

    /// Appends an event of no device.
    async fn warn(&self, now: i64) {
        let workspace = self.workspace;
        let append = move |tx: &rusqlite::Connection, tally: &Tally| {
            let payload = EventPayload::Quota {
                period: "1970-01".to_owned(),
                used: 400,
                limit: 500,
                percent: 80,
            };
            events::append_of_workspace(tx, tally, workspace, EventType::QuotaWarning, &payload, at(now))
        };
        self.store.write_counted(append).await.expect("appended");
    }

    async fn numbers(&self) -> Vec<u64> {
        let events = self.events().await;
        events.iter().map(|event| event.workspace_seq).collect()
    }

    async fn execute(&self, sql: &'static str) {
        let execute =
            move |tx: &rusqlite::Connection| -> Result<(), crate::StoreError> { Ok(tx.execute_batch(sql)?) };
        self.store.database.write(execute).await.expect("executed");
    }
}

#[tokio::test]
async fn events_of_devices_and_of_none_share_the_numbers_of_their_workspace() {
    let fixture = Fixture::new().await;
    let before = fixture.store.events_after(0, 100).await.expect("events");
    fixture.accept(1, 10).await;
    fixture.warn(20).await;
    fixture.accept(1, 30).await;
    let events = fixture.events().await;
    let first = before.last().expect("an event").workspace_seq + 1;
    assert_eq!(fixture.numbers().await, [first, first + 1, first + 2]);
    assert_eq!((events[1].device, events[1].device_seq), (None, None));
    assert_eq!(events[1].kind, EventType::QuotaWarning);
    let of_device = |index: usize| events[index].device_seq.expect("a device's event");
    assert_eq!(of_device(2), of_device(0) + 1);
}

#[tokio::test]
async fn no_deletion_makes_a_number_be_given_again() {
    let fixture = Fixture::new().await;
    let other = DeviceId::generate();
    fixture.add_device(other, "15550000002").await;
    fixture.accept(1, 10).await;
    let last = fixture.numbers().await.pop().expect("a number");
    fixture.sweep(Swept::Events, 1_000).await;
    fixture.accept(1, 20).await;
    assert_eq!(fixture.numbers().await, [last, last + 1]);

    fixture.remove(fixture.device, true).await;
    fixture
        .store
        .forget_device(fixture.device, at(30))
        .await
        .expect("forgotten");
    let before = fixture.numbers().await.pop().expect("a number");
    fixture
        .store
        .signal(other, Signal::ConnectionLost, at(40))
        .await
        .expect("signalled");
    assert_eq!(fixture.numbers().await.pop(), Some(before + 1));
}

#[tokio::test]
async fn pages_go_both_ways_and_meet_no_event_twice() {
    let fixture = Fixture::new().await;
    for now in 10..30 {
        fixture.accept(1, now).await;
    }
    let all = fixture.store.events_after(0, 100).await.expect("events");
    for newest_first in [true, false] {
        let mut expected = all.clone();
        let mut start = EventStart::After(0);
        if newest_first {
            expected.reverse();
            start = EventStart::Newest;
        }
        let mut found = Vec::new();
        loop {
            let page = fixture.page(EventFilter::default(), 7, start).await;
            found.extend(page.events);
            if !page.more {
                break;
            }
            start = match start {
                EventStart::After(_) => EventStart::After(page.reached),
                EventStart::Newest | EventStart::Before(_) => EventStart::Before(page.reached),
            };
        }
        assert_eq!(found, expected);
    }
    let one = &all[3];
    let found = fixture.store.event(fixture.workspace, one.id).await;
    assert_eq!(found, Ok(Some(one.clone())));
    let place = fixture.store.event_place(fixture.workspace, one.id).await;
    assert_eq!(place, Ok(Some(one.seq)));
    assert_eq!(
        fixture.store.oldest_event(fixture.workspace).await,
        Ok(Some(all[0].id))
    );
}

#[tokio::test]
async fn filters_hold_all_at_once() {
    let fixture = Fixture::new().await;
    let other = DeviceId::generate();
    fixture.add_device(other, "15550000002").await;
    for now in [10, 20, 30] {
        fixture.accept(1, now).await;
        fixture
            .accept_this(
                &NewMessage {
                    device: other,
                    ..fixture.message(2)
                },
                now,
            )
            .await;
    }
    fixture.record(acked("OUT0"), 40).await;
    let accepted = EventTypes::only([EventType::MessageAccepted]);
    let times = |page: EventPage| {
        page.events
            .iter()
            .map(|event| event.at.as_millis())
            .collect::<Vec<_>>()
    };
    let filter = EventFilter {
        types: accepted,
        device: Some(fixture.device),
        ..EventFilter::default()
    };
    assert_eq!(
        times(fixture.page(filter, 9, EventStart::Newest).await),
        [30, 20, 10]
    );
    let part = EventFilter {
        from: Some(at(20)),
        until: Some(at(30)),
        ..filter
    };
    let page = fixture.page(part, 9, EventStart::After(0)).await;
    assert!(!page.more);
    assert_eq!(times(page), [20]);
    let sent = EventFilter {
        types: EventTypes::only([EventType::MessageSent]),
        ..EventFilter::default()
    };
    let page = fixture.page(sent, 1, EventStart::After(0)).await;
    let last = fixture.events().await.pop().expect("an event");
    assert_eq!((page.events, page.reached), (vec![last.clone()], last.seq));
}

#[tokio::test]
async fn another_workspace_sees_nothing() {
    let fixture = Fixture::new().await;
    fixture.accept(1, 10).await;
    let event = fixture.events().await.pop().expect("an event");
    let stranger = WorkspaceId::generate();
    let store = &fixture.store;
    for start in [EventStart::Newest, EventStart::After(0)] {
        let page = store.events(stranger, EventFilter::default(), 9, start).await;
        assert_eq!(page.map(|page| page.events), Ok(vec![]));
    }
    assert_eq!(store.event(stranger, event.id).await, Ok(None));
    assert_eq!(store.event_place(stranger, event.id).await, Ok(None));
    assert_eq!(store.oldest_event(stranger).await, Ok(None));
}

#[tokio::test]
async fn a_page_that_finds_nothing_says_how_far_it_looked() {
    let fixture = Fixture::new().await;
    fixture.accept(1, 10).await;
    fixture
        .execute(
            "WITH RECURSIVE numbers AS (SELECT 1 AS number UNION ALL SELECT number + 1 FROM numbers LIMIT 12000)
             INSERT INTO events (id, workspace_id, workspace_seq, kind, at, payload)
             SELECT randomblob(16), workspace_id, workspace_seq, kind, at, payload
             FROM numbers, (SELECT * FROM events ORDER BY seq DESC LIMIT 1)",
        )
        .await;
    let warnings = EventFilter {
        types: EventTypes::only([EventType::QuotaWarning]),
        ..EventFilter::default()
    };
    let first = fixture.page(warnings, 5, EventStart::After(0)).await;
    assert_eq!((first.events.len(), first.reached, first.more), (0, 10_000, true));
    let second = fixture.page(warnings, 5, EventStart::After(first.reached)).await;
    assert!(second.reached > 12_000 && !second.more);
}

#[tokio::test]
async fn events_of_a_newer_release_are_passed_over() {
    let fixture = Fixture::new().await;
    for now in [10, 20, 30] {
        fixture.accept(1, now).await;
    }
    fixture
        .execute(
            "UPDATE events SET kind = 63 WHERE at = 10;
             UPDATE events SET payload = x'7a00' WHERE at = 30",
        )
        .await;
    let left = |events: Vec<Event>| {
        events
            .iter()
            .map(|event| event.at.as_millis())
            .collect::<Vec<_>>()
    };
    assert_eq!(left(fixture.events().await), [20]);
    let from = fixture.store.events_after(0, 100).await.expect("events");
    let before = from.iter().filter(|event| event.at == at(0)).count();
    let page = fixture
        .page(EventFilter::default(), 100, EventStart::Newest)
        .await;
    assert_eq!(page.events.len(), before + 1);
    let exactly = fixture.store.events_after(0, before + 1).await.expect("events");
    assert_eq!(exactly.len(), before + 1, "the page is filled from behind them");
}

#[tokio::test]
async fn what_is_committed_is_told_and_what_fails_is_not() {
    let mut fixture = Fixture::new().await;
    let mut told = fixture.store.watch_events();
    let before = *told.borrow_and_update();
    let message = fixture.accept(1, 10).await;
    assert!(told.has_changed().expect("open"));
    let last = fixture.events().await.pop().expect("an event").seq;
    assert_eq!(*told.borrow_and_update(), last);
    assert_eq!(last, before + 1);
    let same_id = NewMessage {
        id: message.id,
        ..fixture.message(1)
    };
    assert!(fixture.store.accept(same_id, None, at(20)).await.is_err());
    assert!(!told.has_changed().expect("open"));
    fixture.reopen().await;
    assert_eq!(
        *fixture.store.watch_events().borrow(),
        last,
        "known from the start"
    );
}

#[tokio::test]
async fn an_upgrade_keeps_every_event_and_numbers_go_on() {
    let mut fixture = Fixture::new().await;
    fixture.store.close().await;
    let path = fixture.folder.path().join("postern.db");
    for name in ["postern.db", "postern.db-wal", "postern.db-shm"] {
        std::fs::remove_file(fixture.folder.path().join(name)).ok();
    }
    let earlier = Schema {
        migrations: SCHEMA.migrations.split_at(6).0,
        watched: None,
        ..SCHEMA
    };
    let database = <Database>::open(&path, &earlier, &Tuning::default()).expect("a database");
    let fill = |tx: &rusqlite::Connection| -> Result<(), crate::StoreError> {
        tx.execute_batch(
            "INSERT INTO workspaces (id, name, plan, created_at) VALUES (randomblob(16), 'w', 'unlimited', 0);
             INSERT INTO devices (id, workspace_id, name, intent, state, reason, since, created_at, event_seq)
             SELECT randomblob(16), id, 'd', 0, 1, 1, 0, 0, 2 FROM workspaces",
        )?;
        for seq in [7, 9] {
            tx.execute(
                "INSERT INTO events (seq, id, workspace_id, device_id, device_seq, kind, at, payload)
                 SELECT ?1, randomblob(16), workspace_id, id, ?1 - 6, 9, 1, ?2 FROM devices",
                (seq, device_payload().encode()),
            )?;
        }
        Ok(())
    };
    database.write(fill).await.expect("filled");
    database.close().await;
    fixture.store = open(&fixture.folder);
    let events = fixture.store.events_after(0, 9).await.expect("events");
    let numbers: Vec<_> = events
        .iter()
        .map(|event| (event.seq, event.workspace_seq, event.device_seq))
        .collect();
    assert_eq!(numbers, [(7, 7, Some(1)), (9, 9, Some(3))]);
    assert_eq!(events[0].payload, device_payload());
    fixture.workspace = events[0].workspace;
    fixture.warn(20).await;
    assert_eq!(fixture.numbers().await, [7, 9, 10]);
}

fn device_payload() -> EventPayload {
    EventPayload::Device {
        state: postern_domain::DeviceState::Connected,
        reason: postern_domain::DeviceReason::Healthy,
        retry_at: None,
    }
}
