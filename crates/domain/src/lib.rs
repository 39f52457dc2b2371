//! The words of Postern: ids, states, message contents, events, and the port to WhatsApp.
//!
//! No I/O and no clock: everything here is a value or a rule about values. Read [`message`] for what a
//! message goes through, [`session`] for what a device goes through, and [`port`] for what the gateway
//! asks of WhatsApp.

pub mod address;
pub mod content;
pub mod day;
pub mod device;
pub mod event;
pub mod field;
pub mod ids;
pub mod key;
pub mod latency;
pub mod message;
pub mod network;
pub mod operator;
pub mod pacing;
pub mod plan;
pub mod port;
pub mod proto;
pub mod reference;
pub mod scope;
pub mod session;
pub mod stanza;
pub mod time;
pub mod webhook;

pub use address::{Address, AddressError, GroupId, Lid, PhoneNumber};
pub use content::{Content, MAX_TEXT_CHARS, TextError};
pub use day::{Day, DayError};
pub use device::{Account, DeviceCounters, DeviceReason, DeviceState, DeviceStatus, Intent};
pub use event::{Event, EventType};
pub use field::{FieldProblem, MAX_NAME, checked_label, checked_name, checked_send_at};
pub use ids::{
    ApiKeyId, BatchId, ContactId, DeviceId, EventId, IdError, MediaId, MessageId, OperatorId, ReplayId,
    WebhookId, WorkspaceId,
};
pub use key::{ApiKeySecret, KeyKind, NotAnApiKey};
pub use latency::Latencies;
pub use message::{Direction, FailureCode, MessageStatus, ParkReason, TimelineEntry};
pub use network::{Network, NotANetwork};
pub use operator::{OperatorName, OperatorNameError, Role};
pub use pacing::{Pacing, QuietHours};
pub use plan::{Period, Plan};
pub use reference::{ClientReference, ReferenceError};
pub use scope::{NotAScope, Scope, Scopes};
pub use stanza::StanzaId;
pub use time::Timestamp;
