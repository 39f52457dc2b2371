//! What changed, for each kind of event.

use postern_domain::event::EventPayload;
use postern_domain::{Address, Content, Event, Timestamp};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// What changed. Which it is follows from `type`.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub enum EventData {
    /// `message.accepted`, `message.sent`, `message.delivered`, `message.read`, `message.failed`, `message.canceled`
    Message(MessageData),
    /// `message.received`
    Received(ReceivedData),
    /// `device.pairing`, `device.connected`, `device.degraded`, `device.disconnected`, `device.unlinked`
    Device(DeviceData),
    /// `webhook.disabled`
    Webhook(WebhookData),
    /// `quota.warning`
    Quota(QuotaData),
}

/// An outbound message took on a status.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessageData {
    /// Which message.
    message_id: String,
    /// The recipient in its canonical form: `+` and digits, `…@lid`, or `…@g.us`.
    #[schema(example = "+15551234567")]
    to: String,
    /// What it became.
    #[schema(example = "delivered")]
    status: &'static str,
    /// Why it failed.
    #[schema(required)]
    error: Option<MessageError>,
    /// What you call it, as it was sent with the message.
    #[schema(required, example = "order-1234")]
    client_reference: Option<String>,
    /// Your JSON object, as it was sent with the message.
    #[schema(required, value_type = Option<Object>)]
    metadata: Option<Box<RawValue>>,
    /// The batch it was accepted in.
    #[schema(required)]
    batch_id: Option<String>,
    /// The device that sends it.
    device_id: Option<String>,
    /// The place of the event among those of the device, without gaps, from 1.
    seq: Option<u64>,
}

/// Why a message failed.
#[derive(Serialize, ToSchema)]
pub struct MessageError {
    /// `NOT_ON_WHATSAPP`, `REJECTED_BY_WHATSAPP`, `EXPIRED` or `NOT_SENDABLE`.
    #[schema(example = "NOT_ON_WHATSAPP")]
    code: &'static str,
    /// The same in words.
    message: String,
}

/// A message came in.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReceivedData {
    /// Which message; the same however often it is told of.
    message_id: String,
    /// Who sent it: the phone number, or `…@lid` where WhatsApp does not disclose it.
    #[schema(example = "+15557654321")]
    from: String,
    /// The sender in WhatsApp's hidden-number space, where known.
    #[schema(required, example = "100000012345678@lid")]
    from_lid: Option<String>,
    /// The conversation: the sender, or the group.
    #[schema(example = "+15557654321")]
    chat: String,
    /// The group it was sent to.
    #[schema(required)]
    group: Option<String>,
    /// Who of the group sent it: the same as `from`.
    #[schema(required)]
    participant: Option<String>,
    /// The name the sender shows.
    #[schema(required, example = "Ada")]
    push_name: Option<String>,
    /// When it was sent, by WhatsApp's clock.
    #[schema(format = DateTime)]
    sent_at: String,
    /// What it carries: `text`; `unsupported` for something that this release cannot show; `undecryptable` for something
    /// that could not be decrypted: its sender was asked to send it again, and the same message is told of once more when
    /// that arrives.
    #[serde(rename = "type")]
    #[schema(example = "text")]
    kind: &'static str,
    /// The content of a `text` message.
    #[schema(required)]
    text: Option<ReceivedText>,
    /// What an `unsupported` message is.
    #[schema(required)]
    unsupported: Option<ReceivedUnsupported>,
    /// The message it answers: `msg_…`, or WhatsApp's id of one that the gateway does not have.
    #[schema(required)]
    quoted_message_id: Option<String>,
    /// The device it came through.
    device_id: Option<String>,
    /// The place of the event among those of the device, without gaps, from 1.
    seq: Option<u64>,
}

/// Plain text.
#[derive(Serialize, ToSchema)]
pub struct ReceivedText {
    /// The text as the sender wrote it.
    body: String,
}

/// Something that this release cannot show.
#[derive(Serialize, ToSchema)]
pub struct ReceivedUnsupported {
    /// What WhatsApp calls it, e.g. `imageMessage`.
    kind: String,
}

/// A device changed its state.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeviceData {
    /// Whether it can send now.
    #[schema(example = "connected")]
    state: &'static str,
    /// Why it is in this state.
    #[schema(example = "healthy")]
    reason: &'static str,
    /// What the reason means, and what to do.
    meaning: &'static str,
    /// When the gateway tries again by itself, where that is known.
    #[schema(required, format = DateTime)]
    retry_at: Option<String>,
    /// Which device.
    device_id: Option<String>,
    /// The place of the event among those of the device, without gaps, from 1.
    seq: Option<u64>,
}

/// Nothing is delivered to a webhook endpoint any more.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WebhookData {
    /// Which endpoint.
    webhook_id: String,
    /// Its URL.
    url: String,
    /// `operator`, `gone` or `failing`.
    #[schema(example = "failing")]
    reason: &'static str,
    /// What the reason means, and what to do.
    meaning: &'static str,
    /// Since when every try failed.
    #[schema(required, format = DateTime)]
    failing_since: Option<String>,
    /// The HTTP status of the last try that failed, when an answer came.
    #[schema(required, example = 503)]
    last_status: Option<u16>,
    /// Why the last try failed.
    #[schema(required, example = "status")]
    last_failure: Option<&'static str>,
    /// Always `null`: the event is of no device.
    device_id: Option<String>,
    /// Always `null`.
    seq: Option<u64>,
}

/// Much of the plan's quota is used up.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct QuotaData {
    /// The month, `YYYY-MM`.
    #[schema(example = "2026-12")]
    period: String,
    /// How many messages were sent in it.
    used: u64,
    /// How many the plan has.
    limit: u64,
    /// The share that was reached, in percent of the limit.
    #[schema(example = 80)]
    percent: u32,
    /// Always `null`: the event is of no device.
    device_id: Option<String>,
    /// Always `null`.
    seq: Option<u64>,
}

impl EventData {
    pub(crate) fn new(event: &Event) -> Self {
        let device_id = event.device.map(|device| device.to_string());
        let seq = event.device_seq;
        match event.payload.clone() {
            EventPayload::Message {
                message,
                to,
                status,
                failure,
                client_reference,
                metadata,
                batch,
            } => Self::Message(MessageData {
                message_id: message.to_string(),
                to: to.to_string(),
                status: status.name(),
                error: failure.map(|(code, message)| MessageError {
                    code: code.name(),
                    message,
                }),
                client_reference: client_reference.map(|reference| reference.to_string()),
                // It was a JSON object when it was accepted; what is not JSON any more is left out.
                metadata: metadata.and_then(|text| RawValue::from_string(text).ok()),
                batch_id: batch.map(|batch| batch.to_string()),
                device_id,
                seq,
            }),
            EventPayload::Received {
                message,
                chat,
                sender,
                sender_lid,
                push_name,
                sent_at,
                content,
                quoted,
            } => {
                let group = matches!(chat, Address::Group(_));
                let kind = content.type_name();
                let (text, unsupported) = match content {
                    Content::Text { body } => (Some(ReceivedText { body }), None),
                    Content::Unsupported { kind } => (None, Some(ReceivedUnsupported { kind })),
                    Content::Undecryptable => (None, None),
                };
                Self::Received(ReceivedData {
                    message_id: message.to_string(),
                    from: sender.to_string(),
                    from_lid: sender_lid.map(|lid| lid.to_string()),
                    chat: chat.to_string(),
                    group: group.then(|| chat.to_string()),
                    participant: group.then(|| sender.to_string()),
                    push_name,
                    sent_at: sent_at.to_rfc3339(),
                    kind,
                    text,
                    unsupported,
                    quoted_message_id: quoted.map(|quoted| quoted.to_string()),
                    device_id,
                    seq,
                })
            }
            EventPayload::Device {
                state,
                reason,
                retry_at,
            } => Self::Device(DeviceData {
                state: state.name(),
                reason: reason.name(),
                meaning: reason.meaning(),
                retry_at: retry_at.map(Timestamp::to_rfc3339),
                device_id,
                seq,
            }),
            EventPayload::Webhook {
                webhook,
                url,
                reason,
                failing_since,
                status,
                failure,
            } => Self::Webhook(WebhookData {
                webhook_id: webhook.to_string(),
                url,
                reason: reason.name(),
                meaning: reason.meaning(),
                failing_since: failing_since.map(Timestamp::to_rfc3339),
                last_status: status,
                last_failure: failure.map(|failure| failure.name()),
                device_id,
                seq,
            }),
            EventPayload::Quota {
                period,
                used,
                limit,
                percent,
            } => Self::Quota(QuotaData {
                period,
                used,
                limit,
                percent,
                device_id,
                seq,
            }),
        }
    }
}
