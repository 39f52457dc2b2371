//! The end of a handle to a device's keys whose client knows more than the file.
//!
//! A client that decrypts a message moves the sender's ratchet on in memory, stores the message, and then the ratchet.
//! If the message cannot be stored and the ratchet can, a moment later, nobody is ever able to decrypt the message
//! again: WhatsApp delivers it once more, and the client takes it for one it has. So after such a failure the handle
//! stores nothing more, and its client has to begin anew with what the file has, as after a kill.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

use crate::sqlite::StoreError;

/// Whether a handle has come to its end.
#[derive(Debug, Clone)]
pub(super) struct Fence(Arc<watch::Sender<bool>>);

/// A received message on its way to the disk, held by the job that stores it and by whoever waits for the job. When both
/// have let go before it is [`Self::stored`], for whatever reason and on whatever thread, it ends its handle: before any
/// later write of the handle.
#[derive(Debug)]
pub(super) struct Received {
    fence: Fence,
    stored: AtomicBool,
}

impl Fence {
    pub(super) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }

    /// # Errors
    /// The handle has come to its end.
    pub(super) fn pass(&self) -> Result<(), StoreError> {
        if *self.0.borrow() {
            return Err(StoreError::Outdated);
        }
        Ok(())
    }

    pub(super) fn received(&self) -> Arc<Received> {
        Arc::new(Received {
            fence: self.clone(),
            stored: AtomicBool::new(false),
        })
    }

    /// Waits until the handle comes to its end, for ever if it does not.
    pub(super) fn closed(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut closed = self.0.subscribe();
        async move {
            if closed.wait_for(|closed| *closed).await.is_err() {
                // Nobody has the handle any more.
                std::future::pending::<()>().await;
            }
        }
    }
}

impl Received {
    pub(super) fn stored(&self) {
        self.stored.store(true, Ordering::Release);
    }
}

impl Drop for Received {
    fn drop(&mut self) {
        if !self.stored.load(Ordering::Acquire) {
            self.fence.0.send_replace(true);
        }
    }
}
