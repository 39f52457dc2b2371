//! The body of `POST /v1/messages/batch`: a list of messages, each checked like one that is sent alone.

use std::fmt;

use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::ApiConfig;
use crate::errors::{ApiError, FieldError};
use crate::extract::{Object, parse_part};
use crate::messages::request::{Checked, Draft, IfDisconnected, MessageType, TextContent, device};
use crate::texts;

/// Messages to accept together.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(example = json!({
    "deviceId": "dev_01JDXW6N4A7Q2M8Z5T9V3B1C0D",
    "messages": [
        { "to": "+15551234567", "type": "text", "text": { "body": "Hi Ada, your order 1234 is on its way." },
          "clientReference": "order-1234" },
        { "to": "+15557654321", "type": "text", "text": { "body": "Hi Grace, your order 1235 is on its way." } },
    ],
}))]
pub(crate) struct SendBatch {
    /// The device that sends those messages that name none.
    #[schema(value_type = Option<texts::DeviceId>)]
    device_id: Option<String>,
    /// At least one message, and as many as your plan allows (`GET /v1/workspace`); they are accepted in this order.
    #[schema(value_type = Vec<BatchMessage>, min_items = 1, max_items = 5000)]
    messages: Parts,
    /// Accept the messages that can be when others cannot, instead of none.
    #[serde(default)]
    partial: bool,
    /// What to do with messages whose device is unlinked or disconnected, unless they say otherwise.
    #[serde(default)]
    if_disconnected: IfDisconnected,
    /// Check everything, the devices' states included, and send nothing: answered with 200, ids that are `null`, and
    /// status `valid`.
    #[serde(default)]
    dry_run: bool,
}

/// A message of a batch. Exactly the content object that `type` names must be present.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct BatchMessage {
    /// The device that sends it; the batch's unless told.
    #[schema(value_type = Option<texts::DeviceId>)]
    device_id: Option<String>,
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
    /// What you call the message: 1 to 255 printable ASCII characters; comes back when the message is read and in its events.
    #[schema(value_type = Option<texts::Printable>)]
    client_reference: Option<String>,
    /// A JSON object of your own, at most 4 KiB; comes back when the message is read.
    #[schema(value_type = Option<Object>)]
    metadata: Option<Map<String, Value>>,
    /// What to do when the device is unlinked or disconnected; the batch's unless told.
    if_disconnected: Option<IfDisconnected>,
}

/// A batch whose messages were checked one by one.
pub(in crate::messages) struct CheckedBatch {
    /// It has more messages than the caller's plan allows now: the answer, unless it was accepted earlier.
    pub(in crate::messages) too_many: Option<ApiError>,
    pub(in crate::messages) items: Vec<Item>,
    pub(in crate::messages) partial: bool,
    pub(in crate::messages) dry_run: bool,
}

/// A message of a batch.
pub(in crate::messages) enum Item {
    /// It follows every rule but those about its time.
    Good(Box<Checked>),
    /// It does not.
    Bad {
        /// As it came.
        json: Box<RawValue>,
        /// Every field that is not acceptable, by its path in the batch.
        errors: Vec<FieldError>,
    },
}

impl SendBatch {
    /// Checks everything that does not depend on the time or the store. `most` is how many messages it may have now.
    ///
    /// # Errors
    /// The batch itself is not acceptable: it has no messages or more than any plan allows, or its device is no id.
    pub(super) fn check(self, most: usize) -> Result<CheckedBatch, ApiError> {
        let mut errors = Vec::new();
        let default = self.device_id.as_deref().map(device).transpose();
        let default = default.map_err(|why| errors.push(FieldError::new("deviceId", why)));
        let count = self.messages.count;
        if count == 0 {
            errors.push(FieldError::new("messages", "must not be empty"));
        }
        let why = || format!("has {count} messages; {most} are the most");
        let mut too_many = (count > most).then(|| FieldError::new("messages", why()));
        if count > ApiConfig::MOST_PER_BATCH || !errors.is_empty() {
            errors.extend(too_many.take());
        }
        let (Ok(default), true) = (default, errors.is_empty()) else {
            return Err(ApiError::fields(errors));
        };
        let items = self.messages.parts.into_iter().enumerate();
        Ok(CheckedBatch {
            too_many: too_many.map(ApiError::from),
            items: items
                .map(|(index, json)| {
                    let checked = parse_part::<BatchMessage>(&json)
                        .map_err(|error| vec![error])
                        .and_then(|message| message.draft(default.as_ref(), self.if_disconnected).check());
                    match checked {
                        Ok(checked) => Item::Good(Box::new(checked)),
                        Err(errors) => Item::Bad {
                            errors: at(index, errors),
                            json,
                        },
                    }
                })
                .collect(),
            partial: self.partial,
            dry_run: self.dry_run,
        })
    }
}

/// Fields of a message by their paths in the batch.
pub(super) fn at(index: usize, errors: Vec<FieldError>) -> Vec<FieldError> {
    let parent = format!("messages[{index}]");
    errors.into_iter().map(|error| error.within(&parent)).collect()
}

impl BatchMessage {
    fn draft(self, default: Option<&postern_domain::DeviceId>, if_disconnected: IfDisconnected) -> Draft {
        let device = match (&self.device_id, default) {
            (Some(id), _) => device(id),
            (None, Some(default)) => Ok(*default),
            (None, None) => Err("is required, here or beside messages".to_owned()),
        };
        Draft {
            device,
            to: self.to,
            kind: self.kind,
            text: self.text,
            send_at: self.send_at,
            client_reference: self.client_reference,
            metadata: self.metadata,
            if_disconnected: self.if_disconnected.unwrap_or(if_disconnected),
        }
    }
}

/// The messages as they came, each to be parsed alone. Those beyond any batch's limit are only counted.
struct Parts {
    parts: Vec<Box<RawValue>>,
    count: usize,
}

impl<'de> Deserialize<'de> for Parts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(PartsVisitor)
    }
}

struct PartsVisitor;

impl<'de> Visitor<'de> for PartsVisitor {
    type Value = Parts;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of messages")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Parts, A::Error> {
        let mut parts = Vec::new();
        while parts.len() < ApiConfig::MOST_PER_BATCH
            && let Some(part) = list.next_element()?
        {
            parts.push(part);
        }
        let mut count = parts.len();
        while list.next_element::<IgnoredAny>()?.is_some() {
            count += 1;
        }
        Ok(Parts { parts, count })
    }
}
