//! The session manager: one supervised actor for each device.
//!
//! The API writes what is wanted into the device's row: an intent, a request to pair. The supervisor compares
//! the wanted set with the running set and starts an actor for each device that should have one. The actor opens
//! a client through the domain's port, writes down what the client reports, and sends what lies in the outbox
//! for as long as the device is connected.
//!
//! **On failure.** A lost socket heals inside the client. A client that ends for good ends its actor, and the
//! device's row says why; the supervisor starts it again when that can help: after a ban when it is over, after a
//! refused login half an hour later, after another client took the link over or WhatsApp wanted a newer version
//! when the operator asks. An actor that panics or cannot reach its store closes its client and is started again
//! with backoff; no other device notices. No call into a client is waited for without a deadline.
//!
//! **On restart.** Nothing is remembered but the tables: every linked device gets an actor, a few at a time, and
//! whatever was in flight is sent again with the stanza id it had. A restart by the operator counts as asking, so
//! only a ban that is not over keeps a linked device down.
//!
//! The tables may be those of a backup, and the keys are never older than they. A link whose keys are gone has ended;
//! keys that log in to another account than the tables say are of a later link, and it is written down.
//!
//! **Pairing** begins with erased keys. It ends with a link, or without one when the codes run out, when WhatsApp or
//! the gateway refuses, or when the device is paused. An account that another device of the workspace has is logged
//! out again, and nothing it received is stored. After a logout the messages that wait stay, for that account only.
//!
//! **Wake-ups** only say "look now". Losing one costs a poll interval.

mod actor;
mod age;
mod circuit;
mod client;
mod config;
mod context;
mod dispatch;
mod ending;
mod inbox;
mod indexer;
mod lines;
mod pace;
mod pairing;
mod removal;
mod supervisor;
mod timetable;
mod trace;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use postern_domain::port::WhatsApp;
use postern_domain::{Account, DeviceId};
use postern_runtime::{Clock, Pulse, Stop, Tasks, Wakes};
use postern_store::Store;
use tokio::time::timeout;

pub use config::SessionsConfig;
use context::Context;

/// A link that must be taken back is given 15 s to be logged out, and every client 15 s to close.
const STOPPED_BY: Duration = Duration::from_secs(45);

/// The keys of the devices: whose they are, and how they are erased.
#[async_trait]
pub trait KeyRing: Send + Sync + 'static {
    /// The account that the keys of `device` log in to; `None` when it has no keys of a link.
    ///
    /// # Errors
    /// The key store failed.
    async fn account(&self, device: DeviceId) -> Result<Option<Account>, KeyRingError>;

    /// Erases every key of `device` in one operation; `Ok` when there were none.
    ///
    /// # Errors
    /// The key store failed; nothing was erased.
    async fn wipe(&self, device: DeviceId) -> Result<(), KeyRingError>;
}

/// Keys could not be read or erased.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the device's keys cannot be read or erased: {0}")]
pub struct KeyRingError(pub String);

/// The running sessions of all devices.
#[derive(Debug)]
pub struct Sessions {
    tasks: Tasks,
    stop: Stop,
    pulses: Vec<Pulse>,
}

impl Sessions {
    /// Starts the sessions of every device that should have one. Must be called on a tokio runtime.
    #[must_use = "dropping it leaves the sessions running without a way to stop them"]
    pub fn start(
        config: SessionsConfig,
        store: Store,
        whatsapp: Arc<dyn WhatsApp>,
        keys: Arc<dyn KeyRing>,
        wakes: Wakes,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let (tasks, stop) = (Tasks::new(), Stop::new());
        let context = Context::new(config, store, whatsapp, keys, wakes, clock, stop.clone());
        let context = Arc::new(context);
        // Panics are logged by `Tasks`, and `stop` waits for all of them.
        let pulses = vec![
            tasks.spawn_vital("timetable", timetable::run(Arc::clone(&context))),
            tasks.spawn_vital("sweeper", timetable::forget(Arc::clone(&context))),
            tasks.spawn_vital("indexer", indexer::run(Arc::clone(&context))),
            tasks.spawn_vital("session supervisor", supervisor::run(context, tasks.clone())),
        ];
        Self { tasks, stop, pulses }
    }

    /// The tasks that have to run for as long as the daemon does.
    #[must_use]
    pub fn pulses(&self) -> &[Pulse] {
        &self.pulses
    }

    /// Stops every session in parallel: clients are closed, and what they reported is written down.
    ///
    /// Takes as long as the slowest client, which should be less than 15 s; returns after 45 s in any case.
    pub async fn stop(self) {
        self.stop.pull();
        if timeout(STOPPED_BY, self.tasks.ended()).await.is_err() {
            tracing::error!("some sessions did not stop in time");
        }
    }
}
