//! What waits or has gone before changes nothing in the cost of a call, counted in steps of SQLite's machine.
//!
//! A scan or a sort of a table shows as thousands of steps; a search in an index as a few, however large it is.

use std::sync::Arc;

use postern_domain::port::ReceiptKind;
use rusqlite::Connection;

use super::*;
use crate::data::store::SCHEMA;
use crate::data::tables::{devices, history, idempotency, log, messages, outbox, workspaces};
use crate::data::{accept::accept, claim::claim, claim::promote, record::Change};

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
        let mut connection = Connection::open_in_memory().expect("a database");
        for (_, sql) in SCHEMA.migrations {
            connection.execute_batch(sql).expect("the schema");
        }
        connection.set_prepared_statement_cache_capacity(256);
        let steps = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&steps);
        let count = move || {
            counter.fetch_add(1, Ordering::Relaxed);
            false
        };
        connection.progress_handler(1, Some(count)).expect("counted");
        let (workspace, device) = (WorkspaceId::generate(), DeviceId::generate());
        workspaces::insert(&connection, workspace, "default", "unlimited", at(0)).expect("a workspace");
        devices::insert(&connection, workspace, device, "till", at(0)).expect("a device");
        devices::link(&connection, device, &account("15550000001")).expect("linked");
        Self {
            connection,
            steps,
            workspace,
            device,
            accepted: 0,
        }
    }

    fn accept(&mut self, to: usize, scheduled_for: Option<Timestamp>) {
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
        accept(&self.connection, &message, Some(&key), at(10)).expect("accepted");
    }

    /// Claims with a deadline that never comes.
    fn claim(&self, limit: i64, now: i64) -> Vec<String> {
        let limit = usize::try_from(limit).expect("a limit");
        let claimed = claim(&self.connection, self.device, limit, None, at(900_000), at(now));
        let claimed = claimed.expect("a claim").into_iter();
        claimed.map(|claimed| claimed.stanza.to_string()).collect()
    }

    fn record(&self, outcome: Outcome, now: i64) {
        let change = Change {
            tx: &self.connection,
            device: self.device,
            now: at(now),
        };
        change.record(&outcome).expect("recorded");
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
        promote(&self.connection, at(now), 9).expect("promoted");
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
        for ((name, few), (_, many)) in few.into_iter().zip(many) {
            eprintln!("STEPS {backlog:?} {name} {few} {many}");
            assert!(
                many <= few + few / 4 + 50,
                "{backlog:?}: {name} took {few} steps with few messages and {many} with many"
            );
        }
    }
}
