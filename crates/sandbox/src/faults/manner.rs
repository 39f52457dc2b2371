//! How the server treats one connection while it lasts: silently, slowly, inattentively.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// What is true of the connection now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Treatment {
    /// Nothing is read and nothing is written.
    pub(crate) muted: bool,
    /// Whatever is said is written so much later.
    pub(crate) latency: Duration,
    /// How many more of the client's frames are listened to; `None` means all.
    pub(crate) heard_frames: Option<u64>,
}

/// The connection's own end: its reader and its writer wait here.
#[derive(Debug, Clone)]
pub(crate) struct Manner {
    treatment: watch::Receiver<Treatment>,
}

impl Manner {
    /// With the end by which the treatment is changed.
    pub(crate) fn new() -> (watch::Sender<Treatment>, Self) {
        let (sender, treatment) = watch::channel(Treatment::default());
        (sender, Self { treatment })
    }

    /// Returns as soon as the server listens.
    pub(crate) async fn until_listening(&mut self) {
        // Without anybody to lift it a silence has no meaning any more: the session has ended.
        drop(self.treatment.wait_for(|treatment| !treatment.muted).await);
    }

    /// Whether something that was said then may be written now.
    pub(crate) fn may_write(&self, said: Instant) -> bool {
        let treatment = *self.treatment.borrow();
        !treatment.muted && (treatment.latency.is_zero() || said.elapsed() >= treatment.latency)
    }

    /// Returns as soon as something that was said then may be written.
    pub(crate) async fn until_writable(&mut self, said: Instant) {
        while !self.may_write(said) {
            let treatment = *self.treatment.borrow_and_update();
            let due = async {
                if treatment.muted {
                    std::future::pending::<()>().await;
                }
                tokio::time::sleep_until(said + treatment.latency).await;
            };
            tokio::select! {
                () = due => {}
                changed = self.treatment.changed() => if changed.is_err() {
                    return;
                }
            }
        }
    }
}
