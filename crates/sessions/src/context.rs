//! What every actor is given, and the few things that all of them do the same way.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use postern_domain::port::{ReceiptKind, Session, WhatsApp};
use postern_domain::session::Signal;
use postern_domain::{Account, DeviceId, DeviceStatus, Timestamp};
use postern_runtime::{Clock, Stop, Wakes};
use postern_store::{LinkError, Outcome, Store, StoreError};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::{KeyRing, KeyRingError, SessionsConfig};

/// The port promises 30 s for its longest calls; past this the call is given up here as well.
pub(crate) const CALL_DEADLINE: Duration = Duration::from_secs(35);
/// The port promises 10 s for closing a client.
pub(crate) const STOP_DEADLINE: Duration = Duration::from_secs(15);

/// How soon what could not be recorded is recorded again.
const RECORD_AGAIN: Duration = Duration::from_millis(500);

/// The parts of the gateway that sessions work with.
pub(crate) struct Context {
    pub(crate) config: SessionsConfig,
    pub(crate) store: Store,
    pub(crate) whatsapp: Arc<dyn WhatsApp>,
    pub(crate) keys: Arc<dyn KeyRing>,
    pub(crate) wakes: Wakes,
    pub(crate) clock: Arc<dyn Clock>,
    /// Pulled when the session manager is to stop.
    pub(crate) stop: Stop,
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
    Keys(#[from] KeyRingError),
    #[error(transparent)]
    Open(#[from] postern_domain::port::OpenError),
    #[error("the client did not start in time")]
    OpenTimedOut,
    #[error("the client failed inside")]
    Crashed,
    #[error("received messages could not be committed; a new connection gets them again")]
    Uncommitted,
}

impl Context {
    pub(crate) fn new(
        config: SessionsConfig,
        store: Store,
        whatsapp: Arc<dyn WhatsApp>,
        keys: Arc<dyn KeyRing>,
        wakes: Wakes,
        clock: Arc<dyn Clock>,
        stop: Stop,
    ) -> Self {
        let logins = Arc::new(Semaphore::new(config.start_concurrency.max(1)));
        Self {
            config,
            store,
            whatsapp,
            keys,
            wakes,
            clock,
            stop,
            logins,
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Awaits a call into a client; `None` when it took longer than `deadline`, or when everything is to stop.
    pub(crate) async fn call<T>(&self, deadline: Duration, call: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            answered = timeout(deadline, call) => answered.ok(),
            () = self.stop.pulled() => None,
        }
    }

    /// Closes a client; within its deadline also when everything is to stop.
    pub(crate) async fn close(&self, device: DeviceId, session: &dyn Session) {
        if timeout(STOP_DEADLINE, session.stop()).await.is_err() {
            tracing::warn!(device.id = %device, "the client did not close in time");
        }
    }

    /// Records what was learned about messages, and wakes the readers of the event log.
    ///
    /// What arrived together is recorded in the order it must have happened, whatever order it was reported in. Nobody
    /// says it twice, so while the store cannot take it this waits, unless everything is to stop.
    pub(crate) async fn record(
        &self,
        device: DeviceId,
        mut outcomes: Vec<Outcome>,
    ) -> Result<(), StoreError> {
        if outcomes.is_empty() {
            return Ok(());
        }
        outcomes.sort_by_key(|outcome| match outcome {
            Outcome::Acked { .. } => 0,
            Outcome::Receipt {
                kind: ReceiptKind::Delivered,
                ..
            } => 1,
            Outcome::Receipt {
                kind: ReceiptKind::Read,
                ..
            } => 2,
            Outcome::Receipt {
                kind: ReceiptKind::Played,
                ..
            } => 3,
            Outcome::Retry { .. } | Outcome::Failed { .. } => 4,
        });
        let outcomes: Arc<[Outcome]> = outcomes.into();
        while let Err(error) = self.store.record(device, Arc::clone(&outcomes), self.now()).await {
            if !error.may_pass() || self.stop.is_pulled() {
                return Err(error);
            }
            tracing::warn!(device.id = %device, %error, "what was learned about messages cannot be recorded; trying again");
            tokio::select! {
                () = tokio::time::sleep(RECORD_AGAIN) => {}
                () = self.stop.pulled() => {}
            }
        }
        self.wakes.events.ring();
        Ok(())
    }

    /// Writes down what happened to a device, and wakes those who watch it.
    pub(crate) async fn signal(&self, device: DeviceId, signal: Signal) -> Result<(), StoreError> {
        let status = self.store.signal(device, signal, self.now()).await?;
        self.announce(device, status);
        Ok(())
    }

    /// Writes down the account that a device turned out to be linked to.
    pub(crate) async fn link(&self, device: DeviceId, account: Account) -> Result<(), LinkError> {
        self.store.link_account(device, account, self.now()).await?;
        self.announce(device, None);
        Ok(())
    }

    /// Writes down that pairing request `number` ended without a link, unless there is a newer one.
    pub(crate) async fn end_pairing(
        &self,
        device: DeviceId,
        number: u64,
        signal: Signal,
    ) -> Result<(), StoreError> {
        let ended = self.store.end_pairing(device, number, signal, self.now());
        self.announce(device, ended.await?);
        Ok(())
    }

    fn announce(&self, device: DeviceId, status: Option<DeviceStatus>) {
        if let Some(status) = status {
            tracing::info!(device.id = %device, device.state = %status.state, device.reason = %status.reason, "the device's state was written down");
        }
        self.wakes.shown.ring(&device);
        self.wakes.events.ring();
    }
}
