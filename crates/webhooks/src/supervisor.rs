//! Compares the endpoints that are enabled with those that are followed, and makes them equal.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use postern_domain::{Timestamp, WebhookId};
use postern_runtime::{Backoff, Panicked, Stop, Tasks};
use postern_store::{StoreError, Webhook};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::context::Context;
use crate::follower::{Ended, Follower};

/// How soon a follower that failed is started again.
const RESTART: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(60));
/// A follower that ran for this long was healthy: its next failure counts as the first.
const HEALTHY: Duration = Duration::from_secs(300);

struct Running {
    settings: watch::Sender<Arc<Webhook>>,
    stop: Stop,
    since: Instant,
}

/// An endpoint whose follower failed, and how often in a row.
struct Failed {
    times: u32,
    until: Instant,
}

type Ending = (WebhookId, Result<Result<Ended, StoreError>, Panicked>);

struct Supervisor {
    context: Arc<Context>,
    tasks: Tasks,
    running: HashMap<WebhookId, Running>,
    endings: FuturesUnordered<BoxFuture<'static, Ending>>,
    failed: HashMap<WebhookId, Failed>,
}

/// Runs until stopped; then waits for the followers, which stop by children of the same token.
pub(crate) async fn run(context: Arc<Context>, tasks: Tasks) {
    let mut bell = context.wakes.webhooks.listen();
    let mut supervisor = Supervisor {
        context: Arc::clone(&context),
        tasks,
        running: HashMap::new(),
        endings: FuturesUnordered::new(),
        failed: HashMap::new(),
    };
    loop {
        if let Err(error) = supervisor.reconcile().await {
            tracing::warn!(%error, "the webhook endpoints cannot be read; looking again shortly");
        }
        tokio::select! {
            () = bell.rung() => {}
            () = tokio::time::sleep(supervisor.until_next_look()) => {}
            Some(ended) = supervisor.endings.next() => supervisor.note(ended),
            () = context.stop.pulled() => break,
        }
    }
    while supervisor.endings.next().await.is_some() {}
}

impl Supervisor {
    /// Looks at every endpoint once: starts, tells and stops followers.
    async fn reconcile(&mut self) -> Result<(), StoreError> {
        let store = &self.context.store;
        let wanted = store.enabled_webhooks().await?;
        let replaying: HashSet<_> = store.replaying_webhooks().await?.into_iter().collect();
        let ids: HashSet<_> = wanted.iter().map(|webhook| webhook.id).collect();
        for (id, running) in &self.running {
            if !ids.contains(id) {
                running.stop.pull();
            }
        }
        self.failed.retain(|id, _| ids.contains(id));
        for webhook in wanted {
            let Some(running) = self.running.get(&webhook.id) else {
                if self
                    .failed
                    .get(&webhook.id)
                    .is_none_or(|failed| failed.until <= Instant::now())
                {
                    self.start(webhook);
                }
                continue;
            };
            let changed = settings(&running.settings.borrow()) != settings(&webhook);
            if changed || replaying.contains(&webhook.id) {
                running.settings.send_replace(Arc::new(webhook));
            }
        }
        Ok(())
    }

    fn start(&mut self, webhook: Webhook) {
        let id = webhook.id;
        let (sender, settings) = watch::channel(Arc::new(webhook));
        let stop = self.context.stop.child();
        self.running.insert(
            id,
            Running {
                settings: sender,
                stop: stop.clone(),
                since: Instant::now(),
            },
        );
        let follower = Follower::new(Arc::clone(&self.context), settings, stop);
        let handle = self.tasks.spawn(format!("deliveries to {id}"), follower.run());
        self.endings.push(Box::pin(
            async move { (id, handle.await.unwrap_or(Err(Panicked))) },
        ));
    }

    /// Takes note of a follower's end. One that was not wanted any more is started again when it is.
    fn note(&mut self, (id, outcome): Ending) {
        let Some(running) = self.running.remove(&id) else {
            return;
        };
        if running.since.elapsed() > HEALTHY {
            self.failed.remove(&id);
        }
        match outcome {
            Ok(Ok(Ended)) => {
                self.failed.remove(&id);
                return;
            }
            Ok(Err(error)) => {
                tracing::error!(webhook.id = %id, %error, "deliveries failed and are started again");
            }
            // Logged with its message where it was caught.
            Err(Panicked) => {}
        }
        let times = self
            .failed
            .get(&id)
            .map_or(1, |failed| failed.times.saturating_add(1));
        let until = Instant::now() + RESTART.delay(times);
        self.failed.insert(id, Failed { times, until });
    }

    /// Until the first that failed is started again, and never longer than the poll interval.
    fn until_next_look(&self) -> Duration {
        let waits = self
            .failed
            .iter()
            .filter(|(id, _)| !self.running.contains_key(id));
        let first = waits
            .map(|(_, failed)| failed.until.saturating_duration_since(Instant::now()))
            .min();
        let poll = self.context.config.poll;
        first.map_or(poll, |first| first.clamp(Duration::from_millis(10), poll))
    }
}

/// What the owner of an endpoint sets, without what its follower writes itself.
fn settings(webhook: &Webhook) -> Webhook {
    Webhook {
        position: 0,
        failing_since: None,
        failures: 0,
        rest_until: None,
        last_success_at: None,
        last_failure_at: None,
        updated_at: Timestamp::default(),
        ..webhook.clone()
    }
}
