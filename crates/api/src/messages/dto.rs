//! A message as the API shows it.

use postern_domain::{Content, DeviceId, Direction, MessageId, Timestamp};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// The answer to a message that was accepted, or would have been.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "id": "msg_01JDXW7C9H3E5R2T8Y6V4J0P1A",
    "status": "queued",
    "deviceId": "dev_01JDXW6N4A7Q2M8Z5T9V3B1C0D",
    "to": "+15551234567",
    "scheduledFor": null,
}))]
pub(crate) struct AcceptedMessage {
    /// Its id; `null` for a dry run, which stores nothing.
    #[schema(required)]
    pub(super) id: Option<String>,
    /// `queued`, `scheduled` when `sendAt` was given, or `valid` for a dry run.
    pub(super) status: &'static str,
    /// The device that sends it.
    pub(super) device_id: String,
    /// The recipient in its canonical form: `+` and digits, `…@lid`, or `…@g.us`.
    pub(super) to: String,
    /// When it is to be sent; `null` means as soon as its turn comes.
    #[schema(required, format = DateTime)]
    pub(super) scheduled_for: Option<String>,
}

impl AcceptedMessage {
    pub(super) fn new(
        id: Option<MessageId>,
        device: DeviceId,
        to: String,
        scheduled_for: Option<Timestamp>,
    ) -> Self {
        Self {
            id: id.map(|id| id.to_string()),
            status: accepted_status(id, scheduled_for),
            device_id: device.to_string(),
            to,
            scheduled_for: scheduled_for.map(Timestamp::to_rfc3339),
        }
    }
}

/// The status of a message that was accepted, or would have been.
pub(super) fn accepted_status(id: Option<MessageId>, scheduled_for: Option<Timestamp>) -> &'static str {
    match (id, scheduled_for) {
        (None, _) => "valid",
        (Some(_), Some(_)) => "scheduled",
        (Some(_), None) => "queued",
    }
}

/// A message that was accepted or received. Every field is always present; what does not apply is `null`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Message {
    /// Its id.
    #[schema(example = "msg_01JDXW7C9H3E5R2T8Y6V4J0P1A")]
    id: String,
    /// The device it went or came through.
    #[schema(example = "dev_01JDXW6N4A7Q2M8Z5T9V3B1C0D")]
    device_id: String,
    /// The batch it was accepted in; `null` when it was accepted alone, or received.
    #[schema(required, example = json!(null))]
    batch_id: Option<String>,
    /// `outbound` when it was accepted over the API, `inbound` when it came from WhatsApp.
    #[schema(example = "outbound")]
    direction: &'static str,
    /// Where it stands: `scheduled`, `queued`, `processing`, `retrying`, `sent`, `delivered`, `read`, `played`,
    /// `failed`, `canceled`, or `received` when inbound.
    #[schema(example = "delivered")]
    status: &'static str,
    /// `text`; `unsupported` for something received that this release cannot show; `undecryptable` for something received
    /// that could not be decrypted: its sender was asked to send it again, and it becomes what it says when that arrives.
    #[serde(rename = "type")]
    #[schema(example = "text")]
    kind: &'static str,
    /// The content of a `text` message.
    #[schema(required)]
    text: Option<Text>,
    /// What an `unsupported` message was.
    #[schema(required)]
    unsupported: Option<Unsupported>,
    /// The conversation it belongs to: the other person, or the group.
    #[schema(example = "+15551234567")]
    chat: String,
    /// The recipient; `null` when inbound.
    #[schema(required, example = "+15551234567")]
    to: Option<String>,
    /// The sender; `null` when outbound. In a group it differs from `chat`.
    #[schema(required, example = json!(null))]
    from: Option<String>,
    /// The sender in WhatsApp's hidden-number space, where known.
    #[schema(required, example = json!(null))]
    from_lid: Option<String>,
    /// The name the sender showed.
    #[schema(required, example = json!(null))]
    push_name: Option<String>,
    /// WhatsApp's own id of it, the same on every attempt.
    #[schema(example = "3EB0A1B2C3D4E5F6A7B8C9")]
    stanza_id: String,
    /// What you call it, as it was sent with the message.
    #[schema(required, example = "order-1234")]
    client_reference: Option<String>,
    /// Your JSON object, as it was sent with the message.
    #[schema(required, value_type = Option<Object>)]
    metadata: Option<Box<RawValue>>,
    /// When it is to be sent, if that was asked for.
    #[schema(required, format = DateTime)]
    scheduled_for: Option<String>,
    /// Why it waits although nothing is wrong: `paced` while the device's pacing holds it back.
    #[schema(required, example = json!(null))]
    reason: Option<&'static str>,
    /// When a `paced` message is expected to leave.
    #[schema(required, format = DateTime, example = json!(null))]
    expected_at: Option<String>,
    /// Set while it will not move until somebody releases or cancels it.
    #[schema(required)]
    parked: Option<Parked>,
    /// Why it failed.
    #[schema(required)]
    error: Option<Failure>,
    /// How many attempts to send it were started.
    attempts: u32,
    /// When it was accepted or received.
    #[schema(format = DateTime)]
    created_at: String,
    /// When its status last changed.
    #[schema(format = DateTime)]
    updated_at: String,
    /// Every step, oldest first. Only when one message is read; lists leave it out.
    #[serde(skip_serializing_if = "Option::is_none")]
    timeline: Option<Vec<Step>>,
}

/// Plain text.
#[derive(Serialize, ToSchema)]
struct Text {
    /// The text as the recipient reads it.
    body: String,
}

/// Something received that this release cannot show.
#[derive(Serialize, ToSchema)]
struct Unsupported {
    /// What WhatsApp calls it, e.g. `imageMessage`.
    kind: String,
}

/// Why a message is parked.
#[derive(Serialize, ToSchema)]
struct Parked {
    /// `logged_out`: the device was logged out while it waited. `account_removed`: its account was. `other_account`: the
    /// device is linked to another account than it was accepted for.
    #[schema(example = "logged_out")]
    reason: &'static str,
    /// Since when.
    #[schema(format = DateTime)]
    since: String,
}

/// Why a message failed.
#[derive(Serialize, ToSchema)]
struct Failure {
    /// `NOT_ON_WHATSAPP`, `REJECTED_BY_WHATSAPP`, `EXPIRED` or `NOT_SENDABLE`.
    #[schema(example = "NOT_ON_WHATSAPP")]
    code: &'static str,
    /// The same in words.
    message: String,
}

/// One step in the life of a message.
#[derive(Serialize, ToSchema)]
struct Step {
    /// What it became.
    status: &'static str,
    /// When.
    #[schema(format = DateTime)]
    at: String,
    /// Why, where the status alone does not say it.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

impl Message {
    /// With its timeline.
    pub(super) fn with_timeline(mut message: postern_store::Message) -> Self {
        let steps = std::mem::take(&mut message.timeline);
        let steps = steps.into_iter().map(|step| Step {
            status: step.status.name(),
            at: step.at.to_rfc3339(),
            detail: step.detail,
        });
        Self {
            timeline: Some(steps.collect()),
            ..Self::without_timeline(message)
        }
    }

    /// As lists show it.
    pub(super) fn without_timeline(message: postern_store::Message) -> Self {
        let kind = message.content.type_name();
        let (text, unsupported) = match message.content {
            Content::Text { body } => (Some(Text { body }), None),
            Content::Unsupported { kind } => (None, Some(Unsupported { kind })),
            Content::Undecryptable => (None, None),
        };
        let chat = message.chat.to_string();
        let (direction, to) = match message.direction {
            Direction::Outbound => ("outbound", Some(chat.clone())),
            Direction::Inbound => ("inbound", None),
        };
        Self {
            id: message.id.to_string(),
            device_id: message.device.to_string(),
            batch_id: message.batch.map(|batch| batch.to_string()),
            direction,
            status: message.status.name(),
            kind,
            text,
            unsupported,
            chat,
            to,
            from: message.sender.map(|sender| sender.to_string()),
            from_lid: message.sender_lid.map(|lid| lid.to_string()),
            push_name: message.push_name,
            stanza_id: message.stanza.to_string(),
            client_reference: message.client_reference.map(|reference| reference.to_string()),
            // It was a JSON object when it was accepted; what is not JSON any more is left out.
            metadata: message.metadata.and_then(|text| RawValue::from_string(text).ok()),
            scheduled_for: message.scheduled_for.map(Timestamp::to_rfc3339),
            reason: message.paced.map(|_| "paced"),
            expected_at: message.paced.map(Timestamp::to_rfc3339),
            parked: message.parked.map(|(reason, since)| Parked {
                reason: reason.name(),
                since: since.to_rfc3339(),
            }),
            error: message.failure.map(|(code, message)| Failure {
                code: code.name(),
                message,
            }),
            attempts: message.attempts,
            created_at: message.created_at.to_rfc3339(),
            updated_at: message.updated_at.to_rfc3339(),
            timeline: None,
        }
    }
}
