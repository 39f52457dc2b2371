//! The session's one voice to its observer: nothing after the end, and one end.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use postern_domain::DeviceId;
use postern_domain::port::{Ending, Inbound, NotCommitted, Observed, Observer};
use tokio_util::sync::CancellationToken;

/// What a session knows of itself and tells its observer.
pub(crate) struct Reporter {
    pub(crate) device: DeviceId,
    observer: Arc<dyn Observer>,
    /// Written once, for the end; read while anything else is reported.
    ended: RwLock<bool>,
    /// The first of the events that end a session for good.
    cause: OnceLock<Ending>,
    has_cause: CancellationToken,
    online: AtomicBool,
    push_name: Mutex<String>,
}

impl Reporter {
    pub(crate) fn new(device: DeviceId, observer: Arc<dyn Observer>) -> Self {
        Self {
            device,
            observer,
            ended: RwLock::new(false),
            cause: OnceLock::new(),
            has_cause: CancellationToken::new(),
            online: AtomicBool::new(false),
            push_name: Mutex::default(),
        }
    }

    /// Reports, unless the session has ended.
    pub(crate) fn tell(&self, observed: Observed) {
        let ended = self.ended.read().unwrap_or_else(PoisonError::into_inner);
        if !*ended {
            self.observer.observe(observed);
        }
    }

    /// Hands over received messages, unless the session has ended.
    pub(crate) async fn receive(&self, batch: Vec<Inbound>) -> Result<(), NotCommitted> {
        if *self.ended.read().unwrap_or_else(PoisonError::into_inner) {
            return Err(NotCommitted);
        }
        self.observer.receive(batch).await
    }

    /// Logged in, for the first time or again.
    pub(crate) fn connected(&self) {
        self.online.store(true, Ordering::SeqCst);
        self.tell(Observed::Connected);
    }

    /// The client said that the connection is gone.
    pub(crate) fn connection_lost(&self) {
        self.online.store(false, Ordering::SeqCst);
        self.tell(Observed::ConnectionLost);
    }

    /// A new connection is being dialled: the one before is gone, even where the client did not say so.
    pub(crate) fn dialling(&self) {
        if self.online.swap(false, Ordering::SeqCst) {
            self.tell(Observed::ConnectionLost);
        }
    }

    /// Whether the client is logged in, as far as it said.
    pub(crate) fn is_online(&self) -> bool {
        self.online.load(Ordering::SeqCst)
    }

    /// The account's name, told when it is not the one told before.
    pub(crate) fn push_name(&self, name: &str) {
        let mut known = self.push_name.lock().unwrap_or_else(PoisonError::into_inner);
        if !name.is_empty() && *known != name {
            name.clone_into(&mut known);
            drop(known);
            self.tell(Observed::PushName(name.to_owned()));
        }
    }

    /// Remembers why the session ends. The first cause stays; the end itself is told by [`Self::end`].
    pub(crate) fn ends_because(&self, cause: Ending) {
        self.online.store(false, Ordering::SeqCst);
        let _first_stays = self.cause.set(cause);
        self.has_cause.cancel();
    }

    /// Waits for WhatsApp to say why the session ends.
    pub(crate) async fn until_cause(&self) {
        self.has_cause.cancelled().await;
    }

    /// Why the session ends, where WhatsApp said so.
    pub(crate) fn cause(&self) -> Option<&Ending> {
        self.cause.get()
    }

    /// Tells the end: WhatsApp's reason where there is one, else `otherwise`. Only once, and always last.
    pub(crate) fn end(&self, otherwise: Ending) {
        let ending = self.cause.get().cloned().unwrap_or(otherwise);
        let mut ended = self.ended.write().unwrap_or_else(PoisonError::into_inner);
        if !std::mem::replace(&mut *ended, true) {
            tracing::info!(device.id = %self.device, ending = ?ending, "the WhatsApp session ended");
            self.observer.observe(Observed::Ended(ending));
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use async_trait::async_trait;

    use super::*;

    /// Writes down what it is told.
    #[derive(Default)]
    pub(crate) struct Notes {
        pub(crate) observed: Mutex<Vec<Observed>>,
        pub(crate) received: Mutex<Vec<Inbound>>,
        pub(crate) full: AtomicBool,
    }

    impl Notes {
        pub(crate) fn take(&self) -> Vec<Observed> {
            std::mem::take(&mut self.observed.lock().expect("unpoisoned"))
        }
    }

    #[async_trait]
    impl Observer for Notes {
        fn observe(&self, observed: Observed) {
            self.observed.lock().expect("unpoisoned").push(observed);
        }

        async fn receive(&self, batch: Vec<Inbound>) -> Result<(), NotCommitted> {
            if self.full.load(Ordering::SeqCst) {
                return Err(NotCommitted);
            }
            self.received.lock().expect("unpoisoned").extend(batch);
            Ok(())
        }
    }

    pub(crate) fn reporter() -> (Arc<Reporter>, Arc<Notes>) {
        let notes = Arc::new(Notes::default());
        let observer = Arc::clone(&notes) as Arc<dyn Observer>;
        (Arc::new(Reporter::new(DeviceId::generate(), observer)), notes)
    }

    #[tokio::test]
    async fn the_end_is_told_once_and_last() {
        let (reporter, notes) = reporter();
        reporter.connected();
        reporter.end(Ending::Stopped);
        reporter.end(Ending::Crashed);
        reporter.connection_lost();
        assert_eq!(
            notes.take(),
            [Observed::Connected, Observed::Ended(Ending::Stopped)]
        );
        assert_eq!(reporter.receive(Vec::new()).await, Err(NotCommitted));
    }

    #[test]
    fn whatsapps_first_reason_counts() {
        let (reporter, notes) = reporter();
        reporter.ends_because(Ending::LoggedOut);
        reporter.ends_because(Ending::StreamReplaced);
        reporter.end(Ending::Stopped);
        assert_eq!(notes.take(), [Observed::Ended(Ending::LoggedOut)]);
    }

    #[test]
    fn a_connection_that_went_silently_is_told_at_the_next_dial() {
        let (reporter, notes) = reporter();
        reporter.dialling();
        reporter.connected();
        reporter.dialling();
        reporter.dialling();
        assert_eq!(notes.take(), [Observed::Connected, Observed::ConnectionLost]);
        reporter.connected();
        reporter.connection_lost();
        reporter.dialling();
        assert_eq!(notes.take(), [Observed::Connected, Observed::ConnectionLost]);
    }

    #[test]
    fn a_name_is_told_when_it_changes() {
        let (reporter, notes) = reporter();
        for name in ["", "Ada", "Ada", "Grace"] {
            reporter.push_name(name);
        }
        assert_eq!(
            notes.take(),
            [
                Observed::PushName("Ada".to_owned()),
                Observed::PushName("Grace".to_owned())
            ]
        );
    }
}
