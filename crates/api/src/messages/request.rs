//! The body of `POST /v1/messages`, and the rules it has to follow.

use chrono::DateTime;
use postern_domain::{
    Address, ClientReference, Content, DeviceId, IdError, MessageId, StanzaId, Timestamp, WorkspaceId,
    checked_send_at,
};
use postern_store::NewMessage;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::errors::{ApiError, FieldError};
use crate::extract::Object;
use crate::texts;

/// The largest metadata, serialized without whitespace, in bytes.
const MAX_METADATA: usize = 4096;

/// A message to send. Exactly the content object that `type` names must be present.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(example = json!({
    "deviceId": "dev_01JDXW6N4A7Q2M8Z5T9V3B1C0D",
    "to": "+15551234567",
    "type": "text",
    "text": { "body": "Your order 1234 is on its way." },
    "clientReference": "order-1234",
    "metadata": { "orderId": "1234" },
}))]
pub(crate) struct SendMessage {
    /// The device that sends it.
    #[schema(value_type = texts::DeviceId)]
    device_id: String,
    /// The recipient: a phone number in E.164 with or without `+`, a WhatsApp JID, or a group id (`…@g.us`).
    #[schema(value_type = texts::Recipient)]
    to: String,
    /// What it carries.
    #[serde(rename = "type")]
    kind: MessageType,
    /// The content of a `text` message.
    #[schema(value_type = TextContent, required)]
    text: Option<Object<TextContent>>,
    /// Send it not before this time: RFC 3339 with an offset, in the future, at most one year ahead.
    #[schema(value_type = Option<texts::FutureTime>)]
    send_at: Option<String>,
    /// What you call the message, e.g. the number of an order: 1 to 255 printable ASCII characters. Comes back when the
    /// message is read and in its events; `GET /v1/messages?clientReference=` finds it. Any number may have the same.
    #[schema(value_type = Option<texts::Printable>)]
    client_reference: Option<String>,
    /// A JSON object of your own, at most 4 KiB; comes back when the message is read.
    #[schema(value_type = Option<Object>)]
    metadata: Option<Map<String, Value>>,
    /// Check everything, the device's state included, and send nothing: answered with 200 and status `valid`.
    #[serde(default)]
    dry_run: bool,
    /// What to do when the device is unlinked or disconnected.
    #[serde(default)]
    if_disconnected: IfDisconnected,
}

/// What a message to send carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", try_from = "String")]
pub(crate) enum MessageType {
    /// Plain text.
    Text,
}

/// Plain text.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TextContent {
    /// 1 to 4096 characters (Unicode scalar values), not only whitespace.
    #[schema(min_length = 1, max_length = 4096, pattern = r"[^\s\u0085]")]
    body: String,
}

/// What to do with a message whose device cannot send now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", try_from = "String")]
pub(crate) enum IfDisconnected {
    /// Answer 424 `SESSION_DISCONNECTED`.
    #[default]
    Reject,
    /// Accept it; it is sent once the device is connected again.
    Queue,
}

/// Read as a string first: serde alone takes `{"text": null}` for it, too.
impl TryFrom<String> for MessageType {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, &'static str> {
        match name.as_str() {
            "text" => Ok(Self::Text),
            _ => Err("must be \"text\""),
        }
    }
}

/// Read as a string first: serde alone takes `{"reject": null}` for it, too.
impl TryFrom<String> for IfDisconnected {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, &'static str> {
        match name.as_str() {
            "reject" => Ok(Self::Reject),
            "queue" => Ok(Self::Queue),
            _ => Err("must be \"reject\" or \"queue\""),
        }
    }
}

/// A message to send as it was read, alone or from a batch.
pub(super) struct Draft {
    /// The device; why it is none when it is not one.
    pub(super) device: Result<DeviceId, String>,
    pub(super) to: String,
    pub(super) kind: MessageType,
    pub(super) text: Option<Object<TextContent>>,
    pub(super) send_at: Option<String>,
    pub(super) client_reference: Option<String>,
    pub(super) metadata: Option<Map<String, Value>>,
    pub(super) if_disconnected: IfDisconnected,
}

/// A message to send that follows every rule but those about its time.
pub(super) struct Checked {
    pub(super) device: DeviceId,
    pub(super) to: Address,
    pub(super) content: Content,
    pub(super) send_at: Option<Timestamp>,
    pub(super) client_reference: Option<ClientReference>,
    pub(super) metadata: Option<Map<String, Value>>,
    pub(super) if_disconnected: IfDisconnected,
}

impl SendMessage {
    /// Whether it is only to be checked.
    pub(super) fn is_dry_run(&self) -> bool {
        self.dry_run
    }

    /// Checks everything that does not depend on the time or the store.
    ///
    /// # Errors
    /// Every field that is not acceptable.
    pub(super) fn check(self) -> Result<Checked, ApiError> {
        let draft = Draft {
            device: device(&self.device_id),
            to: self.to,
            kind: self.kind,
            text: self.text,
            send_at: self.send_at,
            client_reference: self.client_reference,
            metadata: self.metadata,
            if_disconnected: self.if_disconnected,
        };
        draft.check().map_err(ApiError::fields)
    }
}

impl Draft {
    /// Checks everything that does not depend on the time or the store.
    ///
    /// # Errors
    /// Every field that is not acceptable.
    pub(super) fn check(self) -> Result<Checked, Vec<FieldError>> {
        let mut errors = Vec::new();
        let device = self.device.map_err(|why| refuse(&mut errors, "deviceId", &why));
        let to = self.to.parse().map_err(|why| refuse(&mut errors, "to", &why));
        let content = content(self.kind, self.text.map(|Object(text)| text)).map_err(|why| errors.push(why));
        let send_at = self.send_at.as_deref().map(time).transpose();
        let send_at = send_at.map_err(|why| refuse(&mut errors, "sendAt", &why));
        let reference = self.client_reference.as_deref().map(str::parse).transpose();
        let reference = reference.map_err(|why| refuse(&mut errors, "clientReference", &why));
        let metadata = checked_metadata(self.metadata).map_err(|why| refuse(&mut errors, "metadata", &why));
        match (device, to, content, send_at, reference, metadata) {
            (Ok(device), Ok(to), Ok(content), Ok(send_at), Ok(client_reference), Ok(metadata)) => {
                Ok(Checked {
                    device,
                    to,
                    content,
                    send_at,
                    client_reference,
                    metadata,
                    if_disconnected: self.if_disconnected,
                })
            }
            _ => Err(errors),
        }
    }
}

/// A device by its id, or why it is none.
pub(super) fn device(id: &str) -> Result<DeviceId, String> {
    id.parse().map_err(|why: IdError| why.to_string())
}

fn refuse(errors: &mut Vec<FieldError>, field: &str, why: &dyn std::fmt::Display) {
    errors.push(FieldError::new(field, why.to_string()));
}

fn content(kind: MessageType, text: Option<TextContent>) -> Result<Content, FieldError> {
    match (kind, text) {
        (MessageType::Text, Some(TextContent { body })) => {
            Content::text(body).map_err(|why| FieldError::new("text.body", why.to_string()))
        }
        (MessageType::Text, None) => Err(FieldError::new("text", "is required when type is \"text\"")),
    }
}

pub(super) fn time(text: &str) -> Result<Timestamp, &'static str> {
    DateTime::parse_from_rfc3339(text)
        .map(|time| Timestamp::from(time.to_utc()))
        .map_err(|_why| "must be a time in RFC 3339 with an offset, e.g. 2026-12-01T09:00:00Z")
}

fn checked_metadata(metadata: Option<Map<String, Value>>) -> Result<Option<Map<String, Value>>, String> {
    let Some(metadata) = metadata else {
        return Ok(None);
    };
    match serde_json::to_vec(&metadata) {
        Ok(text) if text.len() <= MAX_METADATA => Ok(Some(metadata)),
        Ok(text) => Err(format!("has {} bytes; {MAX_METADATA} are the most", text.len())),
        Err(why) => Err(why.to_string()),
    }
}

impl Checked {
    /// Checks what depends on the time. A replay is not asked: its time was right when it was accepted.
    ///
    /// # Errors
    /// `sendAt` is not in the future, or too far in it.
    pub(super) fn check_time(&self, now: Timestamp) -> Result<(), FieldError> {
        let checked = self.send_at.map_or(Ok(()), |at| checked_send_at(at, now));
        Ok(checked?)
    }

    /// What the store is asked to accept.
    pub(super) fn into_message(self, id: MessageId, workspace: WorkspaceId) -> NewMessage {
        NewMessage {
            id,
            workspace,
            device: self.device,
            to: self.to,
            content: self.content,
            stanza: StanzaId::generate(),
            client_reference: self.client_reference,
            metadata: self.metadata.map(|metadata| Value::Object(metadata).to_string()),
            scheduled_for: self.send_at,
            queue_if_disconnected: self.if_disconnected == IfDisconnected::Queue,
        }
    }
}
