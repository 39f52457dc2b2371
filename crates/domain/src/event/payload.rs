//! What an event tells, and how that is stored.

use prost::Message as _;

use crate::webhook::{AttemptFailure, DisableReason};
use crate::{
    Address, BatchId, ClientReference, Content, DeviceReason, DeviceState, FailureCode, Lid, MessageId,
    MessageStatus, StanzaId, Timestamp, WebhookId, proto,
};

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
        /// The caller's JSON object, as it came.
        metadata: Option<String>,
        /// The batch it was accepted in.
        batch: Option<BatchId>,
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
        /// The message it answers.
        quoted: Option<Quoted>,
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
    /// Nothing is delivered to a webhook endpoint any more.
    Webhook {
        /// Which endpoint.
        webhook: WebhookId,
        /// Its URL.
        url: String,
        /// Why.
        reason: DisableReason,
        /// Since when every try failed.
        failing_since: Option<Timestamp>,
        /// The HTTP status of the last try that failed, when an answer came.
        status: Option<u16>,
        /// Why the last try failed.
        failure: Option<AttemptFailure>,
    },
    /// Much of the plan's quota is used up.
    Quota {
        /// The month, `YYYY-MM`.
        period: String,
        /// How many messages were sent in it.
        used: u64,
        /// How many the plan has.
        limit: u64,
        /// The share that was reached, in percent of the limit.
        percent: u32,
    },
}

/// A message that another one answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Quoted {
    /// One that the gateway has.
    Message(MessageId),
    /// One it does not have, by WhatsApp's id.
    Stanza(StanzaId),
}

impl Quoted {
    fn from_text(text: String) -> Option<Self> {
        if text.is_empty() {
            return None;
        }
        Some(
            text.parse()
                .map_or_else(|_not_ours| Self::Stanza(StanzaId::from(text)), Self::Message),
        )
    }
}

impl std::fmt::Display for Quoted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Message(message) => message.fmt(f),
            Self::Stanza(stanza) => stanza.fmt(f),
        }
    }
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
        self.to_proto().encode_to_vec()
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// The bytes are not an event, or one of a newer release.
    pub fn decode(bytes: &[u8]) -> Result<Self, PayloadError> {
        use proto::event::Payload;
        let payload = proto::Event::decode(bytes)?
            .payload
            .ok_or_else(unknown("payload"))?;
        match payload {
            Payload::MessageChanged(changed) => message(changed),
            Payload::MessageReceived(received) => self::received(received),
            Payload::DeviceChanged(changed) => device(&changed),
            Payload::WebhookDisabled(disabled) => webhook(disabled),
            Payload::QuotaWarning(quota) => Ok(Self::Quota {
                period: quota.period,
                used: quota.used,
                limit: quota.limit,
                percent: quota.percent,
            }),
        }
    }

    pub(super) fn to_proto(&self) -> proto::Event {
        use proto::event::Payload;
        let payload = match self.clone() {
            Self::Message {
                message,
                to,
                status,
                failure,
                client_reference,
                metadata,
                batch,
            } => {
                let (error_code, error_message) =
                    failure.map_or_else(Default::default, |(code, text)| (code.name().to_owned(), text));
                Payload::MessageChanged(proto::MessageChanged {
                    message_id: message.to_string(),
                    to: to.to_string(),
                    status: u32::from(status.number()),
                    error_code,
                    error_message,
                    client_reference: text(client_reference),
                    metadata: metadata.unwrap_or_default(),
                    batch_id: text(batch),
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
                quoted,
            } => Payload::MessageReceived(proto::MessageReceived {
                message_id: message.to_string(),
                chat: chat.to_string(),
                sender: sender.to_string(),
                sender_lid: text(sender_lid),
                push_name: push_name.unwrap_or_default(),
                sent_at_ms: sent_at.as_millis(),
                content: Some(content.to_proto()),
                quoted: text(quoted),
            }),
            Self::Device {
                state,
                reason,
                retry_at,
            } => Payload::DeviceChanged(proto::DeviceChanged {
                state: u32::from(state.number()),
                reason: u32::from(reason.number()),
                retry_at_ms: millis(retry_at),
            }),
            Self::Webhook {
                webhook,
                url,
                reason,
                failing_since,
                status,
                failure,
            } => Payload::WebhookDisabled(proto::WebhookDisabled {
                webhook_id: webhook.to_string(),
                url,
                reason: u32::from(reason.number()),
                failing_since_ms: millis(failing_since),
                status: status.map(u32::from).unwrap_or_default(),
                failure: failure
                    .map(|failure| u32::from(failure.number()))
                    .unwrap_or_default(),
            }),
            Self::Quota {
                period,
                used,
                limit,
                percent,
            } => Payload::QuotaWarning(proto::QuotaWarning {
                period,
                used,
                limit,
                percent,
            }),
        };
        proto::Event {
            payload: Some(payload),
            ..proto::Event::default()
        }
    }
}

fn message(changed: proto::MessageChanged) -> Result<EventPayload, PayloadError> {
    Ok(EventPayload::Message {
        message: changed.message_id.parse().map_err(unknown_for("message_id"))?,
        to: Address::from_canonical(&changed.to).map_err(unknown_for("to"))?,
        status: known(changed.status, MessageStatus::from_number).ok_or_else(unknown("status"))?,
        failure: FailureCode::ALL
            .into_iter()
            .find(|code| code.name() == changed.error_code)
            .map(|code| (code, changed.error_message)),
        client_reference: changed.client_reference.parse().ok(),
        metadata: Some(changed.metadata).filter(|metadata| !metadata.is_empty()),
        batch: changed.batch_id.parse().ok(),
    })
}

fn received(received: proto::MessageReceived) -> Result<EventPayload, PayloadError> {
    Ok(EventPayload::Received {
        message: received.message_id.parse().map_err(unknown_for("message_id"))?,
        chat: Address::from_canonical(&received.chat).map_err(unknown_for("chat"))?,
        sender: Address::from_canonical(&received.sender).map_err(unknown_for("sender"))?,
        sender_lid: received
            .sender_lid
            .strip_suffix("@lid")
            .and_then(|digits| Lid::from_digits(digits).ok()),
        push_name: Some(received.push_name).filter(|name| !name.is_empty()),
        sent_at: Timestamp::from_millis(received.sent_at_ms),
        content: Content::from_proto(received.content.unwrap_or_default()),
        quoted: Quoted::from_text(received.quoted),
    })
}

fn device(changed: &proto::DeviceChanged) -> Result<EventPayload, PayloadError> {
    Ok(EventPayload::Device {
        state: known(changed.state, DeviceState::from_number).ok_or_else(unknown("state"))?,
        reason: known(changed.reason, DeviceReason::from_number).ok_or_else(unknown("reason"))?,
        retry_at: time(changed.retry_at_ms),
    })
}

fn webhook(disabled: proto::WebhookDisabled) -> Result<EventPayload, PayloadError> {
    Ok(EventPayload::Webhook {
        webhook: disabled.webhook_id.parse().map_err(unknown_for("webhook_id"))?,
        url: disabled.url,
        reason: known(disabled.reason, DisableReason::from_number).ok_or_else(unknown("reason"))?,
        failing_since: time(disabled.failing_since_ms),
        status: u16::try_from(disabled.status).ok().filter(|status| *status != 0),
        failure: known(disabled.failure, AttemptFailure::from_number),
    })
}

fn unknown(field: &'static str) -> impl Fn() -> PayloadError {
    move || PayloadError::Field { field }
}

/// The same in the place of an error that says no more.
fn unknown_for<E>(field: &'static str) -> impl Fn(E) -> PayloadError {
    move |_says_no_more| PayloadError::Field { field }
}

fn known<T>(number: u32, from_number: impl Fn(u8) -> Option<T>) -> Option<T> {
    u8::try_from(number).ok().and_then(from_number)
}

/// Empty when there is none.
fn text(value: Option<impl ToString>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// 0 when there is none.
fn millis(time: Option<Timestamp>) -> i64 {
    time.map_or(0, Timestamp::as_millis)
}

fn time(millis: i64) -> Option<Timestamp> {
    (millis != 0).then(|| Timestamp::from_millis(millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(to: &Address, quoted: Option<Quoted>) -> EventPayload {
        EventPayload::Received {
            message: MessageId::generate(),
            chat: to.clone(),
            sender: to.clone(),
            sender_lid: Lid::from_digits("100000012345678").ok(),
            push_name: Some("Ada".to_owned()),
            sent_at: Timestamp::from_millis(1),
            content: Content::Text {
                body: "hi".to_owned(),
            },
            quoted,
        }
    }

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
                metadata: Some(r#"{"order":1}"#.to_owned()),
                batch: Some(BatchId::generate()),
            },
            received(&to, None),
            received(&to, Some(Quoted::Message(MessageId::generate()))),
            received(&to, Some(Quoted::Stanza(StanzaId::from("3EB0AA".to_owned())))),
            EventPayload::Device {
                state: DeviceState::Connected,
                reason: DeviceReason::Healthy,
                retry_at: None,
            },
            EventPayload::Webhook {
                webhook: WebhookId::generate(),
                url: "https://example.com/hook".to_owned(),
                reason: DisableReason::Failing,
                failing_since: Some(Timestamp::from_millis(3)),
                status: Some(503),
                failure: Some(AttemptFailure::Status),
            },
            EventPayload::Quota {
                period: "2026-12".to_owned(),
                used: 400,
                limit: 500,
                percent: 80,
            },
        ];
        for payload in payloads {
            assert_eq!(EventPayload::decode(&payload.encode()).expect("decodes"), payload);
        }
    }

    #[test]
    fn a_payload_of_a_newer_release_is_an_error_and_no_panic() {
        // Field 15, a message without fields.
        assert!(EventPayload::decode(&[0x7a, 0]).is_err());
        assert!(EventPayload::decode(b"\xff").is_err());
    }
}
