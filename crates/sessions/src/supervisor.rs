//! Compares the wanted set of devices with the running set, and makes them equal.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use postern_domain::session::Signal;
use postern_domain::{DeviceId, DeviceReason, Intent, Pacing, Timestamp};
use postern_runtime::{Panicked, Tasks};
use postern_store::{Device, PairingRequest, StoreError};
use rand::RngExt as _;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::actor::{self, Exit};
use crate::context::{Context, Failure};

/// An actor that ran for this long was healthy: its next failure counts as the first.
const HEALTHY: Duration = Duration::from_secs(300);
/// The shortest wait between two looks.
const BREATH: Duration = Duration::from_millis(10);

/// What the operator wants of a device: the part of its row that only the API writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wish {
    pub(crate) intent: Intent,
    pub(crate) pairing: Option<PairingRequest>,
    /// The number of the request to connect anew that no client has been opened for yet.
    pub(crate) reconnect: Option<u64>,
    /// How fast it may send, if that was said for this device.
    pub(crate) pacing: Option<Pacing>,
    /// Whether nothing may leave.
    pub(crate) held: bool,
}

impl Wish {
    fn of(device: &Device) -> Self {
        Self {
            intent: device.intent,
            pairing: device.pairing,
            reconnect: device.reconnect,
            pacing: device.pacing,
            held: device.held,
        }
    }

    /// Whether the operator has asked for a new connection since `earlier`.
    pub(crate) fn wants_reconnect_since(self, earlier: Self) -> bool {
        self.reconnect > earlier.reconnect
    }

    /// Whether the operator has asked for something since `earlier`. A request that is gone was served.
    fn is_newer_than(self, earlier: Self) -> bool {
        let request = |wish: Self| wish.pairing.map(|request| request.number);
        self.intent != earlier.intent
            || request(self) > request(earlier)
            || self.wants_reconnect_since(earlier)
    }
}

/// A device whose session ended in a way that starting it again at once would not help.
struct Rest {
    /// What was wanted then, as far as the actor knew; a newer wish ends the rest.
    wish: Wish,
    /// When it is tried again without a new wish.
    until: Option<Timestamp>,
}

struct Actor {
    wishes: watch::Sender<Wish>,
    since: Instant,
}

type Ended = (DeviceId, Result<Result<Exit, Failure>, Panicked>);

struct Supervisor {
    context: Arc<Context>,
    tasks: Tasks,
    running: HashMap<DeviceId, Actor>,
    endings: FuturesUnordered<BoxFuture<'static, Ended>>,
    resting: HashMap<DeviceId, Rest>,
    failures: HashMap<DeviceId, u32>,
    /// Logins are spread out only when the daemon starts; later ones are wanted now.
    starting: bool,
}

/// Runs until stopped; then waits for the actors, which stop by the same token.
pub(crate) async fn run(context: Arc<Context>, tasks: Tasks) {
    let mut wake = context.wakes.devices.listen();
    let mut supervisor = Supervisor {
        context: Arc::clone(&context),
        tasks,
        running: HashMap::new(),
        endings: FuturesUnordered::new(),
        resting: HashMap::new(),
        failures: HashMap::new(),
        starting: true,
    };
    loop {
        supervisor.reconcile().await;
        tokio::select! {
            () = wake.rung() => {}
            () = tokio::time::sleep(supervisor.until_next_look()) => {}
            Some(ended) = supervisor.endings.next() => supervisor.note(ended).await,
            () = context.stop.pulled() => break,
        }
    }
    while supervisor.endings.next().await.is_some() {}
}

impl Supervisor {
    /// Looks at every device once: tells running actors what is wanted, starts those that are missing.
    async fn reconcile(&mut self) {
        let devices = match self.context.store.all_devices().await {
            Ok(devices) => devices,
            Err(error) => {
                tracing::warn!(%error, "the devices cannot be read; looking again shortly");
                return;
            }
        };
        let now = self.context.now();
        for device in devices {
            let wish = Wish::of(&device);
            if let Some(actor) = self.running.get(&device.id) {
                actor
                    .wishes
                    .send_if_modified(|known| std::mem::replace(known, wish) != wish);
            } else if is_wanted(&device, now) && !self.is_resting(device.id, wish, now) {
                self.start(&device, wish);
            }
        }
        self.starting = false;
    }

    fn is_resting(&mut self, device: DeviceId, wish: Wish, now: Timestamp) -> bool {
        let rests = self
            .resting
            .get(&device)
            .is_some_and(|rest| !wish.is_newer_than(rest.wish) && rest.until.is_none_or(|until| now < until));
        if !rests {
            self.resting.remove(&device);
        }
        rests
    }

    fn start(&mut self, device: &Device, wish: Wish) {
        let id = device.id;
        let (sender, wishes) = watch::channel(wish);
        let since = Instant::now();
        self.running.insert(
            id,
            Actor {
                wishes: sender,
                since,
            },
        );
        let delay = if self.starting {
            random_up_to(self.context.config.start_jitter)
        } else {
            Duration::ZERO
        };
        let actor = actor::run(Arc::clone(&self.context), id, wishes, delay);
        let handle = self.tasks.spawn(format!("session of {id}"), actor);
        self.endings.push(Box::pin(
            async move { (id, handle.await.unwrap_or(Err(Panicked))) },
        ));
    }

    /// Takes note of an actor's end; decides whether and when it is started again.
    async fn note(&mut self, (device, outcome): Ended) {
        let Some(actor) = self.running.remove(&device) else {
            return;
        };
        if actor.since.elapsed() > HEALTHY {
            self.failures.remove(&device);
        }
        let wish = *actor.wishes.borrow();
        match outcome {
            Ok(Ok(Exit::Done)) => {
                self.failures.remove(&device);
            }
            Ok(Ok(Exit::Rest { until, wish })) => {
                self.failures.remove(&device);
                self.resting.insert(device, Rest { wish, until });
            }
            Ok(Err(failure)) => {
                tracing::error!(device.id = %device, error = %failure, "the session failed and is started again");
                self.restart_later(device, wish).await;
            }
            // Logged with its message where it was caught.
            Err(Panicked) => self.restart_later(device, wish).await,
        }
    }

    async fn restart_later(&mut self, device: DeviceId, wish: Wish) {
        let failures = self.failures.entry(device).or_default();
        *failures = failures.saturating_add(1);
        let retry_at = self
            .context
            .now()
            .after(self.context.config.restart.delay(*failures));
        self.resting.insert(
            device,
            Rest {
                wish,
                until: Some(retry_at),
            },
        );
        if let Err(error) = record_failure(&self.context, device, retry_at).await {
            tracing::warn!(device.id = %device, %error, "the failure could not be recorded");
        }
    }

    /// Until the first rest is over, and never longer than the poll interval.
    fn until_next_look(&self) -> Duration {
        let (now, poll) = (self.context.now(), self.context.config.poll);
        self.resting
            .values()
            .filter_map(|rest| rest.until)
            .filter(|until| *until > now)
            .map(|until| until.since(now))
            .min()
            .map_or(poll, |first| first.max(BREATH).min(poll))
    }
}

/// A device that is being paired has nothing to be restored to; it is about to show codes again.
async fn record_failure(context: &Context, device: DeviceId, retry_at: Timestamp) -> Result<(), StoreError> {
    let signal = match context.store.session_device(device).await? {
        Some(row) if row.intent != Intent::Linked => return Ok(()),
        Some(row) if row.linked => Signal::Crashed { retry_at },
        Some(row) if row.pairing.is_some() => Signal::PairingStarted,
        _ => return Ok(()),
    };
    context.signal(device, signal).await
}

/// Whether a device should have an actor.
fn is_wanted(device: &Device, now: Timestamp) -> bool {
    match device.intent {
        Intent::Removed => true,
        _ if device.parking.is_some() => true,
        Intent::Unlinked => device.linked || device.pairing.is_some(),
        Intent::Paused if device.linked => device.status.reason != DeviceReason::Stopped,
        Intent::Paused => device.pairing.is_some(),
        Intent::Linked if device.linked => {
            let barred = device.status.reason == DeviceReason::TemporaryBan && device.reconnect.is_none();
            !barred || device.status.retry_at.is_none_or(|until| until <= now)
        }
        Intent::Linked => device.pairing.is_some(),
    }
}

fn random_up_to(longest: Duration) -> Duration {
    longest.mul_f64(rand::rng().random::<f64>())
}
