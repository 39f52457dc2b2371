//! A running client, and the watch over it until it has really ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use postern_domain::PhoneNumber;
use postern_domain::port::{CallError, Ending, Outgoing, SendError, Session};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use wacore::iq::devices::RemoveCompanionDeviceSpec;
use whatsapp_rust::IqError;
use whatsapp_rust::bot::BotHandle;

use crate::events::Events;
use crate::outbound::Sender;
use crate::redact::redacted;
use crate::version::ClientVersion;

/// How long the tasks of a stopped client may take to end; see [`crate::tasks`].
const TASKS_END: Duration = Duration::from_secs(2);

/// One device's client. Dropping it stops the client.
pub(crate) struct ClientSession {
    pub(crate) sender: Sender,
    pub(crate) events: Arc<Events>,
    pub(crate) end: Arc<End>,
}

/// What leads to the end of a session, and says when it is reached.
#[derive(Default)]
pub(crate) struct End {
    /// Whether the gateway wanted it.
    wanted: AtomicBool,
    reached: CancellationToken,
}

#[async_trait]
impl Session for ClientSession {
    async fn send(&self, message: &Outgoing) -> Result<(), SendError> {
        self.sender.send(message).await
    }

    async fn request_pairing_code(&self, phone: PhoneNumber) -> Result<(), CallError> {
        let deadline = self.sender.deadlines.pairing_code;
        self.events
            .pairing
            .ask(&self.sender.client, phone, deadline)
            .await
    }

    /// While it fails, the session goes on.
    async fn log_out(&self) -> Result<(), CallError> {
        let client = &self.sender.client;
        let own = client.pn().ok_or(CallError::NotReady)?;
        if !client.is_connected() || !client.is_logged_in() {
            return Err(CallError::NotReady);
        }
        let until = Instant::now() + self.sender.deadlines.log_out;
        let removal = client.execute(RemoveCompanionDeviceSpec::new(&own));
        match timeout_at(until, removal).await {
            Ok(Ok(())) => {}
            Err(_) | Ok(Err(IqError::Timeout)) => return Err(CallError::TimedOut),
            // WhatsApp closes the connection behind its answer, and the client may notice that first.
            // Then the next login tells: it is refused, or the link still stands.
            Ok(Err(IqError::NotConnected | IqError::Disconnected(_) | IqError::InternalChannelClosed)) => {
                timeout_at(until, self.events.reporter.until_cause())
                    .await
                    .map_err(|_elapsed| CallError::TimedOut)?;
                if self.events.reporter.cause() != Some(&Ending::LoggedOut) {
                    return Err(CallError::Failed(
                        "the session ended before WhatsApp answered".to_owned(),
                    ));
                }
            }
            Ok(Err(failure)) => return Err(CallError::Failed(redacted(failure))),
        }
        self.events.reporter.ends_because(Ending::LoggedOut);
        self.events.stop.cancel();
        Ok(())
    }

    async fn stop(&self) {
        self.end.wanted.store(true, Ordering::SeqCst);
        self.events.stop.cancel();
        let deadline = self.sender.deadlines.stop + TASKS_END;
        if timeout(deadline, self.end.reached.cancelled()).await.is_err() {
            tracing::error!(device.id = %self.events.reporter.device, "a WhatsApp client did not stop in time");
        }
    }
}

impl Drop for ClientSession {
    fn drop(&mut self) {
        self.end.wanted.store(true, Ordering::SeqCst);
        self.events.stop.cancel();
    }
}

/// Ends the session when its keys are outdated: the next one begins with what is stored.
pub(crate) async fn end_when(outdated: impl Future<Output = ()> + Send, events: Arc<Events>) {
    outdated.await;
    tracing::error!(device.id = %events.reporter.device, "a received message could not be stored; the client begins anew, and WhatsApp delivers it again");
    events.stop.cancel();
}

/// Waits until the client ends or is to end, shuts it down, and reports the end when nothing of it runs.
pub(crate) async fn watch(
    mut client: BotHandle,
    events: Arc<Events>,
    end: Arc<End>,
    version: Arc<ClientVersion>,
    deadline: Duration,
) {
    tokio::select! {
        () = &mut client => {}
        () = events.stop.cancelled() => {}
    }
    // A client that ended by itself has not written what it buffered.
    if timeout(deadline, client.shutdown()).await.is_err() {
        tracing::warn!(device.id = %events.reporter.device, "a WhatsApp client was cut off: it did not shut down in time");
    }
    events.tasks.end().await;
    if events.reporter.cause() == Some(&Ending::ClientOutdated) {
        version.distrust().await;
    }
    events.reporter.end(if end.wanted.load(Ordering::SeqCst) {
        Ending::Stopped
    } else {
        Ending::Crashed
    });
    end.reached.cancel();
}
