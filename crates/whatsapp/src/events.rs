//! What the client reports, in the gateway's words.
//!
//! The client calls from its receive path, so nothing here waits: what takes time is started as a task of
//! the session. Events that end a session for good are remembered as its cause; the end itself is told
//! when the client has really stopped.

use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use postern_domain::port::{Ending, Observed, ReceiptKind, Secret};
use postern_domain::{Account, StanzaId};
use tokio_util::sync::CancellationToken;
use wacore::types::presence::ReceiptType;
use wacore_binary::{Jid, JidExt as _};
use whatsapp_rust::Client;
use whatsapp_rust::types::events::{
    ConnectFailure, ConnectFailureReason, DecryptFailMode, Event, EventHandler, EventInterest, EventKind,
    LoggedOut, MessageBatch, PairSuccess, Receipt, ServerAck, UndecryptableMessage,
};

use crate::pairing::{CODE_OUTLIVES_QR, Pairing};
use crate::redact::redacted;
use crate::report::Reporter;
use crate::tasks::SessionTasks;
use crate::{address, inbound};

/// The client builds every event that somebody asks for, so only these are asked for.
const INTEREST: &[EventKind] = &[
    EventKind::Connected,
    EventKind::Disconnected,
    EventKind::PairSuccess,
    EventKind::PairError,
    EventKind::PairingQrCode,
    EventKind::PairingCode,
    EventKind::PairingCodeRefresh,
    EventKind::PairingCodeError,
    EventKind::PairingQrCodesExhausted,
    EventKind::QrScannedWithoutMultidevice,
    EventKind::PairPasskeyRequest,
    EventKind::LoggedOut,
    EventKind::StreamReplaced,
    EventKind::ClientOutdated,
    EventKind::TemporaryBan,
    EventKind::ConnectFailure,
    EventKind::SelfPushNameUpdated,
    EventKind::Messages,
    EventKind::UndecryptableMessage,
    EventKind::Receipt,
    EventKind::ServerAck,
];

/// How long a pairing code that WhatsApp wants replaced may take to be.
const REPLACE_CODE: Duration = Duration::from_secs(30);

/// Translates one client's events.
pub(crate) struct Events {
    pub(crate) reporter: Arc<Reporter>,
    pub(crate) tasks: SessionTasks,
    pub(crate) stop: CancellationToken,
    pub(crate) pairing: Pairing,
    /// Set once the client is built; weak, because the client owns its handlers.
    pub(crate) client: OnceLock<Weak<Client>>,
}

/// The handler that is given to the client.
pub(crate) struct Handler(pub(crate) Arc<Events>);

impl EventHandler for Handler {
    fn handle_event(&self, event: Arc<Event>) {
        self.0.translate(&event);
    }

    fn interest(&self) -> EventInterest {
        EventInterest::of(INTEREST)
    }
}

impl Events {
    fn translate(self: &Arc<Self>, event: &Event) {
        match event {
            Event::Connected(_) => self.connected(),
            Event::Disconnected(_) => self.reporter.connection_lost(),
            Event::ConnectFailure(failure) => self.login_refused(failure),
            Event::ServerAck(ack) => self.acked(ack),
            Event::Receipt(receipt) => self.receipt(receipt),
            Event::Messages(batch) => self.recovered(batch),
            Event::UndecryptableMessage(message) => self.undecryptable(message),
            Event::SelfPushNameUpdated(update) => self.reporter.push_name(&update.new_name),

            Event::PairingQrCode(qr) => self.reporter.tell(Observed::QrCode {
                code: Secret::new(qr.code.clone()),
                valid_for: qr.timeout,
            }),
            Event::PairingCode(code) => self.reporter.tell(Observed::PairingCode {
                code: Secret::new(code.code.clone()),
                valid_for: code.timeout,
            }),
            Event::PairSuccess(success) => self.paired(success),
            Event::PairError(failure) => self.pairing_failed(&redacted(&failure.error)),
            // While a code is being asked for, the failure is the answer to that call.
            Event::PairingCodeError(failure) if !self.pairing.is_asking() => {
                self.pairing_failed(&redacted(&failure.error));
            }
            Event::PairingCodeRefresh(refresh) => self.replace_code(refresh.force_manual),
            Event::QrScannedWithoutMultidevice(_) => {
                self.pairing_failed("the WhatsApp on this phone is too old to link devices");
            }
            Event::PairPasskeyRequest(_) => self.pairing_failed(
                "WhatsApp wants this account to confirm links with a passkey, which the gateway cannot do",
            ),

            Event::PairingQrCodesExhausted(exhausted) if exhausted.disconnected => {
                self.reporter.ends_because(Ending::CodesExhausted);
            }
            Event::PairingQrCodesExhausted(_) => self.end_with_the_code(),
            Event::LoggedOut(logged_out) => self.reporter.ends_because(logged_out_as(logged_out)),
            Event::StreamReplaced(_) => self.reporter.ends_because(Ending::StreamReplaced),
            Event::ClientOutdated(_) => self.reporter.ends_because(Ending::ClientOutdated),
            Event::TemporaryBan(ban) => self
                .reporter
                .ends_because(Ending::TemporaryBan(ban.expire.to_std().unwrap_or_default())),
            _ => {}
        }
    }

    pub(crate) fn client(&self) -> Option<Arc<Client>> {
        self.client.get().and_then(Weak::upgrade)
    }

    fn connected(&self) {
        self.reporter.connected();
        if let Some(client) = self.client() {
            self.reporter.push_name(&client.push_name());
        }
    }

    fn login_refused(&self, failure: &ConnectFailure) {
        if failure.reason.should_reconnect() {
            self.reporter.tell(Observed::ServerUnavailable);
            return;
        }
        self.reporter.ends_because(Ending::LoginRefused {
            code: u16::try_from(failure.reason.code()).unwrap_or(0),
        });
    }

    /// Acks come for everything the client sends; only those of messages say something to the gateway.
    fn acked(&self, ack: &ServerAck) {
        if ack.class.as_deref() != Some("message") {
            return;
        }
        let stanza = StanzaId::from(ack.id.clone());
        self.reporter.tell(match &ack.error {
            Some(code) => Observed::Refused {
                stanza,
                code: code.clone(),
            },
            None => Observed::Acked {
                stanza,
                at: ack.timestamp.map(Into::into),
            },
        });
    }

    fn receipt(&self, receipt: &Receipt) {
        let kind = match receipt.r#type {
            ReceiptType::Delivered => ReceiptKind::Delivered,
            ReceiptType::Read => ReceiptKind::Read,
            ReceiptType::Played => ReceiptKind::Played,
            _ => return,
        };
        // The account's other devices get copies, and confirm them as a recipient would.
        if self.is_own(&receipt.source.sender) {
            return;
        }
        self.reporter.tell(Observed::Receipt {
            stanzas: receipt.message_ids.iter().cloned().map(StanzaId::from).collect(),
            kind,
            at: receipt.timestamp.into(),
        });
    }

    fn is_own(&self, sender: &Jid) -> bool {
        let Some(client) = self.client() else {
            return false;
        };
        let persistence = client.persistence_manager();
        let device = persistence.get_device_snapshot();
        [device.pn.as_ref(), device.lid.as_ref()]
            .into_iter()
            .flatten()
            .any(|own| own.is_same_user_as(sender))
    }

    /// Messages that the phone sent once more because this device could not read them pass the commit by;
    /// WhatsApp will not deliver them again.
    fn recovered(self: &Arc<Self>, batch: &MessageBatch) {
        if batch.hook_committed {
            return;
        }
        let Some(client) = self.client() else {
            return;
        };
        let events = Arc::clone(self);
        let messages = Arc::clone(&batch.messages);
        let _detached = self.tasks.start(Box::pin(async move {
            if inbound::commit(&events.reporter, client.as_ref(), &messages)
                .await
                .is_err()
            {
                tracing::error!(
                    device.id = %events.reporter.device,
                    messages = messages.len(),
                    "messages recovered from the phone could not be committed and are lost"
                );
            }
        }));
    }

    /// The client asks the sender for it again by itself. What the sender wants hidden until then, an edit or a vote, says
    /// nothing without its content.
    fn undecryptable(self: &Arc<Self>, message: &UndecryptableMessage) {
        let Some(client) = self
            .client()
            .filter(|_| message.decrypt_fail_mode != DecryptFailMode::Hide)
        else {
            return;
        };
        let events = Arc::clone(self);
        let info = Arc::clone(&message.info);
        let _detached = self.tasks.start(Box::pin(async move {
            if inbound::announce(&events.reporter, client.as_ref(), &info)
                .await
                .is_err()
            {
                tracing::warn!(
                    device.id = %events.reporter.device,
                    "a message that cannot be decrypted yet could not be announced"
                );
            }
        }));
    }

    fn paired(&self, success: &PairSuccess) {
        match account(success) {
            Some(account) => self.reporter.tell(Observed::Paired { account }),
            None => self.pairing_failed("WhatsApp linked an account without a phone number"),
        }
    }

    fn pairing_failed(&self, why: &str) {
        self.reporter
            .tell(Observed::PairingFailed { why: why.to_owned() });
    }

    fn replace_code(self: &Arc<Self>, by_hand: bool) {
        let (false, Some(phone), Some(client)) = (by_hand, self.pairing.phone(), self.client()) else {
            self.pairing_failed("the pairing code is no longer valid; ask for a new one");
            return;
        };
        let events = Arc::clone(self);
        let _detached = self.tasks.start(Box::pin(async move {
            if let Err(failure) = events.pairing.ask(&client, phone, REPLACE_CODE).await {
                events.pairing_failed(&format!("the pairing code could not be replaced: {failure}"));
            }
        }));
    }

    /// The client keeps its connection for a pairing code that is still valid, and then for ever.
    fn end_with_the_code(self: &Arc<Self>) {
        let events = Arc::clone(self);
        let _detached = self.tasks.start(Box::pin(async move {
            tokio::time::sleep(CODE_OUTLIVES_QR).await;
            if events.client().is_some_and(|client| client.pn().is_none()) {
                events.reporter.ends_because(Ending::CodesExhausted);
                events.stop.cancel();
            }
        }));
    }
}

fn account(success: &PairSuccess) -> Option<Account> {
    let known = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    Some(Account {
        phone: address::phone(&success.id)?,
        lid: address::lid(&success.lid),
        companion: success.id.device,
        push_name: known(&success.business_name),
        platform: known(&success.platform),
    })
}

/// WhatsApp locks an account (403) when it bans it for good; everything else removes only the link.
fn logged_out_as(logged_out: &LoggedOut) -> Ending {
    match logged_out.reason {
        ConnectFailureReason::AccountLocked => Ending::AccountRemoved,
        _ => Ending::LoggedOut,
    }
}

#[cfg(test)]
mod tests;
