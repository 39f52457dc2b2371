//! What goes into the store and what comes out, in the words of the domain.

use postern_domain::port::{ReceiptKind, Secret};
use postern_domain::webhook::EventTypes;
use postern_domain::{
    Account, Address, BatchId, ClientReference, Content, Day, DeviceCounters, DeviceId, DeviceStatus,
    Direction, Event, EventType, FailureCode, Intent, Latencies, Lid, MessageId, MessageStatus, Pacing,
    ParkReason, PhoneNumber, StanzaId, TimelineEntry, Timestamp, WorkspaceId,
};

use super::quota::QuotaExceeded;
use super::words::TextQuery;

mod deliveries;
mod webhooks;

pub use deliveries::*;
pub use webhooks::*;

/// A device as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Its id.
    pub id: DeviceId,
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// What its owner calls it; may be empty.
    pub name: String,
    /// What the operator wants.
    pub intent: Intent,
    /// What is observed.
    pub status: DeviceStatus,
    /// Whether `account` is linked now; `false` when it is only the last one.
    pub linked: bool,
    /// The account it is, or was last, linked to.
    pub account: Option<Account>,
    /// What pairing was asked for and is not finished.
    pub pairing: Option<PairingRequest>,
    /// The number of the request to connect anew that no session has served yet; grows with every request.
    pub reconnect: Option<u64>,
    /// Whether its history goes with it when it is removed.
    pub purge: bool,
    /// Why its waiting messages are being parked, while that goes on.
    pub parking: Option<ParkReason>,
    /// How fast it may send; `None` is the default of the configuration.
    pub pacing: Option<Pacing>,
    /// Whether its workspace is deactivated, so that nothing may leave.
    pub held: bool,
    /// When WhatsApp was last heard of through it: a login, an ack, a receipt, a message.
    pub heard_at: Option<Timestamp>,
    /// What is counted for it.
    pub counters: DeviceCounters,
    /// When it was created.
    pub created_at: Timestamp,
}

/// What is to be changed about a device; `None` leaves it as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeviceChange {
    /// What its owner calls it.
    pub name: Option<String>,
    /// How fast it may send; `Some(None)` is the default of the configuration again.
    pub pacing: Option<Option<Pacing>>,
}

/// How many people may still be written to for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FirstContacts {
    /// At most so many a day.
    pub per_day: u32,
    /// When the day ends, and the count begins anew.
    pub until: Timestamp,
}

/// What an operator asks of a device, pairing aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceRequest {
    /// Go offline and keep keys and queue.
    Pause,
    /// Come back from a pause.
    Resume,
    /// Close the connection, if there is one, and log in anew, whatever kept the device from it.
    Reconnect,
    /// Take the link back and wipe the keys; or call pairing off.
    LogOut,
    /// Take the link back, wipe the keys and forget the device.
    Remove {
        /// Delete its messages and events as well.
        purge: bool,
    },
}

/// A request to pair that no session has finished yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PairingRequest {
    /// Grows with every request for the device.
    pub number: u64,
    /// The phone that will type in a pairing code; `None` asks for QR codes.
    pub phone: Option<PhoneNumber>,
}

/// A code on show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownCode {
    /// Which kind.
    pub kind: CodeKind,
    /// The text.
    pub code: Secret,
    /// When it stops being valid.
    pub expires_at: Timestamp,
}

/// What kind of code is on show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeKind {
    /// To be scanned.
    Qr,
    /// To be typed in.
    PairingCode,
}

/// A message to be accepted.
#[derive(Debug, Clone)]
pub struct NewMessage {
    /// Its id, chosen by the caller so that the answer can be written before the commit.
    pub id: MessageId,
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// The device that sends it.
    pub device: DeviceId,
    /// To whom.
    pub to: Address,
    /// What.
    pub content: Content,
    /// WhatsApp's id of it, for every attempt.
    pub stanza: StanzaId,
    /// The caller's JSON object, serialized.
    pub metadata: Option<String>,
    /// What the caller calls it.
    pub client_reference: Option<ClientReference>,
    /// Not before this time.
    pub scheduled_for: Option<Timestamp>,
    /// Accept although the device is unlinked or disconnected.
    pub queue_if_disconnected: bool,
}

/// Messages to be accepted together.
#[derive(Debug, Clone)]
pub struct NewBatch {
    /// Its id, chosen by the caller like those of its messages.
    pub id: BatchId,
    /// Whose it is, and every one of its messages.
    pub workspace: WorkspaceId,
    /// Those that the caller found nothing wrong with, in the order in which they are to be accepted.
    pub messages: Vec<NewMessage>,
    /// How many others the caller refused.
    pub refused: usize,
    /// Accept what can be when some are refused, instead of nothing.
    pub partial: bool,
}

/// Why a message cannot be accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The workspace has no such device.
    UnknownDevice,
    /// The device cannot send now, and the message was not to be queued.
    SessionDisconnected(DeviceStatus),
    /// The workspace has accepted as many in this month as it may.
    QuotaExceeded(QuotaExceeded),
    /// The workspace may do nothing; this is why, in words for its members.
    Deactivated(String),
}

/// A message of a batch that cannot be accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedMessage {
    /// Its place in [`NewBatch::messages`].
    pub index: usize,
    /// Why.
    pub reason: Refusal,
}

/// What makes an acceptance idempotent: stored with it, in one transaction.
#[derive(Debug, Clone)]
pub struct IdempotencyKey {
    /// Method and path, e.g. `POST /v1/messages`.
    pub endpoint: &'static str,
    /// The caller's key.
    pub key: String,
    /// SHA-256 over method, path and the parsed body.
    pub fingerprint: [u8; 32],
    /// The status of the answer if this acceptance is the first.
    pub http_status: u16,
    /// The answer if this acceptance is the first, byte for byte.
    pub body: Vec<u8>,
}

/// What became of an acceptance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accepted {
    /// It is committed.
    New,
    /// The same request was committed before; this was its answer.
    Replayed {
        /// The first answer's status.
        http_status: u16,
        /// The first answer, byte for byte.
        body: Vec<u8>,
    },
}

/// What became of the acceptance of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AcceptedBatch {
    /// It is committed.
    New {
        /// The answer, as it is remembered for replays.
        body: Vec<u8>,
        /// The devices that have something to send, each once.
        devices: Vec<DeviceId>,
    },
    /// The same request was committed before; this was its answer.
    Replayed {
        /// The first answer's status.
        http_status: u16,
        /// The first answer, byte for byte.
        body: Vec<u8>,
    },
}

/// A batch as stored, and where its messages stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Its id.
    pub id: BatchId,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// How many messages were asked for.
    pub total: u32,
    /// How many of them were refused.
    pub refused: u32,
    /// How many of the others are in each status; those that there are none in are left out.
    pub counts: Vec<(MessageStatus, u32)>,
}

/// A message as stored.
#[derive(Debug, Clone)]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// The device it went or came through.
    pub device: DeviceId,
    /// The batch it was accepted in; `None` when it was accepted alone, or received.
    pub batch: Option<BatchId>,
    /// Which way it went.
    pub direction: Direction,
    /// Where it stands.
    pub status: MessageStatus,
    /// The recipient, or the chat it came in.
    pub chat: Address,
    /// Who sent it; `None` when we did.
    pub sender: Option<Address>,
    /// The sender's number in the hidden-number space, where known.
    pub sender_lid: Option<Lid>,
    /// The name the sender showed.
    pub push_name: Option<String>,
    /// WhatsApp's id of it.
    pub stanza: StanzaId,
    /// What it carries.
    pub content: Content,
    /// The caller's JSON object, serialized.
    pub metadata: Option<String>,
    /// What the caller calls it.
    pub client_reference: Option<ClientReference>,
    /// When it is to be sent.
    pub scheduled_for: Option<Timestamp>,
    /// When it is expected to leave, while pacing holds it back.
    pub paced: Option<Timestamp>,
    /// Why it will not move until somebody acts, and since when.
    pub parked: Option<(ParkReason, Timestamp)>,
    /// Why it failed.
    pub failure: Option<(FailureCode, String)>,
    /// How many attempts were started.
    pub attempts: u32,
    /// When it was accepted or received.
    pub created_at: Timestamp,
    /// When its status last changed.
    pub updated_at: Timestamp,
    /// Every step, in the order they were recorded.
    pub timeline: Vec<TimelineEntry>,
}

/// Which messages to list.
#[derive(Debug, Clone, Default)]
pub struct MessageFilter {
    /// Only those of this device.
    pub device: Option<DeviceId>,
    /// Only those of this batch.
    pub batch: Option<BatchId>,
    /// Only those in this status.
    pub status: Option<MessageStatus>,
    /// Only those that went this way.
    pub direction: Option<Direction>,
    /// Only those of this chat.
    pub chat: Option<Address>,
    /// Only those that the caller calls so.
    pub client_reference: Option<ClientReference>,
    /// Only those with these words in their text. A message can be found a moment after it was stored.
    pub text: Option<TextQuery>,
    /// Only those that are parked.
    pub parked: bool,
    /// Only those created at or after.
    pub from: Option<Timestamp>,
    /// Only those created before.
    pub until: Option<Timestamp>,
}

/// A page of a list, newest first.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Where the next page starts, when there is one. Opaque to callers of the API.
    pub next: Option<PageStart>,
}

/// Where a page starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageStart(pub u64);

/// Which events a list is to have; everything that is said must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventFilter {
    /// Of these types.
    pub types: EventTypes,
    /// Of this device.
    pub device: Option<DeviceId>,
    /// Made at this time or later.
    pub from: Option<Timestamp>,
    /// Made before this time.
    pub until: Option<Timestamp>,
}

impl Default for EventFilter {
    fn default() -> Self {
        Self {
            types: EventTypes::ALL,
            device: None,
            from: None,
            until: None,
        }
    }
}

impl EventFilter {
    /// Whether an event of this type, of this device and made at this time is to be had.
    #[must_use]
    pub fn admits(&self, kind: EventType, device: Option<DeviceId>, at: Timestamp) -> bool {
        self.types.include(kind)
            && self.device.is_none_or(|wanted| device == Some(wanted))
            && self.from.is_none_or(|from| at >= from)
            && self.until.is_none_or(|until| at < until)
    }
}

/// Where in the log a page of events starts, and which way it goes. Places are those of [`postern_domain::Event::seq`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventStart {
    /// At the newest, newest first.
    Newest,
    /// Before this place, newest first.
    Before(u64),
    /// After this place, oldest first.
    After(u64),
}

impl EventStart {
    pub(super) fn place(self) -> u64 {
        match self {
            Self::Newest => u64::MAX,
            Self::Before(place) | Self::After(place) => place,
        }
    }
}

/// A page of the event log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventPage {
    /// What passed the filter.
    pub events: Vec<Event>,
    /// The place of the last event that was looked at, whether or not it passed; the next page starts there.
    pub reached: u64,
    /// Whether there are events beyond it.
    pub more: bool,
}

/// A message to be attempted now.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// Its id.
    pub id: MessageId,
    /// WhatsApp's id of it, the same on every attempt.
    pub stanza: StanzaId,
    /// To whom.
    pub to: Address,
    /// What.
    pub content: Content,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// When it was accepted.
    pub accepted_at: Timestamp,
}

/// Something learned about messages of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// WhatsApp's server has it.
    Acked {
        /// Which one.
        stanza: StanzaId,
    },
    /// A device of the recipient confirmed it.
    Receipt {
        /// Which one.
        stanza: StanzaId,
        /// What it confirms.
        kind: ReceiptKind,
    },
    /// The attempt failed or went unanswered; another one is due.
    Retry {
        /// Which one.
        stanza: StanzaId,
        /// Not before this time.
        at: Timestamp,
        /// Why; for the timeline.
        detail: String,
    },
    /// No attempt will succeed.
    Failed {
        /// Which one.
        stanza: StanzaId,
        /// Why.
        code: FailureCode,
        /// Why, in words.
        text: String,
    },
}

/// What was counted of some messages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Figures {
    /// How many there are of each status, in the order of their numbers.
    counts: [u64; MessageStatus::ALL.len()],
    /// From the acceptance, or the time it was scheduled for, to the server's word.
    pub sent: Latencies,
    /// To the first word of a device of the recipient.
    pub delivered: Latencies,
}

impl Figures {
    /// How many messages are in this status.
    #[must_use]
    pub fn of(&self, status: MessageStatus) -> u64 {
        self.counts[usize::from(status.number()) - 1]
    }

    /// How many have reached the recipient.
    #[must_use]
    pub fn arrived(&self) -> u64 {
        let arrived = [
            MessageStatus::Delivered,
            MessageStatus::Read,
            MessageStatus::Played,
        ];
        arrived.iter().map(|status| self.of(*status)).sum()
    }

    /// How many have reached an end: the recipient, a failure, or somebody who took them back.
    #[must_use]
    pub fn ended(&self) -> u64 {
        self.arrived() + self.of(MessageStatus::Failed) + self.of(MessageStatus::Canceled)
    }

    pub(super) fn count(&mut self, status: MessageStatus, more: u64) {
        self.counts[usize::from(status.number()) - 1] += more;
    }
}

/// What was counted of the messages of some days.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// All of them.
    pub all: Figures,
    /// Those of each device that has any, devices that were removed included; in the order of their ids.
    pub devices: Vec<(DeviceId, Figures)>,
    /// Those of each day that has any, oldest first.
    pub days: Vec<(Day, Figures)>,
}
