//! Runs steps on the store and on the model, and compares them.

use std::collections::BTreeSet;

use postern_domain::port::ReceiptKind;
use postern_domain::session::Signal;
use postern_domain::{EventType, ParkReason};
use rusqlite::Connection;

use super::super::receive::inbound;
use super::super::*;
use super::Step;
use super::expected::{ANY_TIME, Model, Sent};
use crate::StoreError;
use crate::data::tables::timeline;

/// How long a claim waits for its ack.
const PATIENCE: i64 = 150;
/// The accounts that the device is linked to, one at a time.
const ACCOUNTS: [&str; 2] = ["15550000001", "15550000002"];

/// A store and what it promises.
pub(super) struct Run {
    pub(super) fixture: Fixture,
    pub(super) model: Model,
}

/// A message as the tables have it.
struct Row {
    id: MessageId,
    stanza: String,
    status: MessageStatus,
    attempts: u32,
    timeline: Vec<u8>,
    /// Its rows in the outbox.
    entries: u32,
    lane: Option<u8>,
    due: Option<i64>,
    parked: Option<u8>,
}

impl Run {
    pub(super) async fn step(&mut self, step: Step) {
        self.model.steps += 1;
        let now = self.model.now;
        match step {
            Step::Accept { chat, delay } => self.accept(chat, delay).await,
            Step::Repeat(number) => self.repeat(number).await,
            Step::Claim { limit } => self.claim(limit).await,
            Step::Acked(number) => drop(self.learn(number, MessageStatus::Sent, acked).await),
            Step::Receipt(number, kind) => {
                let status = match kind {
                    ReceiptKind::Delivered => MessageStatus::Delivered,
                    ReceiptKind::Read => MessageStatus::Read,
                    ReceiptKind::Played => MessageStatus::Played,
                };
                self.learn(number, status, |stanza| receipt(stanza, kind)).await;
            }
            Step::Retry(number, delay) => {
                let outcome = |stanza: &str| retry(stanza, now + delay);
                if let Some(number) = self.learn(number, MessageStatus::Retrying, outcome).await {
                    self.model.messages[number].due = now + delay;
                }
            }
            Step::Failed(number) => drop(self.learn(number, MessageStatus::Failed, failed).await),
            Step::ReleaseClaims => self.release_claims().await,
            Step::Hasten => self.hasten().await,
            Step::Promote => self.promote().await,
            Step::Cancel(number) => self.cancel(number).await,
            Step::TryAgain(number) => self.try_again(number).await,
            Step::Reschedule(number, delay) => self.reschedule(number, delay).await,
            Step::LogOut { removed } => self.log_out(removed).await,
            Step::Link { account } => self.link(account).await,
            Step::Release(number) => self.release(number).await,
            Step::ReleaseAll => self.release_all().await,
            Step::CancelParked => self.cancel_parked().await,
            Step::Receive(number) => self.receive(number).await,
            Step::Pass(time) => self.model.now += time,
            Step::TurnBack(time) => self.model.now = (now - time).max(1),
            Step::Reopen => self.fixture.reopen().await,
        }
    }

    async fn accept(&mut self, chat: usize, delay: Option<i64>) {
        let now = self.model.now;
        let accepted = NewMessage {
            scheduled_for: delay.map(|delay| at(now + delay)),
            queue_if_disconnected: true,
            ..self.fixture.message(chat)
        };
        let key = key(&accepted, 0);
        let new = self.fixture.store.accept(accepted.clone(), Some(key), at(now));
        assert_eq!(new.await.expect("accepted"), Accepted::New);
        self.model.messages.push(Sent {
            accepted,
            chat,
            status: delay.map_or(MessageStatus::Queued, |_| MessageStatus::Scheduled),
            due: delay.map_or(ANY_TIME, |delay| now + delay),
            attempts: 0,
            queued: self.model.steps,
            account: self.model.last_account,
            parked: None,
        });
    }

    /// The first answer again, for the same request; and nothing at all for another one with the same key.
    async fn repeat(&self, number: usize) {
        let Some(number) = self.model.pick(number) else {
            return;
        };
        let (now, first) = (at(self.model.now), &self.model.messages[number].accepted);
        let again = NewMessage {
            queue_if_disconnected: true,
            ..self.fixture.message(0)
        };
        let repeated = self.fixture.store.accept(again.clone(), Some(key(first, 0)), now);
        let replayed = Accepted::Replayed {
            http_status: 202,
            body: first.id.to_string().into_bytes(),
        };
        assert_eq!(repeated.await.expect("an answer"), replayed);
        let other = self.fixture.store.accept(again, Some(key(first, 1)), now).await;
        assert!(matches!(other, Err(AcceptError::IdempotencyConflict)));
    }

    /// Answers the message's number when the store and the model learned something of it.
    async fn learn(
        &mut self,
        number: usize,
        status: MessageStatus,
        outcome: impl Fn(&str) -> Outcome,
    ) -> Option<usize> {
        let number = self.model.pick(number)?;
        let message = &mut self.model.messages[number];
        let outcome = outcome(message.accepted.stanza.as_str());
        self.fixture.record(outcome, self.model.now).await;
        message.learn(status).then_some(number)
    }

    async fn claim(&mut self, limit: usize) {
        let now = self.model.now;
        let turn = self.model.turn();
        let claimed = self
            .fixture
            .store
            .claim(self.fixture.device, limit, at(now + PATIENCE), at(now))
            .await
            .expect("a claim");
        let numbers: Vec<_> = claimed
            .iter()
            .map(|claimed| self.model.number_of(&claimed.stanza))
            .collect();
        assert!(numbers.is_sorted(), "in the order of acceptance");
        let taken: BTreeSet<_> = numbers.iter().copied().collect();
        assert_eq!(taken.len(), claimed.len(), "each once");
        let whose = &turn.claimable;
        assert!(taken.is_subset(whose), "{taken:?} of {whose:?} at {now}");
        assert_eq!(taken.len(), whose.len().min(limit), "as many as there are");
        for left in whose.difference(&taken) {
            let overtaken = taken.iter().any(|later| self.model.is_overtaking(*later, *left));
            assert!(!overtaken, "{left} was overtaken in its chat");
        }
        for (number, claimed) in numbers.into_iter().zip(claimed) {
            let message = &mut self.model.messages[number];
            message.status = MessageStatus::Processing;
            message.due = now + PATIENCE;
            message.attempts += 1;
            let accepted = &message.accepted;
            assert_eq!(
                (claimed.id, claimed.attempt, &claimed.to, &claimed.content),
                (accepted.id, message.attempts, &accepted.to, &accepted.content)
            );
        }
        // Those in the way, as far as the claim looked at them.
        let rows = self.rows().await;
        for number in turn.taken_back.difference(&taken) {
            if rows[*number].status == MessageStatus::Retrying {
                let message = &mut self.model.messages[*number];
                (message.status, message.due) = (MessageStatus::Retrying, now);
            }
        }
        for number in turn.foreign {
            if rows[number].parked.is_some() {
                self.model.messages[number].park(ParkReason::OtherAccount);
            }
        }
        self.look_ahead(limit).await;
    }

    /// The time of the next look misses nothing that can be claimed, and comes to rest.
    async fn look_ahead(&self, claimed: usize) {
        let (now, left) = (self.model.now, self.model.turn());
        let next = self.fixture.next_due().await;
        if !left.claimable.is_empty() {
            assert!(next.is_some_and(|next| next <= now), "something can be claimed");
        } else if claimed == 100 && self.model.linked.is_some() {
            assert_eq!(left.foreign, BTreeSet::new(), "what is foreign was parked");
            assert!(
                next.is_none_or(|next| next > now),
                "nothing to be claimed at {next:?}"
            );
        }
    }

    async fn release_claims(&mut self) {
        let now = self.model.now;
        let (store, device) = (&self.fixture.store, self.fixture.device);
        let released = store.release_claims(device, at(now)).await;
        let in_flight = self.model.messages.iter_mut();
        let in_flight: Vec<_> = in_flight
            .filter(|message| message.status == MessageStatus::Processing)
            .collect();
        assert_eq!(released, Ok(in_flight.len()));
        in_flight.into_iter().for_each(|message| message.due = now);
    }

    /// Of each chat the first one that waits is due, if any time passed between them would not have made it so.
    async fn hasten(&mut self) {
        let now = self.model.now;
        let (store, device) = (&self.fixture.store, self.fixture.device);
        let hastened = store.hasten_retries(device, at(now)).await.expect("hastened");
        let rows = self.rows().await;
        let mut changed = BTreeSet::new();
        let (mut waiting, mut late) = (BTreeSet::new(), BTreeSet::new());
        for (message, row) in self.model.messages.iter_mut().zip(rows) {
            if !message.is_waiting() {
                continue;
            }
            let is_first = waiting.insert(message.chat);
            if message.due > now && late.insert(message.chat) {
                let hastened = row.due == Some(now);
                assert!(hastened || !is_first, "the first of its chat waits on");
                if hastened {
                    changed.insert(message.chat);
                    message.due = now;
                }
            }
        }
        assert_eq!(hastened, changed.len());
    }

    async fn promote(&mut self) {
        let now = self.model.now;
        let promoted = self.fixture.store.promote_scheduled(at(now), 1_000).await;
        promoted.expect("promoted");
        for message in &mut self.model.messages {
            if message.status == MessageStatus::Scheduled && message.due <= now {
                message.queue(self.model.steps);
            }
        }
    }

    async fn cancel(&mut self, number: usize) {
        let Some(number) = self.model.pick(number) else {
            return;
        };
        let (fixture, now) = (&self.fixture, at(self.model.now));
        let message = &mut self.model.messages[number];
        let canceled = fixture
            .store
            .cancel(fixture.workspace, message.accepted.id, now)
            .await;
        match canceled {
            Ok(_) => assert!(message.learn(MessageStatus::Canceled)),
            Err(MoveError::InvalidStatus(status)) => {
                assert_eq!(status, message.status);
                assert!(!status.may_become(MessageStatus::Canceled));
            }
            Err(error) => panic!("{error}"),
        }
    }

    async fn try_again(&mut self, number: usize) {
        let Some(number) = self.model.pick(number) else {
            return;
        };
        let (fixture, now, linked) = (&self.fixture, at(self.model.now), self.model.linked);
        let message = &mut self.model.messages[number];
        let retried = fixture
            .store
            .retry(fixture.workspace, message.accepted.id, now)
            .await;
        match retried {
            Ok(_) => {
                assert_eq!(message.status, MessageStatus::Failed);
                assert!(linked.is_none_or(|account| account == message.account));
                message.queue(self.model.steps);
            }
            Err(MoveError::InvalidStatus(status)) => {
                assert_eq!(status, message.status);
                assert_ne!(status, MessageStatus::Failed);
            }
            Err(MoveError::OtherAccount) => assert!(linked.is_some_and(|account| account != message.account)),
            Err(error) => panic!("{error}"),
        }
    }

    async fn reschedule(&mut self, number: usize, delay: Option<i64>) {
        let Some(number) = self.model.pick(number) else {
            return;
        };
        let (fixture, now) = (&self.fixture, self.model.now);
        let message = &mut self.model.messages[number];
        let (id, later) = (message.accepted.id, delay.map(|delay| now + delay));
        let moved = fixture
            .store
            .reschedule(fixture.workspace, id, later.map(at), at(now))
            .await;
        if message.status != MessageStatus::Scheduled {
            assert!(matches!(moved, Err(MoveError::InvalidStatus(status)) if status == message.status));
            return;
        }
        moved.expect("moved");
        match later.filter(|later| *later > now) {
            Some(later) => message.due = later,
            None => message.queue(self.model.steps),
        }
    }

    async fn log_out(&mut self, removed: bool) {
        let (signal, reason) = if removed {
            (Signal::AccountRemoved, ParkReason::AccountRemoved)
        } else {
            let messages_left = false;
            (Signal::LoggedOut { messages_left }, ParkReason::LoggedOut)
        };
        let (store, device) = (&self.fixture.store, self.fixture.device);
        let signalled = store.signal(device, signal, at(self.model.now)).await;
        signalled.expect("signalled");
        if self.model.linked.take().is_none() {
            return;
        }
        for message in &mut self.model.messages {
            if message.is_waiting() || message.status == MessageStatus::Processing {
                message.park(reason);
            }
        }
    }

    async fn link(&mut self, account: u8) {
        if self.model.linked.is_none() {
            let phone = ACCOUNTS[usize::from(account)];
            self.fixture.link(phone, self.model.now).await;
            (self.model.linked, self.model.last_account) = (Some(account), account);
        }
    }

    async fn release(&mut self, number: usize) {
        let Some(number) = self.model.pick(number) else {
            return;
        };
        let (fixture, now, linked) = (&self.fixture, at(self.model.now), self.model.linked);
        let message = &mut self.model.messages[number];
        let released = fixture
            .store
            .release(fixture.workspace, message.accepted.id, now)
            .await;
        match released {
            Ok(_) => {
                assert!(message.parked.is_some() && linked == Some(message.account));
                message.queue(self.model.steps);
            }
            Err(MoveError::NotParked) => assert_eq!(message.parked, None),
            Err(MoveError::OtherAccount) => assert_ne!(linked, Some(message.account)),
            Err(error) => panic!("{error}"),
        }
    }

    async fn release_all(&mut self) {
        let (fixture, now) = (&self.fixture, at(self.model.now));
        let released = fixture
            .store
            .release_parked(fixture.workspace, fixture.device, now)
            .await;
        let Some(linked) = self.model.linked else {
            assert!(matches!(released, Err(MoveError::OtherAccount)));
            return;
        };
        let mut own = self.model.parked();
        own.retain(|number| self.model.messages[*number].account == linked);
        assert_eq!(released.expect("released"), own.len());
        for number in own {
            self.model.messages[number].queue(self.model.steps);
        }
    }

    async fn cancel_parked(&mut self) {
        let (fixture, now) = (&self.fixture, at(self.model.now));
        let canceled = fixture
            .store
            .cancel_parked(fixture.workspace, fixture.device, now)
            .await;
        let parked = self.model.parked();
        assert_eq!(canceled.expect("canceled"), parked.len());
        for number in parked {
            assert!(self.model.messages[number].learn(MessageStatus::Canceled));
        }
    }

    async fn receive(&mut self, number: usize) {
        let (store, device) = (&self.fixture.store, self.fixture.device);
        let batch = vec![inbound(&format!("IN{number}"), number)];
        let new = store.receive(device, batch, at(self.model.now)).await;
        assert_eq!(new, Ok(usize::from(self.model.received.insert(number))));
    }

    /// What holds after every step.
    pub(super) async fn check(&self) {
        let rows = self.rows().await;
        assert_eq!(rows.len(), self.model.messages.len(), "each acceptance once");
        for (message, row) in self.model.messages.iter().zip(&rows) {
            let name = &row.stanza;
            assert_eq!(row.id, message.accepted.id, "in the order of acceptance");
            assert_eq!(name, message.accepted.stanza.as_str());
            assert_eq!(row.status, message.status, "{name}");
            assert_eq!(row.attempts, message.attempts, "{name}");
            assert_eq!(row.parked, message.parked.map(ParkReason::number), "{name}");
            assert_eq!(row.entries, u32::from(message.status.is_in_outbox()), "{name}");
            let due = row
                .due
                .filter(|_| message.parked.is_none() && row.lane != Some(0));
            assert!(
                due.is_none_or(|due| due == message.due),
                "{name} is due at {due:?}"
            );
            check_timeline(row);
        }
        let (outbox, inbound) = self.fixture.store.database.read(totals).await.expect("counts");
        let entries: u32 = rows.iter().map(|row| row.entries).sum();
        assert_eq!(outbox, entries, "no row of the outbox without its message");
        let broken = self.fixture.store.database.read(broken).await.expect("checks");
        assert!(broken.is_empty(), "{broken:?}");
        self.fixture.is_counted().await;
        assert_eq!(inbound as usize, self.model.received.len(), "what came in, once");
        let device = self.fixture.observed(self.fixture.device).await;
        assert_eq!(device.counters.parked, self.model.parked().len() as u64);
    }

    /// With time, acks and somebody who acts, everything that waits gets away; nothing was ever out of reach.
    pub(super) async fn drain(&mut self) {
        for account in [0, 1] {
            if self.model.linked != Some(account) {
                self.step(Step::LogOut { removed: false }).await;
                self.step(Step::Link { account }).await;
            }
            self.step(Step::ReleaseAll).await;
            for _ in 0..self.model.messages.len() + 1 {
                self.step(Step::Pass(1_000)).await;
                self.step(Step::Promote).await;
                self.step(Step::Claim { limit: 100 }).await;
                let in_flight: Vec<_> = (0..self.model.messages.len())
                    .filter(|number| self.model.messages[*number].status == MessageStatus::Processing)
                    .collect();
                if in_flight.is_empty() && self.fixture.next_due().await.is_none() {
                    break;
                }
                for number in in_flight {
                    self.step(Step::Acked(number)).await;
                }
            }
        }
        self.check().await;
        let mut ended = self.model.messages.iter().map(|message| message.status);
        assert!(ended.all(|status| !status.is_in_outbox()));
        assert_eq!(self.fixture.next_due().await, None);
        let events = self.fixture.events().await;
        let of = |kind| events.iter().filter(|event| event.kind == kind).count();
        assert_eq!(of(EventType::MessageAccepted), self.model.messages.len());
        assert_eq!(of(EventType::MessageReceived), self.model.received.len());
    }

    async fn rows(&self) -> Vec<Row> {
        self.fixture.store.database.read(rows).await.expect("rows")
    }
}

/// The key that a message was accepted with; with another `fingerprint`, of another request.
fn key(message: &NewMessage, fingerprint: u8) -> IdempotencyKey {
    IdempotencyKey {
        endpoint: "POST /v1/messages",
        key: message.stanza.to_string(),
        fingerprint: [fingerprint; 32],
        http_status: 202,
        body: message.id.to_string().into_bytes(),
    }
}

/// One step leads to the next, none is taken back, and the last one is where the message stands.
fn check_timeline(row: &Row) {
    let steps = timeline::decode(&row.timeline).expect("a timeline");
    assert_eq!(steps.last().map(|step| step.status), Some(row.status));
    for pair in steps.windows(2) {
        let detail = pair[1].detail.as_deref().unwrap_or_default();
        let says_why_it_stays = detail.starts_with("parked: ") || detail == "released";
        let follows = pair[0].status.may_become(pair[1].status);
        let stays = pair[0].status == pair[1].status && says_why_it_stays;
        assert!(follows || stays, "{}: {steps:?}", row.stanza);
    }
}

/// The accepted messages in the order of acceptance.
fn rows(connection: &Connection) -> Result<Vec<Row>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT id, stanza_id, status, attempts, timeline, count(lane), lane, due_at, parked
         FROM messages LEFT JOIN outbox USING (seq) WHERE direction = 1 GROUP BY seq ORDER BY seq",
    )?;
    let rows = statement.query_map([], |row| {
        let status: u8 = row.get(2)?;
        Ok(Row {
            id: MessageId::from_bytes(row.get(0)?),
            stanza: row.get(1)?,
            status: MessageStatus::from_number(status).expect("a status"),
            attempts: row.get(3)?,
            timeline: row.get(4)?,
            entries: row.get(5)?,
            lane: row.get(6)?,
            due: row.get(7)?,
            parked: row.get(8)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// How many rows the outbox has, and how many messages came in.
fn totals(connection: &Connection) -> Result<(u32, u32), StoreError> {
    let count = |sql| connection.query_row(sql, [], |row| row.get(0));
    Ok((
        count("SELECT count(*) FROM outbox")?,
        count("SELECT count(*) FROM messages WHERE direction = 2")?,
    ))
}

/// The checks that find something.
fn broken(connection: &Connection) -> Result<Vec<&'static str>, StoreError> {
    let mut broken = Vec::new();
    for rule in CHECKS {
        broken.extend((rule.find(connection)?.count > 0).then_some(rule.name));
    }
    Ok(broken)
}
