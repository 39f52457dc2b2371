//! Any history of accepts, claims, outcomes and restarts, against a model that fits on a page.

use std::collections::BTreeSet;

use postern_domain::port::ReceiptKind;
use proptest::prelude::*;
use rusqlite::Connection;

use super::*;
use crate::StoreError;

#[derive(Debug, Clone)]
enum Step {
    Accept { chat: usize, delay: Option<i64> },
    Claim { limit: usize },
    Acked(usize),
    Receipt(usize, ReceiptKind),
    Retry(usize, i64),
    Failed(usize),
    Release,
    Promote,
    Pass(i64),
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let message = 0..40_usize;
    prop_oneof![
        6 => (0..3_usize, prop::option::weighted(0.2, 1..300_i64))
            .prop_map(|(chat, delay)| Step::Accept { chat, delay }),
        6 => (1..5_usize).prop_map(|limit| Step::Claim { limit }),
        2 => Just(Step::Claim { limit: 100 }),
        3 => message.clone().prop_map(Step::Acked),
        1 => (message.clone(), prop_oneof![
            Just(ReceiptKind::Delivered), Just(ReceiptKind::Read), Just(ReceiptKind::Played)
        ]).prop_map(|(message, kind)| Step::Receipt(message, kind)),
        5 => (message.clone(), 1..300_i64).prop_map(|(message, delay)| Step::Retry(message, delay)),
        1 => message.prop_map(Step::Failed),
        1 => Just(Step::Release),
        1 => Just(Step::Promote),
        4 => (1..200_i64).prop_map(Step::Pass),
        1 => Just(Step::Reopen),
    ]
}

/// How long a claim of the model waits for its ack.
const PATIENCE: i64 = 150;

struct Sent {
    id: MessageId,
    stanza: String,
    chat: usize,
    status: MessageStatus,
    /// When it may be attempted, or attempted again.
    due: i64,
}

struct Model {
    now: i64,
    messages: Vec<Sent>,
}

impl Model {
    /// The messages that a claim without a limit takes, and those in flight that may be taken back to wait.
    fn claimable(&self) -> (BTreeSet<usize>, BTreeSet<usize>) {
        let (mut claimable, mut taken_back) = (BTreeSet::new(), BTreeSet::new());
        let (mut held, mut queueing) = (BTreeSet::new(), BTreeSet::new());
        for (number, message) in self.messages.iter().enumerate() {
            let due = message.due <= self.now;
            if self.is_waiting(number) {
                queueing.insert(message.chat);
            } else if message.status == MessageStatus::Processing && due && queueing.contains(&message.chat) {
                taken_back.insert(number);
            }
            match message.status {
                MessageStatus::Queued | MessageStatus::Retrying if !due => drop(held.insert(message.chat)),
                MessageStatus::Queued | MessageStatus::Retrying if !held.contains(&message.chat) => {
                    claimable.insert(number);
                }
                MessageStatus::Processing if due && !held.contains(&message.chat) => {
                    claimable.insert(number);
                }
                _ => {}
            }
        }
        (claimable, taken_back)
    }

    fn is_waiting(&self, number: usize) -> bool {
        matches!(
            self.messages[number].status,
            MessageStatus::Queued | MessageStatus::Retrying
        )
    }

    fn number_of(&self, stanza: &str) -> usize {
        let number = self.messages.iter().position(|message| message.stanza == stanza);
        number.expect("a message of this test")
    }

    fn learn(&mut self, number: usize, status: MessageStatus) -> bool {
        let message = &mut self.messages[number];
        let changes = message.status.may_become(status);
        if changes {
            message.status = status;
        }
        changes
    }
}

struct Run {
    fixture: Fixture,
    model: Model,
}

impl Run {
    async fn step(&mut self, step: Step) {
        let now = self.model.now;
        match step {
            Step::Accept { chat, delay } => self.accept(chat, delay).await,
            Step::Claim { limit } => self.claim(limit).await,
            Step::Acked(number) => self.learn(number, MessageStatus::Sent, acked).await,
            Step::Receipt(number, kind) => {
                let status = match kind {
                    ReceiptKind::Delivered => MessageStatus::Delivered,
                    ReceiptKind::Read => MessageStatus::Read,
                    ReceiptKind::Played => MessageStatus::Played,
                };
                self.learn(number, status, |stanza| receipt(stanza, kind)).await;
            }
            Step::Retry(number, delay) => {
                self.learn(number, MessageStatus::Retrying, |stanza| {
                    retry(stanza, now + delay)
                })
                .await;
                if let Some(message) = self.pick(number)
                    && message.status == MessageStatus::Retrying
                    && message.due == i64::MAX
                {
                    message.due = now + delay;
                }
            }
            Step::Failed(number) => {
                self.learn(number, MessageStatus::Failed, failed).await;
            }
            Step::Release => {
                let released = self
                    .fixture
                    .store
                    .release_claims(self.fixture.device, at(now))
                    .await;
                let in_flight = self.model.messages.iter_mut();
                let in_flight: Vec<_> = in_flight
                    .filter(|message| message.status == MessageStatus::Processing)
                    .collect();
                assert_eq!(released, Ok(in_flight.len()));
                in_flight.into_iter().for_each(|message| message.due = now);
            }
            Step::Promote => {
                let promoted = self.fixture.store.promote_scheduled(at(now), 1_000).await;
                promoted.expect("promoted");
                for message in &mut self.model.messages {
                    if message.status == MessageStatus::Scheduled && message.due <= now {
                        message.status = MessageStatus::Queued;
                    }
                }
            }
            Step::Pass(time) => self.model.now += time,
            Step::Reopen => self.fixture.reopen().await,
        }
    }

    fn pick(&mut self, number: usize) -> Option<&mut Sent> {
        let count = self.model.messages.len();
        (count > 0).then(|| &mut self.model.messages[number % count])
    }

    async fn accept(&mut self, chat: usize, delay: Option<i64>) {
        let now = self.model.now;
        let message = NewMessage {
            scheduled_for: delay.map(|delay| at(now + delay)),
            ..self.fixture.message(chat)
        };
        self.fixture.accept_this(&message, now).await;
        self.model.messages.push(Sent {
            id: message.id,
            stanza: message.stanza.to_string(),
            chat,
            status: if delay.is_some() {
                MessageStatus::Scheduled
            } else {
                MessageStatus::Queued
            },
            due: now + delay.unwrap_or(0),
        });
    }

    async fn learn(&mut self, number: usize, status: MessageStatus, outcome: impl Fn(&str) -> Outcome) {
        let count = self.model.messages.len();
        if count == 0 {
            return;
        }
        let number = number % count;
        let outcome = outcome(&self.model.messages[number].stanza);
        self.fixture.record(outcome, self.model.now).await;
        if self.model.learn(number, status) {
            self.model.messages[number].due = i64::MAX;
        }
    }

    async fn claim(&mut self, limit: usize) {
        let now = self.model.now;
        let (claimable, taken_back) = self.model.claimable();
        let claimed = self
            .fixture
            .store
            .claim(self.fixture.device, limit, at(now + PATIENCE), at(now))
            .await
            .expect("a claim");
        let numbers: Vec<_> = claimed
            .iter()
            .map(|claimed| self.model.number_of(claimed.stanza.as_str()))
            .collect();
        assert!(numbers.is_sorted(), "in the order of acceptance");
        let taken: BTreeSet<_> = numbers.into_iter().collect();
        assert_eq!(taken.len(), claimed.len(), "each once");
        assert!(taken.is_subset(&claimable), "{taken:?} of {claimable:?} at {now}");
        assert_eq!(taken.len(), claimable.len().min(limit), "as many as there are");
        for number in claimable.difference(&taken) {
            let overtaken = taken.iter().any(|other| {
                other > number
                    && self.model.is_waiting(*number)
                    && self.model.is_waiting(*other)
                    && self.model.messages[*other].chat == self.model.messages[*number].chat
            });
            assert!(!overtaken, "{number} was overtaken in its chat");
        }
        for number in taken {
            self.model.messages[number].status = MessageStatus::Processing;
            self.model.messages[number].due = now + PATIENCE;
        }
        // Those behind one that waits, as far as the claim looked at them.
        for number in taken_back {
            let stored = self.fixture.stored(self.model.messages[number].id).await.status;
            if stored == MessageStatus::Retrying {
                self.model.messages[number].status = stored;
                self.model.messages[number].due = now;
            }
        }
        let (left, _) = self.model.claimable();
        let next = self.fixture.next_due().await;
        if left.is_empty() && limit == 100 {
            assert!(
                next.is_none_or(|next| next > now),
                "nothing to be claimed at {next:?}"
            );
        } else if !left.is_empty() {
            assert!(next.is_some_and(|next| next <= now), "something can be claimed");
        }
    }

    /// What holds after every step.
    async fn check(&self) {
        for message in &self.model.messages {
            let stored = self.fixture.stored(message.id).await;
            assert_eq!(stored.status, message.status, "{}", message.stanza);
            let steps: Vec<_> = stored.timeline.iter().map(|step| step.status).collect();
            assert_eq!(steps.last(), Some(&stored.status));
            assert!(
                steps.windows(2).all(|pair| pair[0].may_become(pair[1])),
                "{steps:?}"
            );
        }
        let waiting = self
            .model
            .messages
            .iter()
            .filter(|message| message.status.is_in_outbox())
            .count();
        let (rows, breaches) = self.fixture.store.database.read(look).await.expect("a look");
        assert_eq!(rows, waiting);
        assert!(breaches.is_empty(), "{breaches:?}");
    }

    /// With time and acks, everything that waits gets away.
    async fn drain(&mut self) {
        for _ in 0..self.model.messages.len() + 1 {
            self.step(Step::Pass(1_000)).await;
            self.step(Step::Promote).await;
            self.step(Step::Claim { limit: 100 }).await;
            for number in 0..self.model.messages.len() {
                if self.model.messages[number].status == MessageStatus::Processing {
                    self.step(Step::Acked(number)).await;
                }
            }
        }
        self.check().await;
        assert!(
            self.model
                .messages
                .iter()
                .all(|message| !message.status.is_in_outbox())
        );
        assert_eq!(self.fixture.next_due().await, None);
    }
}

/// How many rows there are in the outbox, and which checks find something.
fn look(connection: &Connection) -> Result<(usize, Vec<&'static str>), StoreError> {
    let rows: u32 = connection.query_row("SELECT count(*) FROM outbox", [], |row| row.get(0))?;
    let mut breaches = Vec::new();
    for rule in CHECKS {
        let found = rule.find(connection)?;
        breaches.extend((found.count > 0).then_some(rule.name));
    }
    Ok((rows as usize, breaches))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_history_loses_or_reorders_messages(steps in prop::collection::vec(step(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let mut run = Run {
                fixture: Fixture::new().await,
                model: Model { now: 1_000, messages: Vec::new() },
            };
            for step in steps {
                run.step(step).await;
                run.check().await;
            }
            run.drain().await;
            run.fixture.store.close().await;
        });
    }
}
