//! One endpoint: follows the log from the endpoint's position, delivers, and writes down what came of it.
//!
//! It looks (at what is due again, then at the log), begins deliveries as far as the endpoint may take them, and waits for
//! the first thing to happen. Results are recorded in batches, the next while the last one is being committed; the position
//! moves with them. What is not recorded when the process dies is delivered again, under the same ids.
//!
//! All that it holds is bounded: so many events of the log, so many that are due, so many results. An endpoint that rests
//! reads nothing and stores nothing.

mod health;
mod pace;
mod rows;
mod window;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use postern_domain::webhook::{AttemptOutcome, DisableReason};
use postern_domain::{DeviceId, EventId, EventType, Timestamp};
use postern_runtime::Stop;
use postern_store::{
    DeliveryProgress, DeliveryResult, DueDelivery, Recorded, ReplayStep, StoreError, Then, Webhook,
};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout_at};
use tracing::Instrument as _;

use self::health::Health;
use self::pace::Pace;
use self::rows::Rows;
use self::window::{Next, Window};
use crate::context::Context;
use crate::log::Entry;
use crate::target::Target;
use crate::trace;

/// Rows that are looked at together when they are due.
const DUE_AT_ONCE: usize = 64;
/// Stretches of the log that are read before anything else gets its turn.
const STRETCHES_AT_ONCE: usize = 8;
/// After so many events that nobody wants the position is written down without any result.
const BARE: u64 = 512;
/// Events of a replay that may wait; more of them are fetched when there are fewer.
const REPLAYED_AT_ONCE: usize = 1_000;
/// How soon what could not be recorded is recorded again.
const RECORD_AGAIN: Duration = Duration::from_millis(500);
/// How long deliveries that are under way may go on when everything is to stop.
const FAREWELL: Duration = Duration::from_secs(3);
/// The shortest wait for a time.
const BREATH: Duration = Duration::from_millis(5);

/// The follower ended in good order: it was stopped, or the endpoint is disabled or gone.
pub(crate) struct Ended;

/// A delivery that is made.
struct Delivery {
    seq: u64,
    device: Option<DeviceId>,
    event: EventId,
    kind: EventType,
    /// How many tries there were before.
    tries: u32,
    /// Whether it has a row.
    kept: bool,
    /// Whether it only finds out how the endpoint is, before its time.
    early: bool,
}

/// Results that are being recorded.
struct Recording {
    progress: Arc<DeliveryProgress>,
    commit: BoxFuture<'static, Result<Recorded, StoreError>>,
}

/// One endpoint's deliveries.
pub(crate) struct Follower {
    context: Arc<Context>,
    webhook: Webhook,
    target: Arc<Target>,
    health: Health,
    pace: Pace,
    paced_until: Option<Instant>,
    window: Window,
    rows: Rows,
    running: FuturesUnordered<BoxFuture<'static, (Delivery, AttemptOutcome)>>,
    /// How many of those that are under way had failed before.
    repeating: usize,
    /// Devices of an ordered endpoint with a delivery under way.
    busy: HashSet<DeviceId>,
    learned: Vec<DeliveryResult>,
    disable: Option<DisableReason>,
    recording: Option<Recording>,
    /// The position that was last given to be recorded.
    noted: u64,
    /// Whether a replay may be open.
    replaying: bool,
    /// Whether the endpoint turned out to be disabled or gone.
    over: bool,
    settings: watch::Receiver<Arc<Webhook>>,
    head: watch::Receiver<u64>,
    stop: Stop,
}

impl Follower {
    pub(crate) fn new(
        context: Arc<Context>,
        mut settings: watch::Receiver<Arc<Webhook>>,
        stop: Stop,
    ) -> Self {
        let webhook = Webhook::clone(&settings.borrow_and_update());
        Self {
            target: Arc::new(Target::new(
                context.client.guard(),
                &webhook.target(context.now()),
            )),
            health: Health::of(&webhook, &context.config),
            pace: Pace::of(webhook.rate_cap),
            paced_until: None,
            window: Window::at(webhook.position),
            rows: Rows::default(),
            running: FuturesUnordered::new(),
            repeating: 0,
            busy: HashSet::new(),
            learned: Vec::new(),
            disable: None,
            recording: None,
            noted: webhook.position,
            replaying: true,
            over: false,
            settings,
            head: context.store.watch_events(),
            stop,
            webhook,
            context,
        }
    }

    /// Runs until it is stopped, or the endpoint is disabled or gone.
    pub(crate) async fn run(mut self) -> Result<Ended, StoreError> {
        self.load_rows().await?;
        loop {
            let more = self.look().await?;
            if self.over {
                return Ok(Ended);
            }
            self.begin();
            self.begin_recording();
            let reads = self.reads_log();
            let wake = self.next_moment();
            tokio::select! {
                Some(done) = self.running.next(), if !self.running.is_empty() => self.finished(done),
                recorded = commit(&mut self.recording) => self.recorded(recorded?),
                changed = self.settings.changed() => match changed {
                    Ok(()) => self.adopt().await?,
                    Err(_nobody_wants_it) => break,
                },
                Ok(()) = self.head.changed(), if reads => {}
                () = sleep_until(wake) => {}
                () = tokio::task::yield_now(), if more => {}
                () = self.stop.pulled() => break,
            }
        }
        self.part().await
    }

    /// Looks for work: at what is due again, at replays, at the log. Answers whether the log has more to look at.
    async fn look(&mut self) -> Result<bool, StoreError> {
        let now = self.context.now();
        if self.disable.is_some() || self.health.rests_until(now).is_some() {
            return Ok(false);
        }
        if self.replaying && !self.health.is_doubtful() && self.rows.count() < REPLAYED_AT_ONCE {
            self.replay().await?;
        }
        self.look_at_rows(now).await?;
        for _ in 0..STRETCHES_AT_ONCE {
            if !self.reads_log() {
                return Ok(false);
            }
            let (after, end) = (self.window.read(), *self.head.borrow_and_update());
            if after >= end {
                return Ok(false);
            }
            let stretch = self.context.log.next(after, end).await?;
            let (webhook, rows) = (&self.webhook, &mut self.rows);
            let wanted = stretch.events.into_iter().filter(|entry| {
                let event = &entry.event;
                event.workspace == webhook.workspace
                    && webhook.wants(event.kind, event.device)
                    && !rows.knows(event.seq)
            });
            self.window.extend(wanted, stretch.reached);
        }
        Ok(true)
    }

    /// Whether more of the log is wanted. In doubt only as much as finds out how the endpoint is.
    fn reads_log(&self) -> bool {
        let in_doubt = self.health.is_doubtful() && (self.rows.count() > 0 || self.window.has_idle());
        let rests = self.health.rests_until(self.context.now()).is_some();
        self.window.has_room() && self.has_room_for_rows() && !in_doubt && !rests && self.disable.is_none()
    }

    fn has_room_for_rows(&self) -> bool {
        self.rows.count() < self.context.config.most_waiting
    }

    async fn look_at_rows(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let store = &self.context.store;
        if self.rows.are_unseen(now) {
            let limit = self.rows.limit(DUE_AT_ONCE);
            let (due, next) = store.due_deliveries(self.webhook.id, now, limit).await?;
            self.rows.found(due, next);
        }
        let needs_one = self.health.is_doubtful() && self.running.is_empty() && self.learned.is_empty();
        if needs_one && self.recording.is_none() && self.rows.count() > 0 && !self.rows.has_due() {
            // Nothing is due, and something has to find out how the endpoint is.
            let far = now.after(Duration::from_hours(24 * 365));
            let (first, _) = store.due_deliveries(self.webhook.id, far, 1).await?;
            if first.is_empty() {
                return self.load_rows().await;
            }
            let next = self.rows.next_due();
            self.rows.found(first, next);
        }
        Ok(())
    }

    /// Begins deliveries as far as the endpoint may take them now.
    fn begin(&mut self) {
        let now = self.context.now();
        self.paced_until = None;
        if self.disable.is_some() || self.health.rests_until(now).is_some() {
            return;
        }
        let doubtful = self.health.is_doubtful();
        let most = if doubtful {
            1
        } else {
            self.context.config.concurrency
        };
        self.refresh_target(now);
        while self.running.len() < most && self.learned.len() < window::SIZE {
            // What failed before gets half of the places, and all of them when nothing else is there.
            let rows_first = doubtful || self.repeating < most.div_ceil(2) || !self.window.has_idle();
            let begun = rows_first && self.begin_due(now);
            // In doubt no other event is put at risk while one is kept.
            let risks_another = doubtful && self.rows.count() > 0;
            if !begun && (risks_another || self.paced_until.is_some() || !self.begin_new()) {
                return;
            }
        }
    }

    fn begin_due(&mut self, now: Timestamp) -> bool {
        let (busy, ordered) = (&self.busy, self.webhook.ordered);
        let free = |row: &DueDelivery| !(ordered && row.device.is_some_and(|device| busy.contains(&device)));
        let Some(mut row) = self.rows.take(free) else {
            return false;
        };
        let Some(event) = row.event.take() else {
            // The log has it no more.
            self.learn(DeliveryResult {
                seq: row.seq,
                device: row.device,
                tries: row.tries,
                kept: true,
                then: Then::Done,
                attempt: None,
            });
            return true;
        };
        if let Err(wait) = self.pace.take() {
            self.paced_until = Some(Instant::now() + wait);
            self.rows.put_back(DueDelivery {
                event: Some(event),
                ..row
            });
            return false;
        }
        let delivery = Delivery {
            seq: row.seq,
            device: row.device,
            event: event.id,
            kind: event.kind,
            tries: row.tries,
            kept: true,
            early: row.due_at > now,
        };
        self.deliver(delivery, Arc::new(Entry::new(event)));
        true
    }

    fn begin_new(&mut self) -> bool {
        if !self.has_room_for_rows() {
            return false;
        }
        let (busy, rows) = (&self.busy, &self.rows);
        let is_busy = |device| busy.contains(&device);
        let next = self
            .window
            .next(is_busy, |device| rows.hold(device), self.webhook.ordered);
        let (entry, held) = match next {
            Some(Next::Deliver(entry)) => (entry, false),
            Some(Next::Hold(entry)) => (entry, true),
            None => return false,
        };
        let event = &entry.event;
        if held {
            self.learn(DeliveryResult {
                seq: event.seq,
                device: event.device,
                tries: 0,
                kept: false,
                then: Then::Hold,
                attempt: None,
            });
            return true;
        }
        if let Err(wait) = self.pace.take() {
            self.paced_until = Some(Instant::now() + wait);
            self.window.put_back(event.seq);
            return false;
        }
        let delivery = Delivery {
            seq: event.seq,
            device: event.device,
            event: event.id,
            kind: event.kind,
            tries: 0,
            kept: false,
            early: false,
        };
        self.deliver(delivery, entry);
        true
    }

    fn deliver(&mut self, delivery: Delivery, entry: Arc<Entry>) {
        if self.webhook.ordered {
            self.busy.extend(delivery.device);
        }
        self.repeating += usize::from(delivery.kept);
        let (context, target) = (Arc::clone(&self.context), Arc::clone(&self.target));
        let span = trace::attempt(self.webhook.id, delivery.event);
        let sending = async move {
            let id = delivery.event.to_string();
            let answer = context.client.post(&target, &id, entry.body()).await;
            trace::end(&answer.outcome);
            (delivery, answer.outcome)
        };
        self.running.push(Box::pin(sending.instrument(span)));
    }

    /// A secret that was replaced signs no more when its time has come.
    fn refresh_target(&mut self, now: Timestamp) {
        let previous = self.webhook.previous_secret.as_ref();
        if previous.is_some_and(|(_, until)| *until <= now) {
            self.webhook.previous_secret = None;
            self.target = self.ready_target();
        }
    }

    fn ready_target(&self) -> Arc<Target> {
        let target = self.webhook.target(self.context.now());
        Arc::new(Target::new(self.context.client.guard(), &target))
    }

    /// Decides what follows from a try.
    fn finished(&mut self, (delivery, outcome): (Delivery, AttemptOutcome)) {
        let (now, config) = (self.context.now(), &self.context.config);
        self.repeating -= usize::from(delivery.kept);
        if self.webhook.ordered
            && let Some(device) = delivery.device
        {
            self.busy.remove(&device);
        }
        let was_doubtful = self.health.is_doubtful();
        self.health.note(&outcome, now, config);
        self.context.meters.note(&outcome);
        let tries = delivery.tries.saturating_add(1);
        let again = || {
            let wait = config.retries.wait(tries)?;
            Some(now.after(wait.max(outcome.retry_after.unwrap_or_default())))
        };
        let then = match outcome.failure {
            None => Then::Done,
            Some(_) if delivery.early => Then::Stay,
            Some(_) => again().map_or(Then::Park, Then::Retry),
        };
        if outcome.status == Some(410) {
            self.disable = Some(DisableReason::Gone);
        } else if self.health.is_hopeless(now, config) {
            self.disable = Some(DisableReason::Failing);
        }
        let webhook = self.webhook.id;
        match (was_doubtful, self.health.is_doubtful()) {
            (false, true) => {
                tracing::warn!(webhook.id = %webhook, "the endpoint fails and is left alone for a while")
            }
            (true, false) => tracing::info!(webhook.id = %webhook, "the endpoint is back"),
            _ => {}
        }
        self.learn(DeliveryResult {
            seq: delivery.seq,
            device: delivery.device,
            tries,
            kept: delivery.kept,
            then,
            attempt: Some((delivery.event, delivery.kind, outcome)),
        });
    }

    fn learn(&mut self, result: DeliveryResult) {
        if !result.kept {
            self.window.settle(result.seq);
        }
        self.rows.note(&result);
        self.learned.push(result);
    }

    /// Hands what was learned to the store, unless it is still busy with what was learned before.
    fn begin_recording(&mut self) {
        let position = self.window.position();
        let bare = position >= self.noted + BARE;
        let nothing = self.learned.is_empty() && self.disable.is_none() && !bare;
        if self.recording.is_some() || nothing {
            return;
        }
        self.noted = position;
        let progress = Arc::new(DeliveryProgress {
            position,
            results: std::mem::take(&mut self.learned),
            health: self.health.stored(),
            disable: self.disable,
        });
        let commit = record(Arc::clone(&self.context), self.webhook.id, Arc::clone(&progress));
        self.recording = Some(Recording {
            progress,
            commit: Box::pin(commit),
        });
    }

    fn recorded(&mut self, recorded: Recorded) {
        let Some(recording) = self.recording.take() else {
            return;
        };
        self.rows.recorded(&recording.progress.results);
        self.over |= recorded != Recorded::Going;
        if recording.progress.disable.is_some() && recorded == Recorded::Disabled {
            tracing::warn!(webhook.id = %self.webhook.id, "the endpoint is disabled");
            self.context.wakes.events.ring();
        }
    }

    /// Records everything that was learned.
    async fn settle(&mut self) -> Result<(), StoreError> {
        while !self.over {
            self.begin_recording();
            if self.recording.is_none() {
                break;
            }
            let recorded = commit(&mut self.recording).await?;
            self.recorded(recorded);
        }
        Ok(())
    }

    /// Takes an open replay a step further.
    async fn replay(&mut self) -> Result<(), StoreError> {
        self.settle().await?;
        let (store, now) = (&self.context.store, self.context.now());
        let step = store.replay_step(self.webhook.id, REPLAYED_AT_ONCE, now).await?;
        // To where it is ahead the endpoint gets by itself; the supervisor says so again.
        self.replaying = matches!(step, ReplayStep::More(_));
        if matches!(step, ReplayStep::More(used) | ReplayStep::Ended(used) if used > 0) {
            self.load_rows().await?;
        }
        Ok(())
    }

    /// Takes over what was changed about the endpoint.
    async fn adopt(&mut self) -> Result<(), StoreError> {
        let webhook = Webhook::clone(&self.settings.borrow_and_update());
        if webhook.url != self.webhook.url {
            // What failed elsewhere says nothing about what is here.
            self.health = Health::of(
                &Webhook {
                    failing_since: None,
                    failures: 0,
                    rest_until: None,
                    ..webhook.clone()
                },
                &self.context.config,
            );
        }
        if webhook.rate_cap != self.webhook.rate_cap {
            self.pace = Pace::of(webhook.rate_cap);
        }
        let reordered = webhook.ordered != self.webhook.ordered;
        self.webhook = webhook;
        self.target = self.ready_target();
        self.replaying = true;
        if reordered {
            self.settle().await?;
            self.load_rows().await?;
        }
        Ok(())
    }

    /// Reads what the endpoint has still to get. Nothing waits to be recorded.
    async fn load_rows(&mut self) -> Result<(), StoreError> {
        let (store, id) = (&self.context.store, self.webhook.id);
        let mut waiting = store.waiting_deliveries(id, self.window.read()).await?;
        if !self.webhook.ordered && waiting.held {
            while store.release_held_deliveries(id, self.context.now()).await? {}
            waiting = store.waiting_deliveries(id, self.window.read()).await?;
        }
        self.rows.reload(waiting);
        Ok(())
    }

    /// When to look again although nothing happened.
    fn next_moment(&self) -> Instant {
        let now = self.context.now();
        let moments = [self.health.rests_until(now), self.rows.next_due()];
        let rests = moments[0].is_some();
        let first = if rests {
            moments[0]
        } else {
            moments[1].filter(|due| *due > now)
        };
        let wait = first.map_or(self.context.config.poll, |moment| moment.since(now).max(BREATH));
        let moment = Instant::now() + wait.min(self.context.config.poll);
        self.paced_until.map_or(moment, |paced| paced.min(moment))
    }

    /// Waits a little for what is under way, and records what came of it.
    async fn part(mut self) -> Result<Ended, StoreError> {
        let deadline = Instant::now() + FAREWELL;
        while let Ok(Some(done)) = timeout_at(deadline, self.running.next()).await {
            self.finished(done);
        }
        self.settle().await?;
        if self.window.position() > self.noted {
            let progress = DeliveryProgress {
                position: self.window.position(),
                results: Vec::new(),
                health: self.health.stored(),
                disable: None,
            };
            record(Arc::clone(&self.context), self.webhook.id, Arc::new(progress)).await?;
        }
        Ok(Ended)
    }
}

/// Waits for what is being recorded; for ever when nothing is.
async fn commit(recording: &mut Option<Recording>) -> Result<Recorded, StoreError> {
    match recording {
        Some(recording) => (&mut recording.commit).await,
        None => std::future::pending().await,
    }
}

/// Records; while the store cannot take it this waits, unless everything is to stop.
async fn record(
    context: Arc<Context>,
    webhook: postern_domain::WebhookId,
    progress: Arc<DeliveryProgress>,
) -> Result<Recorded, StoreError> {
    loop {
        let recorded = context
            .store
            .record_deliveries(webhook, Arc::clone(&progress), context.now());
        match recorded.await {
            Err(error) if error.may_pass() && !context.stop.is_pulled() => {
                tracing::warn!(webhook.id = %webhook, %error, "deliveries cannot be recorded; trying again");
            }
            outcome => return outcome,
        }
        tokio::select! {
            () = tokio::time::sleep(RECORD_AGAIN) => {}
            () = context.stop.pulled() => {}
        }
    }
}
