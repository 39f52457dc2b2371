//! Where a client reports to: a bounded buffer that the actor empties, and the commit of received messages.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use postern_domain::DeviceId;
use postern_domain::port::{Inbound, NotCommitted, Observed, Observer};
use tokio::sync::Notify;

use crate::context::Context;

/// Reports that may wait. Acks are bounded by what is in flight and changes of state are few; only receipts could
/// pile up, and past this many they are dropped: the message then stays at an earlier status.
const WAITING: usize = 65_536;

/// The observer of one client.
pub(crate) struct Inbox {
    device: DeviceId,
    context: Arc<Context>,
    waiting: Mutex<VecDeque<Observed>>,
    arrived: Notify,
}

impl Inbox {
    pub(crate) fn new(device: DeviceId, context: Arc<Context>) -> Self {
        Self {
            device,
            context,
            waiting: Mutex::default(),
            arrived: Notify::new(),
        }
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
            return;
        }
        waiting.push_back(observed);
        drop(waiting);
        self.arrived.notify_one();
    }

    async fn receive(&self, batch: Vec<Inbound>) -> Result<(), NotCommitted> {
        let context = &self.context;
        match context.store.receive(self.device, batch, context.now()).await {
            Ok(_new) => {
                context.wakes.events.ring();
                Ok(())
            }
            Err(error) => {
                tracing::warn!(device.id = %self.device, %error, "received messages could not be committed");
                Err(NotCommitted)
            }
        }
    }
}
