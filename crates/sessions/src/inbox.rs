//! Where a client reports to: a bounded buffer that the actor empties, and the commit of received messages.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use postern_domain::DeviceId;
use postern_domain::port::{Inbound, NotCommitted, Observed, Observer};
use tokio::sync::{Notify, watch};
use tokio::time::timeout;

use crate::context::Context;

/// Reports that may wait. Acks are bounded by what is in flight and changes of state are few; only receipts could
/// pile up, and past this many they are dropped: the message then stays at an earlier status.
const WAITING: usize = 65_536;
/// How long received messages wait for the word whether the account they belong to may be linked.
const DECISION: Duration = Duration::from_secs(10);

/// Whether what is received belongs to an account the device is linked to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admission {
    /// The account is not recorded yet.
    Undecided,
    /// It is the device's account.
    Admitted,
    /// It is not, and never will be: the link is being taken back.
    Refused,
}

/// The observer of one client.
pub(crate) struct Inbox {
    device: DeviceId,
    context: Arc<Context>,
    waiting: Mutex<VecDeque<Observed>>,
    arrived: Notify,
    admission: watch::Sender<Admission>,
    /// Whether messages were received since this was last asked.
    received: AtomicBool,
    /// Whether messages could not be committed. WhatsApp delivers them again, but only to a new connection.
    uncommitted: AtomicBool,
    /// Whether receipts had to be dropped; said once.
    overflowed: AtomicBool,
}

impl Inbox {
    pub(crate) fn new(device: DeviceId, context: Arc<Context>, admission: Admission) -> Self {
        Self {
            device,
            context,
            waiting: Mutex::default(),
            arrived: Notify::new(),
            admission: watch::Sender::new(admission),
            received: AtomicBool::new(false),
            uncommitted: AtomicBool::new(false),
            overflowed: AtomicBool::new(false),
        }
    }

    /// Says whether received messages may be committed, from now on.
    pub(crate) fn decide(&self, admission: Admission) {
        self.admission.send_replace(admission);
    }

    /// Keeps nobody waiting for a decision that will not come.
    pub(crate) fn refuse_undecided(&self) {
        self.admission.send_if_modified(|admission| {
            let undecided = *admission == Admission::Undecided;
            if undecided {
                *admission = Admission::Refused;
            }
            undecided
        });
    }

    /// Whether messages were received since the last call: a sign that the link is alive.
    pub(crate) fn take_received(&self) -> bool {
        self.received.swap(false, Ordering::Relaxed)
    }

    /// Whether messages were received that could not be committed: the client has to be opened anew to get them.
    pub(crate) fn has_uncommitted(&self) -> bool {
        self.uncommitted.load(Ordering::Relaxed)
    }

    async fn is_admitted(&self) -> bool {
        let mut admission = self.admission.subscribe();
        let decided = admission.wait_for(|admission| *admission != Admission::Undecided);
        matches!(timeout(DECISION, decided).await, Ok(Ok(admission)) if *admission == Admission::Admitted)
    }

    /// Takes everything that was reported since the last call, in order.
    pub(crate) fn take(&self) -> VecDeque<Observed> {
        std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until something was reported. Cancel-safe; a report before the call counts.
    pub(crate) async fn arrived(&self) {
        self.arrived.notified().await;
    }
}

#[async_trait]
impl Observer for Inbox {
    fn observe(&self, observed: Observed) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() >= WAITING && matches!(observed, Observed::Receipt { .. }) {
            drop(waiting);
            if !self.overflowed.swap(true, Ordering::Relaxed) {
                tracing::warn!(device.id = %self.device, "receipts are dropped: they come faster than they can be stored");
            }
            return;
        }
        waiting.push_back(observed);
        drop(waiting);
        self.arrived.notify_one();
    }

    async fn receive(&self, batch: Vec<Inbound>) -> Result<(), NotCommitted> {
        // After one that could not be committed the others wait with it, so that they come again in their order.
        if self.has_uncommitted() || !self.is_admitted().await {
            return Err(NotCommitted);
        }
        self.received.store(true, Ordering::Relaxed);
        self.arrived.notify_one();
        let context = &self.context;
        match context.store.receive(self.device, batch, context.now()).await {
            Ok(_new) => {
                context.wakes.events.ring();
                Ok(())
            }
            Err(error) => {
                tracing::warn!(device.id = %self.device, %error, "received messages could not be committed");
                self.uncommitted.store(true, Ordering::Relaxed);
                self.arrived.notify_one();
                Err(NotCommitted)
            }
        }
    }
}
