//! What every actor is given, and the few things that all of them do the same way.

use std::sync::Arc;
use std::time::Duration;

use postern_domain::port::WhatsApp;
use postern_domain::session::Signal;
use postern_domain::{DeviceId, Timestamp};
use postern_runtime::{Clock, Wakes};
use postern_store::{LinkError, Store, StoreError};
use tokio::sync::Semaphore;

use crate::{KeyWiper, SessionsConfig, WipeError};

/// The port promises 30 s for its longest calls; past this the call is given up here as well.
pub(crate) const CALL_DEADLINE: Duration = Duration::from_secs(35);
/// The port promises 10 s for closing a client.
pub(crate) const STOP_DEADLINE: Duration = Duration::from_secs(15);

/// The parts of the gateway that sessions work with.
pub(crate) struct Context {
    pub(crate) config: SessionsConfig,
    pub(crate) store: Store,
    pub(crate) whatsapp: Arc<dyn WhatsApp>,
    pub(crate) wiper: Arc<dyn KeyWiper>,
    pub(crate) wakes: Wakes,
    pub(crate) clock: Arc<dyn Clock>,
    /// One permit for each device that may be logging in.
    pub(crate) logins: Arc<Semaphore>,
}

/// Why an actor gave up; the supervisor starts it again with backoff.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the account could not be recorded: {0}")]
    Link(#[from] LinkError),
    #[error(transparent)]
    Wipe(#[from] WipeError),
    #[error(transparent)]
    Open(#[from] postern_domain::port::OpenError),
    #[error("the client did not start in time")]
    OpenTimedOut,
    #[error("the client failed inside")]
    Crashed,
}

impl Context {
    pub(crate) fn new(
        config: SessionsConfig,
        store: Store,
        whatsapp: Arc<dyn WhatsApp>,
        wiper: Arc<dyn KeyWiper>,
        wakes: Wakes,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let logins = Arc::new(Semaphore::new(config.start_concurrency));
        Self {
            config,
            store,
            whatsapp,
            wiper,
            wakes,
            clock,
            logins,
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Writes down what happened to a device, and wakes those who watch it.
    pub(crate) async fn signal(&self, device: DeviceId, signal: Signal) -> Result<(), StoreError> {
        let status = self.store.signal(device, signal, self.now()).await?;
        if let Some(status) = status {
            tracing::info!(device.id = %device, device.state = %status.state, device.reason = %status.reason, "device");
        }
        self.wakes.shown.ring(&device);
        self.wakes.events.ring();
        Ok(())
    }
}
