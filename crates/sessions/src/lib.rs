//! The session manager: one supervised actor for each device.
//!
//! The API writes what is wanted into the device's row: an intent, a request to pair. The supervisor compares
//! the wanted set with the running set and starts an actor for each device that should have one. The actor opens
//! a client through the domain's port, writes down what the client reports, and sends what lies in the outbox
//! for as long as the device is connected.
//!
//! **On failure.** A lost socket heals inside the client. A client that ends for good ends its actor, and the
//! device's row says why; the supervisor starts it again when that can help. An actor that panics or cannot reach
//! its store is started again with backoff; no other device notices.
//!
//! **On restart.** Nothing is remembered but the tables: every linked device gets an actor, a few at a time, and
//! whatever was in flight is sent again with the stanza id it had.
//!
//! **Wake-ups** only say "look now". Losing one costs a poll interval.

mod actor;
mod config;
mod context;
mod dispatch;
mod inbox;
mod pairing;
mod removal;
mod supervisor;
mod timetable;

use std::sync::Arc;

use async_trait::async_trait;
use postern_domain::DeviceId;
use postern_domain::port::WhatsApp;
use postern_runtime::{Clock, Stop, Tasks, Wakes};
use postern_store::Store;

pub use config::SessionsConfig;
use context::Context;

/// Erases the keys of a device.
#[async_trait]
pub trait KeyWiper: Send + Sync + 'static {
    /// Erases every key of `device` in one operation; `Ok` when there were none.
    ///
    /// # Errors
    /// The key store failed; nothing was erased.
    async fn wipe(&self, device: DeviceId) -> Result<(), WipeError>;
}

/// Keys could not be erased.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the device's keys cannot be erased: {0}")]
pub struct WipeError(pub String);

/// The running sessions of all devices.
#[derive(Debug)]
pub struct Sessions {
    tasks: Tasks,
    stop: Stop,
}

impl Sessions {
    /// Starts the sessions of every device that should have one. Must be called on a tokio runtime.
    #[must_use = "dropping it leaves the sessions running without a way to stop them"]
    pub fn start(
        config: SessionsConfig,
        store: Store,
        whatsapp: Arc<dyn WhatsApp>,
        wiper: Arc<dyn KeyWiper>,
        wakes: Wakes,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let (tasks, stop) = (Tasks::new(), Stop::new());
        let context = Arc::new(Context::new(config, store, whatsapp, wiper, wakes, clock));
        // Handles are not needed: panics are logged by `Tasks`, and `stop` waits for all of them.
        drop(tasks.spawn("timetable", timetable::run(Arc::clone(&context), stop.clone())));
        drop(tasks.spawn(
            "session supervisor",
            supervisor::run(context, tasks.clone(), stop.clone()),
        ));
        Self { tasks, stop }
    }

    /// Stops every session in parallel: clients are closed, and what they reported is written down. Each takes
    /// 15 s at most.
    pub async fn stop(self) {
        self.stop.pull();
        self.tasks.ended().await;
    }
}
