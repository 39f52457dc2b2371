//! The event log: an immutable row for every change that matters, written with the change itself.

use std::fmt;
use std::str::FromStr;

use prost::Message as _;

use crate::{
    Address, ClientReference, Content, DeviceId, DeviceReason, DeviceState, EventId, FailureCode, Lid,
    MessageId, MessageStatus, Timestamp, WorkspaceId, proto,
};

/// What kind of change an event tells of. The numbers are stored; they are never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum EventType {
    /// A message was accepted over the API.
    MessageAccepted = 1,
    /// WhatsApp's server has it.
    MessageSent = 2,
    /// It reached a device of the recipient.
    MessageDelivered = 3,
    /// The recipient opened or played it.
    MessageRead = 4,
    /// It will not be sent.
    MessageFailed = 5,
    /// It was withdrawn.
    MessageCanceled = 6,
    /// A message came in.
    MessageReceived = 7,
    /// A code is on show, or the scan was accepted.
    DevicePairing = 8,
    /// Logged in.
    DeviceConnected = 9,
    /// Healing by itself.
    DeviceDegraded = 10,
    /// Not healing by itself.
    DeviceDisconnected = 11,
    /// Logged out, or pairing ended without a link.
    DeviceUnlinked = 12,
}

impl EventType {
    /// Every type.
    pub const ALL: [Self; 12] = [
        Self::MessageAccepted,
        Self::MessageSent,
        Self::MessageDelivered,
        Self::MessageRead,
        Self::MessageFailed,
        Self::MessageCanceled,
        Self::MessageReceived,
        Self::DevicePairing,
        Self::DeviceConnected,
        Self::DeviceDegraded,
        Self::DeviceDisconnected,
        Self::DeviceUnlinked,
    ];

    /// The number that is stored.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The inverse of [`Self::number`].
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }

    /// The name the API and webhooks use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::MessageAccepted => "message.accepted",
            Self::MessageSent => "message.sent",
            Self::MessageDelivered => "message.delivered",
            Self::MessageRead => "message.read",
            Self::MessageFailed => "message.failed",
            Self::MessageCanceled => "message.canceled",
            Self::MessageReceived => "message.received",
            Self::DevicePairing => "device.pairing",
            Self::DeviceConnected => "device.connected",
            Self::DeviceDegraded => "device.degraded",
            Self::DeviceDisconnected => "device.disconnected",
            Self::DeviceUnlinked => "device.unlinked",
        }
    }

    /// The event a message's new status makes, if it makes one: attempts in between make none.
    #[must_use]
    pub const fn of_message(status: MessageStatus) -> Option<Self> {
        match status {
            MessageStatus::Sent => Some(Self::MessageSent),
            MessageStatus::Delivered => Some(Self::MessageDelivered),
            MessageStatus::Read | MessageStatus::Played => Some(Self::MessageRead),
            MessageStatus::Failed => Some(Self::MessageFailed),
            MessageStatus::Canceled => Some(Self::MessageCanceled),
            MessageStatus::Received => Some(Self::MessageReceived),
            MessageStatus::Scheduled
            | MessageStatus::Queued
            | MessageStatus::Processing
            | MessageStatus::Retrying => None,
        }
    }

    /// The event a device's new state makes.
    #[must_use]
    pub const fn of_device(state: DeviceState) -> Self {
        match state {
            DeviceState::Unlinked => Self::DeviceUnlinked,
            DeviceState::Pairing => Self::DevicePairing,
            DeviceState::Connected => Self::DeviceConnected,
            DeviceState::Degraded => Self::DeviceDegraded,
            DeviceState::Disconnected => Self::DeviceDisconnected,
        }
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for EventType {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|kind| kind.name() == name).ok_or(())
    }
}

/// A row of the event log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its id, stable across redeliveries.
    pub id: EventId,
    /// Its place in the log of the whole daemon; a reader resumes after it.
    pub seq: u64,
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// The device it tells of.
    pub device: DeviceId,
    /// Its place among the events of that device, without gaps, from 1.
    pub device_seq: u64,
    /// What kind of change it tells of.
    pub kind: EventType,
    /// When the change was made.
    pub at: Timestamp,
    /// What changed.
    pub payload: EventPayload,
}

/// What an event tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventPayload {
    /// An outbound message took on a status.
    Message {
        /// Which message.
        message: MessageId,
        /// To whom.
        to: Address,
        /// What it became.
        status: MessageStatus,
        /// Why, when it failed.
        failure: Option<(FailureCode, String)>,
        /// What the caller calls the message.
        client_reference: Option<ClientReference>,
    },
    /// A message came in.
    Received {
        /// Which message.
        message: MessageId,
        /// The chat it came in: the sender, or a group.
        chat: Address,
        /// Who sent it.
        sender: Address,
        /// The sender's number in the hidden-number space, where known.
        sender_lid: Option<Lid>,
        /// The name the sender shows.
        push_name: Option<String>,
        /// When it was sent, by WhatsApp's clock.
        sent_at: Timestamp,
        /// What it carries.
        content: Content,
    },
    /// A device changed its state.
    Device {
        /// What it is.
        state: DeviceState,
        /// Why.
        reason: DeviceReason,
        /// When the gateway tries again, where known.
        retry_at: Option<Timestamp>,
    },
}

/// A stored event that this release cannot read.
#[derive(Debug, thiserror::Error)]
pub enum PayloadError {
    /// The bytes are not an event.
    #[error("not an event")]
    Decode(#[from] prost::DecodeError),
    /// A field holds a value this release does not know.
    #[error("the event's {field} is not known to this release")]
    Field {
        /// Which field.
        field: &'static str,
    },
}

impl EventPayload {
    /// The stored form.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        use proto::event::Payload;
        let payload = match self {
            Self::Message {
                message,
                to,
                status,
                failure,
                client_reference,
            } => {
                let (error_code, error_message) =
                    failure.as_ref().map_or_else(Default::default, |(code, text)| {
                        (code.name().to_owned(), text.clone())
                    });
                Payload::MessageChanged(proto::MessageChanged {
                    message_id: message.to_string(),
                    to: to.to_string(),
                    status: u32::from(status.number()),
                    error_code,
                    error_message,
                    client_reference: client_reference
                        .as_ref()
                        .map(ClientReference::to_string)
                        .unwrap_or_default(),
                })
            }
            Self::Received {
                message,
                chat,
                sender,
                sender_lid,
                push_name,
                sent_at,
                content,
            } => Payload::MessageReceived(proto::MessageReceived {
                message_id: message.to_string(),
                chat: chat.to_string(),
                sender: sender.to_string(),
                sender_lid: sender_lid.map(|lid| lid.to_string()).unwrap_or_default(),
                push_name: push_name.clone().unwrap_or_default(),
                sent_at_ms: sent_at.as_millis(),
                content: Some(content.to_proto()),
            }),
            Self::Device {
                state,
                reason,
                retry_at,
            } => Payload::DeviceChanged(proto::DeviceChanged {
                state: u32::from(state.number()),
                reason: u32::from(reason.number()),
                retry_at_ms: retry_at.map_or(0, Timestamp::as_millis),
            }),
        };
        proto::Event {
            payload: Some(payload),
        }
        .encode_to_vec()
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// The bytes are not an event, or one of a newer release.
    pub fn decode(bytes: &[u8]) -> Result<Self, PayloadError> {
        use proto::event::Payload;
        let unknown = |field| PayloadError::Field { field };
        let payload = proto::Event::decode(bytes)?.payload.ok_or(unknown("payload"))?;
        Ok(match payload {
            Payload::MessageChanged(changed) => Self::Message {
                message: changed
                    .message_id
                    .parse()
                    .map_err(|_not_an_id| unknown("message_id"))?,
                to: Address::from_canonical(&changed.to).map_err(|_not_canonical| unknown("to"))?,
                status: known(changed.status, MessageStatus::from_number).ok_or(unknown("status"))?,
                failure: FailureCode::ALL
                    .into_iter()
                    .find(|code| code.name() == changed.error_code)
                    .map(|code| (code, changed.error_message)),
                client_reference: changed.client_reference.parse().ok(),
            },
            Payload::MessageReceived(received) => Self::Received {
                message: received
                    .message_id
                    .parse()
                    .map_err(|_not_an_id| unknown("message_id"))?,
                chat: Address::from_canonical(&received.chat).map_err(|_not_canonical| unknown("chat"))?,
                sender: Address::from_canonical(&received.sender)
                    .map_err(|_not_canonical| unknown("sender"))?,
                sender_lid: received
                    .sender_lid
                    .strip_suffix("@lid")
                    .and_then(|digits| Lid::from_digits(digits).ok()),
                push_name: Some(received.push_name).filter(|name| !name.is_empty()),
                sent_at: Timestamp::from_millis(received.sent_at_ms),
                content: Content::from_proto(received.content.unwrap_or_default()),
            },
            Payload::DeviceChanged(changed) => Self::Device {
                state: known(changed.state, DeviceState::from_number).ok_or(unknown("state"))?,
                reason: known(changed.reason, DeviceReason::from_number).ok_or(unknown("reason"))?,
                retry_at: (changed.retry_at_ms != 0).then(|| Timestamp::from_millis(changed.retry_at_ms)),
            },
        })
    }
}

fn known<T>(number: u32, from_number: impl Fn(u8) -> Option<T>) -> Option<T> {
    u8::try_from(number).ok().and_then(from_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_come_back() {
        let to: Address = "+15551234567".parse().expect("a number");
        let payloads = [
            EventPayload::Message {
                message: MessageId::generate(),
                to: to.clone(),
                status: MessageStatus::Failed,
                failure: Some((FailureCode::Expired, "too old".to_owned())),
                client_reference: "order-1234".parse().ok(),
            },
            EventPayload::Received {
                message: MessageId::generate(),
                chat: to.clone(),
                sender: to,
                sender_lid: Lid::from_digits("100000012345678").ok(),
                push_name: Some("Ada".to_owned()),
                sent_at: Timestamp::from_millis(1),
                content: Content::Text {
                    body: "hi".to_owned(),
                },
            },
            EventPayload::Device {
                state: DeviceState::Connected,
                reason: DeviceReason::Healthy,
                retry_at: None,
            },
        ];
        for payload in payloads {
            assert_eq!(EventPayload::decode(&payload.encode()).expect("decodes"), payload);
        }
    }
}
