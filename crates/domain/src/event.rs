//! The event log: an immutable row for every change that matters, written with the change itself.

mod payload;

use std::fmt;
use std::str::FromStr;

use prost::Message as _;

pub use self::payload::{EventPayload, PayloadError, Quoted};
use crate::{DeviceId, DeviceState, EventId, MessageStatus, Timestamp, WorkspaceId};

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
    /// Nothing is delivered to a webhook endpoint any more.
    WebhookDisabled = 13,
    /// Much of the plan's quota is used up.
    QuotaWarning = 14,
}

impl EventType {
    /// Every type.
    pub const ALL: [Self; 14] = [
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
        Self::WebhookDisabled,
        Self::QuotaWarning,
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
            Self::WebhookDisabled => "webhook.disabled",
            Self::QuotaWarning => "quota.warning",
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
    /// Its place among the events of the workspace, from 1. Given without gaps; a number may be missing in what is read
    /// where events were deleted, or are of a newer release.
    pub workspace_seq: u64,
    /// The device it tells of; `None` when it is of no device.
    pub device: Option<DeviceId>,
    /// Its place among the events of that device, without gaps, from 1.
    pub device_seq: Option<u64>,
    /// What kind of change it tells of.
    pub kind: EventType,
    /// When the change was made.
    pub at: Timestamp,
    /// What changed.
    pub payload: EventPayload,
}

impl Event {
    /// The event as streams carry it: a whole `postern.v1.Event`.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut event = self.payload.to_proto();
        event.id = self.id.to_string();
        event.number = self.workspace_seq;
        self.kind.name().clone_into(&mut event.r#type);
        event.at_ms = self.at.as_millis();
        event.device_id = self.device.map(|device| device.to_string()).unwrap_or_default();
        event.seq = self.device_seq.unwrap_or_default();
        event.encode_to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Timestamp, proto};

    #[test]
    fn numbers_and_names_come_back_and_fit_a_choice_of_types() {
        for kind in EventType::ALL {
            assert_eq!(EventType::from_number(kind.number()), Some(kind));
            assert_eq!(kind.name().parse(), Ok(kind));
            assert!(
                (1..64).contains(&kind.number()),
                "a bit stands for each in a webhook's choice"
            );
        }
    }

    #[test]
    fn a_streamed_event_is_the_stored_one_and_says_which() {
        let payload = EventPayload::Quota {
            period: "2026-12".to_owned(),
            used: 400,
            limit: 500,
            percent: 80,
        };
        let event = Event {
            id: EventId::generate(),
            seq: 9,
            workspace: WorkspaceId::generate(),
            workspace_seq: 7,
            device: None,
            device_seq: None,
            kind: EventType::QuotaWarning,
            at: Timestamp::from_millis(5),
            payload: payload.clone(),
        };
        let bytes = event.encode();
        let streamed = proto::Event::decode(bytes.as_slice()).expect("an event");
        assert_eq!((streamed.id, streamed.number), (event.id.to_string(), 7));
        assert_eq!((streamed.r#type.as_str(), streamed.at_ms), ("quota.warning", 5));
        assert_eq!(EventPayload::decode(&bytes).expect("decodes"), payload);
    }
}
