//! What the gateway asks of WhatsApp, and what WhatsApp tells it.
//!
//! [`WhatsApp::open`] starts one client for one device. The client reports through an [`Observer`] until
//! it reports [`Observed::Ended`]; after that it is dead and the device is opened anew. A session outlives
//! lost sockets: the client reconnects by itself and says so.
//!
//! Nothing here waits for ever: every call ends within its documented deadline, whatever the network does.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::{Account, Address, Content, DeviceId, Lid, PhoneNumber, StanzaId, Timestamp};

/// A WhatsApp network to which devices can be linked.
#[async_trait]
pub trait WhatsApp: Send + Sync + 'static {
    /// Builds and starts a client for `device` from its stored keys.
    ///
    /// A device without keys is unpaired and begins to show QR codes; a paired one logs in. Returns once
    /// the client runs, before it is connected; within 30 s.
    ///
    /// # Errors
    /// The keys cannot be read or the client cannot be built. Trying again later may help.
    async fn open(
        &self,
        device: DeviceId,
        observer: Arc<dyn Observer>,
    ) -> Result<Arc<dyn Session>, OpenError>;
}

/// A running client of one device.
#[async_trait]
pub trait Session: Send + Sync {
    /// Encrypts a message and writes it to the socket; within 30 s.
    ///
    /// `Ok` means written, not accepted: the server's word comes as [`Observed::Acked`] or
    /// [`Observed::Refused`]. Sending again with the same stanza id is safe.
    ///
    /// # Errors
    /// See [`SendError`]: it says whether another attempt makes sense.
    async fn send(&self, message: &Outgoing) -> Result<(), SendError>;

    /// Asks for a pairing code to be typed in on the phone with this number, instead of scanning a QR code;
    /// within 30 s. The code is also reported as [`Observed::PairingCode`].
    ///
    /// # Errors
    /// The client is not waiting to be paired, or WhatsApp refused.
    async fn request_pairing_code(&self, phone: PhoneNumber) -> Result<(), CallError>;

    /// Removes this device from the account at WhatsApp; within 10 s. The session then ends.
    ///
    /// # Errors
    /// WhatsApp could not be told; the link may still stand there.
    async fn log_out(&self) -> Result<(), CallError>;

    /// Closes the socket, writes what is buffered, and ends; within 10 s. Idempotent.
    ///
    /// Ends with [`Ending::Stopped`]. Nothing is written to the key store after it returns.
    async fn stop(&self);
}

/// Where a session reports to.
#[async_trait]
pub trait Observer: Send + Sync + 'static {
    /// Takes a report. Called on the client's receive path: must return at once and must not block.
    fn observe(&self, observed: Observed);

    /// Takes received messages, in order, and returns when all of them are committed.
    ///
    /// WhatsApp is told that they arrived only after `Ok`; after an error it delivers them again, so the
    /// same message may come more than once.
    ///
    /// # Errors
    /// They could not be committed.
    async fn receive(&self, batch: Vec<Inbound>) -> Result<(), NotCommitted>;
}

/// What a session reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observed {
    /// A QR code to show; it replaces the one before.
    QrCode {
        /// The text to draw. A secret: who scans it owns the link.
        code: Secret,
        /// How long it can be scanned.
        valid_for: Duration,
    },
    /// A pairing code to show.
    PairingCode {
        /// Eight letters and digits. A secret for as long as it is valid.
        code: Secret,
        /// How long it can be typed in.
        valid_for: Duration,
    },
    /// The phone accepted; the first login follows.
    Paired {
        /// The account that was linked.
        account: Account,
    },
    /// Linking failed.
    PairingFailed {
        /// Why, in words for the operator.
        why: String,
    },
    /// Logged in, for the first time or again.
    Connected,
    /// The account's own display name, when it becomes known or changes.
    PushName(String),
    /// The socket closed; the client reconnects by itself.
    ConnectionLost,
    /// The connection is open and nothing comes through it any more, not even what was asked for.
    Silent,
    /// Something came through a connection that was silent.
    Heard,
    /// WhatsApp said that it cannot serve this session now; the client tries again by itself.
    ServerUnavailable,
    /// WhatsApp's server has the message.
    Acked {
        /// Which one.
        stanza: StanzaId,
        /// When, by WhatsApp's clock, where it says so.
        at: Option<Timestamp>,
    },
    /// WhatsApp's server refused the message.
    Refused {
        /// Which one.
        stanza: StanzaId,
        /// WhatsApp's code, e.g. `479`.
        code: String,
    },
    /// The recipient's device confirmed messages. Receipts may overtake each other and the ack.
    Receipt {
        /// Which messages.
        stanzas: Vec<StanzaId>,
        /// What it confirms.
        kind: ReceiptKind,
        /// When, by WhatsApp's clock.
        at: Timestamp,
    },
    /// The client stopped for good. Always the last report.
    Ended(Ending),
}

/// What a receipt confirms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReceiptKind {
    /// It reached a device of the recipient.
    Delivered,
    /// The recipient opened it.
    Read,
    /// The recipient played it.
    Played,
}

/// Why a client stopped for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// [`Session::stop`] was called.
    Stopped,
    /// All codes were shown and none was used.
    CodesExhausted,
    /// The link was removed at WhatsApp; the keys are worthless.
    LoggedOut,
    /// The account no longer exists or was banned for good; the keys are worthless.
    AccountRemoved,
    /// The same link logged in elsewhere.
    StreamReplaced,
    /// WhatsApp no longer accepts the client's version.
    ClientOutdated,
    /// WhatsApp bars the account for this long.
    TemporaryBan(Duration),
    /// WhatsApp refused the login for another reason.
    LoginRefused {
        /// WhatsApp's failure code, e.g. 409.
        code: u16,
    },
    /// The client failed inside.
    Crashed,
}

/// A message on its way out.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// The id it carries on every attempt.
    pub stanza: StanzaId,
    /// To whom.
    pub to: Address,
    /// What.
    pub content: Content,
    /// For how long the account is shown as typing before it; counts against the call's deadline.
    pub typing: Duration,
}

/// A message that came in, decrypted.
///
/// Only what people send: protocol traffic, and copies of what the account's own phone sent, are not reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inbound {
    /// The sender's id of it; unique only together with chat and sender.
    pub stanza: StanzaId,
    /// The chat it belongs to: the sender, or a group.
    pub chat: Address,
    /// Who sent it.
    pub sender: Address,
    /// The sender's number in the hidden-number space, where known.
    pub sender_lid: Option<Lid>,
    /// The name the sender shows.
    pub push_name: Option<String>,
    /// When it was sent, by WhatsApp's clock.
    pub sent_at: Timestamp,
    /// What it carries.
    pub content: Content,
    /// The message it answers, by its sender's id of it.
    pub quoted: Option<StanzaId>,
}

/// A short text that must not reach a log.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text, for the one who may see it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A client could not be started.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The key store failed.
    #[error("the device's keys cannot be read: {0}")]
    Keys(String),
    /// The client could not be built in time or at all.
    #[error("the WhatsApp client cannot be started: {0}")]
    Client(String),
}

/// An attempt to send did not get as far as the socket.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The client has no logged-in connection right now. Try again when it has.
    #[error("not connected")]
    NotConnected,
    /// The attempt took too long; whether it was written is unknown. Try again with the same stanza id.
    #[error("the attempt took longer than its deadline")]
    TimedOut,
    /// The attempt failed; another one may succeed.
    #[error("the attempt failed: {0}")]
    Failed(String),
    /// The recipient has no WhatsApp account. No attempt will succeed.
    #[error("the recipient is not on WhatsApp")]
    NotOnWhatsApp,
    /// The message cannot be built for this recipient. No attempt will succeed.
    #[error("the message cannot be sent: {0}")]
    NotSendable(String),
}

/// A call to the client failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The client is not in a state for it.
    #[error("the session is not ready for this")]
    NotReady,
    /// No answer within the deadline.
    #[error("WhatsApp did not answer in time")]
    TimedOut,
    /// WhatsApp refused, or the client failed.
    #[error("{0}")]
    Failed(String),
}

/// Received messages could not be committed; WhatsApp will deliver them again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the messages could not be committed")]
pub struct NotCommitted;
