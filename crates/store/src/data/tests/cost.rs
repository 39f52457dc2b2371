//! What waits or has gone before changes nothing in the cost of a call, counted in steps of SQLite's machine.
//!
//! A scan or a sort of a table shows as thousands of steps; a search in an index as a few, however large it is.

use std::sync::Arc;

use postern_domain::Day;
use postern_domain::port::ReceiptKind;
use rusqlite::Connection;

use super::*;
use crate::data::store::SCHEMA;
use crate::data::tables::{daily, devices, history, idempotency, log, messages, outbox, search, workspaces};
use crate::data::{
    accept::accept, claim::claim, claim::promote, record::Change, record::record, tally::Tally,
};
use crate::sqlite::Deferred as _;

const FEW: i64 = 30;
const MANY: i64 = 3_000;

/// A connection whose steps are counted, with one linked device.
struct Counted {
    connection: Connection,
    steps: Arc<AtomicU64>,
    workspace: WorkspaceId,
    device: DeviceId,
    accepted: i64,
}

/// What lies in the tables when the calls are made.
#[derive(Debug, Clone, Copy)]
enum Backlog {
    Ready,
    Scheduled,
    InFlight,
    Retrying,
    Behind,
    Parked,
    Gone,
}

impl Counted {
    fn new() -> Self {
        let connection = Connection::open_in_memory().expect("a database");
        for (_, sql) in SCHEMA.migrations {
            connection.execute_batch(sql).expect("the schema");
        }
        connection.set_prepared_statement_cache_capacity(256);
        let steps = Arc::new(AtomicU64::new(0));
        let (workspace, device) = (WorkspaceId::generate(), DeviceId::generate());
        workspaces::insert(&connection, workspace, "default", "unlimited", at(0)).expect("a workspace");
        devices::insert(&connection, workspace, device, "till", at(0)).expect("a device");
        devices::link(&connection, device, &account("15550000001")).expect("linked");
        let mut counted = Self {
            connection,
            steps,
            workspace,
            device,
            accepted: 0,
        };
        counted.count_steps();
        counted
    }

    fn accept(&mut self, to: usize, scheduled_for: Option<Timestamp>) {
        let tally = Tally::default();
        self.accept_with(&tally, to, scheduled_for);
        tally.write(&self.connection).expect("counted");
    }

    /// Leaves it to the caller to write what is counted.
    fn accept_with(&mut self, tally: &Tally, to: usize, scheduled_for: Option<Timestamp>) {
        self.accepted += 1;
        let message = NewMessage {
            id: MessageId::generate(),
            workspace: self.workspace,
            device: self.device,
            to: chat(to),
            content: Content::Text {
                body: "body".to_owned(),
            },
            stanza: StanzaId::from(format!("OUT{}", self.accepted)),
            metadata: None,
            client_reference: None,
            scheduled_for,
            queue_if_disconnected: true,
        };
        let key = IdempotencyKey {
            endpoint: "POST /v1/messages",
            key: self.accepted.to_string(),
            fingerprint: [1; 32],
            http_status: 202,
            body: b"{}".to_vec(),
        };
        accept(&self.connection, tally, &message, Some((&key, at(0))), at(10)).expect("accepted");
    }

    /// Claims with a deadline that never comes.
    fn claim(&self, limit: i64, now: i64) -> Vec<String> {
        let limit = usize::try_from(limit).expect("a limit");
        let claimed = self.counted(|tally| claim(self.change(tally, now), limit, None, at(900_000)));
        let claimed = claimed.expect("a claim").into_iter();
        claimed.map(|claimed| claimed.stanza.to_string()).collect()
    }

    fn record(&self, outcome: Outcome, now: i64) {
        self.counted(|tally| {
            record(&self.connection, tally, self.device, &[outcome], at(now)).expect("recorded");
        });
    }

    fn change<'a>(&'a self, tally: &'a Tally, now: i64) -> Change<'a> {
        Change::new(&self.connection, tally, self.device, at(now))
    }

    /// Works as one write does.
    fn counted<T>(&self, work: impl FnOnce(&Tally) -> T) -> T {
        let tally = Tally::default();
        let done = work(&tally);
        tally.write(&self.connection).expect("counted");
        done
    }

    fn prepare(&mut self, backlog: Backlog, count: i64) {
        for index in 0..usize::try_from(count).expect("small") {
            let to = if matches!(backlog, Backlog::Behind) {
                5
            } else {
                100 + index
            };
            let later = matches!(backlog, Backlog::Scheduled).then(|| at(900_000));
            self.accept(to, later);
        }
        while search::index_some(&self.connection, 1_000).expect("indexed") {}
        match backlog {
            Backlog::Ready | Backlog::Scheduled => {}
            Backlog::InFlight => assert!(!self.claim(count, 20).is_empty()),
            Backlog::Retrying => {
                for stanza in self.claim(count, 20) {
                    self.record(retry(&stanza, 900_000), 30);
                }
            }
            Backlog::Behind => {
                for stanza in self.claim(1, 20) {
                    self.record(retry(&stanza, 900_000), 30);
                }
                assert!(self.claim(1, 40).is_empty());
            }
            Backlog::Parked => {
                devices::link(&self.connection, self.device, &account("15550000009")).expect("linked");
                assert!(self.claim(1, 40).is_empty());
            }
            Backlog::Gone => {
                for stanza in self.claim(count, 20) {
                    self.record(acked(&stanza), 30);
                }
            }
        }
    }

    /// Another device has this many messages to send.
    fn prepare_neighbour(&mut self, count: i64) {
        let neighbour = DeviceId::generate();
        devices::insert(&self.connection, self.workspace, neighbour, "desk", at(0)).expect("a device");
        devices::link(&self.connection, neighbour, &account("15550000002")).expect("linked");
        // Not one by one, nor counted: there may be very many.
        self.connection
            .progress_handler(0, None::<fn() -> bool>)
            .expect("not counted");
        let numbers =
            "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?2)";
        let messages = format!(
            "{numbers} INSERT INTO messages (id, workspace_id, device_id, direction, status, chat, sender, stanza_id,
                content, timeline, created_at, updated_at, account)
             SELECT randomblob(16), workspace_id, ?1, direction, 2, '+' || (15551000000 + n), '', 'NEXT' || n, content, timeline,
                created_at, updated_at, 15550000002
             FROM numbers, messages WHERE messages.seq = 1"
        );
        let outbox = "INSERT INTO outbox (device_id, lane, seq, chat, due_at, account)
             SELECT device_id, 0, seq, chat, created_at, account FROM messages WHERE device_id = ?1 LIMIT ?2";
        for sql in [&messages, outbox] {
            let made = self.connection.execute(sql, (neighbour.to_bytes(), count));
            assert_eq!(i64::try_from(made.expect("made")), Ok(count));
        }
        self.count_steps();
    }

    fn count_steps(&mut self) {
        let counter = Arc::clone(&self.steps);
        let count = move || {
            counter.fetch_add(1, Ordering::Relaxed);
            false
        };
        self.connection.progress_handler(1, Some(count)).expect("counted");
    }

    /// Every hot call once, in an order that leaves the next one something to do; the steps of each.
    fn measure(&mut self, now: i64) -> Vec<(&'static str, u64)> {
        let mut measured = Vec::new();
        let mut before = 0;
        let steps = Arc::clone(&self.steps);
        let mut note = |name| {
            let after = steps.load(Ordering::Relaxed);
            measured.push((name, after - before));
            before = after;
        };
        note("what was before");
        self.accept(1, None);
        note("accept");
        outbox::next_due(&self.connection, self.device).expect("an answer");
        note("next_due");
        let claimed = self.claim(1, now);
        note("claim");
        let [claimed] = claimed.as_slice() else {
            panic!("one is ready");
        };
        self.record(retry(claimed, now + 5), now);
        note("retry");
        assert_eq!(self.claim(1, now + 5), [claimed.as_str()]);
        note("claim again");
        self.record(acked(claimed), now + 6);
        note("ack");
        self.record(receipt(claimed, ReceiptKind::Read), now + 7);
        note("receipt");
        self.counted(|tally| promote(&self.connection, tally, at(now), 9).expect("promoted"));
        note("promote");
        let inbound = receive::inbound(&now.to_string(), 1);
        let id = MessageId::generate();
        messages::insert_inbound(
            &self.connection,
            id,
            self.workspace,
            self.device,
            &inbound,
            at(now),
        )
        .expect("received");
        note("receive");
        idempotency::sweep(&self.connection, at(0), 9).expect("swept");
        note("sweep");
        log::after(&self.connection, 5, 9).expect("events");
        note("events");
        for start in [EventStart::Newest, EventStart::After(5)] {
            let page = log::page(
                &self.connection,
                self.workspace,
                &EventFilter::default(),
                9,
                start,
            );
            assert_eq!(page.expect("a page").events.len(), 9);
            note("events of the workspace");
        }
        log::oldest(&self.connection, self.workspace).expect("an answer");
        note("oldest event");
        for device in [None, Some(self.device)] {
            let filter = MessageFilter {
                device,
                ..MessageFilter::default()
            };
            let page = history::rows_of(&self.connection, self.workspace, &filter, 9, (0, i64::MAX));
            assert_eq!(page.expect("a page").rows.len(), 9);
            note("list");
        }
        assert!(search::index_some(&self.connection, 9).expect("indexed"));
        note("index");
        let filter = MessageFilter {
            text: "bo".parse().ok(),
            ..MessageFilter::default()
        };
        let page = history::page(&self.connection, self.workspace, &filter, 9, None);
        assert_eq!(page.expect("a page").rows.len(), 9);
        note("search");
        let filter = MessageFilter {
            parked: true,
            ..MessageFilter::default()
        };
        history::page(&self.connection, self.workspace, &filter, 9, None).expect("a page");
        note("list of what is parked");
        let today = Day::from_number(0)..=Day::from_number(0);
        let count = |_, _, _| {};
        daily::each_count(&self.connection, self.workspace, None, &today, count).expect("counted");
        note("summary");
        measured.split_off(1)
    }
}

#[test]
fn nothing_gets_dearer_when_the_tables_grow() {
    for backlog in [
        Backlog::Ready,
        Backlog::Scheduled,
        Backlog::InFlight,
        Backlog::Retrying,
        Backlog::Behind,
        Backlog::Parked,
        Backlog::Gone,
    ] {
        let [few, many] = [FEW, MANY].map(|count| {
            let mut counted = Counted::new();
            counted.prepare(backlog, count);
            // Once more, so that preparing the statements is not counted.
            if !matches!(backlog, Backlog::Ready) {
                counted.measure(100);
            }
            counted.measure(200)
        });
        are_alike(&format!("{backlog:?}"), &few, &many);
    }
}

#[test]
fn the_backlog_of_one_device_costs_no_other_anything() {
    let [few, many] = [FEW, 100_000].map(|count| {
        let mut counted = Counted::new();
        counted.prepare(Backlog::Gone, FEW);
        counted.prepare_neighbour(count);
        counted.measure(100);
        counted.measure(200)
    });
    are_alike("a neighbour's", &few, &many);
}

#[test]
fn what_the_accepts_of_a_commit_count_is_written_once() {
    let mut counted = Counted::new();
    let mut rows_changed_by = |accepts: usize| {
        let (tally, before) = (Tally::default(), counted.connection.total_changes());
        for to in 0..accepts {
            counted.accept_with(&tally, to, None);
        }
        tally.write(&counted.connection).expect("counted");
        counted.connection.total_changes() - before
    };
    rows_changed_by(1);
    let of_its_own = ["message", "outbox", "event", "idempotency"].len() as u64;
    let shared = ["workspace", "device", "day"].len() as u64;
    assert_eq!(rows_changed_by(1), of_its_own + shared);
    assert_eq!(rows_changed_by(10), 10 * of_its_own + shared);
}

fn are_alike(backlog: &str, few: &[(&str, u64)], many: &[(&str, u64)]) {
    for ((name, few), (_, many)) in few.iter().zip(many) {
        println!("{backlog}: {name} {few} {many}");
        assert!(
            *many <= few + few / 4 + 50,
            "{backlog}: {name} took {few} steps with few messages and {many} with many"
        );
    }
}
