//! What a batch is answered with.

use std::collections::HashMap;

use postern_domain::{BatchId, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use super::outline::Line;
use crate::errors::{ApiError, ErrorCode, FieldError};
use crate::messages::dto::accepted_status;

/// The answer to a batch that was accepted, or would have been.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "batchId": "bat_01JDXW8QK3M5V7X9Z1B3D5F7H9",
    "totalMessages": 2,
    "queued": 1,
    "failedCount": 1,
    "items": [
        {
            "index": 0, "id": "msg_01JDXW7C9H3E5R2T8Y6V4J0P1A", "status": "queued", "to": "+15551234567",
            "scheduledFor": null,
        },
        {
            "index": 1,
            "error": {
                "code": "VALIDATION_ERROR",
                "message": "messages[1].text.body: must not be empty",
                "details": [{ "field": "messages[1].text.body", "message": "must not be empty" }],
            },
        },
    ],
}))]
pub(crate) struct AcceptedBatch<'a> {
    /// Its id; `null` for a dry run, which stores nothing.
    #[schema(required)]
    batch_id: Option<String>,
    /// How many messages were asked for.
    total_messages: usize,
    /// How many of them are accepted, the scheduled ones included.
    queued: usize,
    /// How many of them are refused; 0 unless the batch was `partial`.
    failed_count: usize,
    /// Every message, in order.
    items: Vec<BatchItem<'a>>,
}

/// A message of a batch: what it was accepted as, or why it was refused.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum BatchItem<'a> {
    /// It is accepted.
    Accepted(AcceptedItem<'a>),
    /// It is not.
    Refused(RefusedItem<'a>),
}

/// A message of a batch that was accepted, or would have been.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AcceptedItem<'a> {
    /// Its place in `messages`, from 0.
    index: usize,
    /// Its id; `null` for a dry run.
    #[schema(required)]
    id: Option<String>,
    /// `queued`, `scheduled` when `sendAt` was given, or `valid` for a dry run.
    status: &'static str,
    /// The recipient in its canonical form: `+` and digits, `…@lid`, or `…@g.us`.
    to: &'a str,
    /// When it is to be sent; `null` means as soon as its turn comes.
    #[schema(required, format = DateTime)]
    scheduled_for: Option<String>,
}

/// A message of a batch that was refused.
#[derive(Serialize, ToSchema)]
pub(crate) struct RefusedItem<'a> {
    /// Its place in `messages`, from 0.
    index: usize,
    /// Why: what it would have been answered with alone.
    error: ItemError<'a>,
}

/// Why a message of a batch was refused.
#[derive(Serialize, ToSchema)]
pub(crate) struct ItemError<'a> {
    /// What went wrong, for programs.
    code: ErrorCode,
    /// What went wrong, for people. The wording may change.
    message: &'a str,
    /// The fields that are not acceptable; only with `VALIDATION_ERROR`.
    #[serde(skip_serializing_if = "<[FieldError]>::is_empty")]
    #[schema(required = false)]
    details: &'a [FieldError],
}

impl<'a> AcceptedBatch<'a> {
    /// Of these messages; `refusals` are those the store refused, by where they stand.
    pub(super) fn new(id: Option<BatchId>, lines: &'a [Line], refusals: &'a [(usize, ApiError)]) -> Self {
        let refusals: HashMap<_, _> = refusals.iter().map(|(index, error)| (*index, error)).collect();
        let mut failed_count = 0;
        let items = lines.iter().enumerate().map(|(index, line)| {
            let error = match line {
                Line::Bad(error) => error,
                Line::Handed(handed) => match refusals.get(&index) {
                    Some(error) => error,
                    None => {
                        let message = id.map(|_| handed.id);
                        return BatchItem::Accepted(AcceptedItem {
                            index,
                            id: message.map(|id| id.to_string()),
                            status: accepted_status(message, handed.scheduled_for),
                            to: &handed.to,
                            scheduled_for: handed.scheduled_for.map(Timestamp::to_rfc3339),
                        });
                    }
                },
            };
            failed_count += 1;
            BatchItem::Refused(RefusedItem {
                index,
                error: ItemError {
                    code: error.code(),
                    message: error.message(),
                    details: error.details(),
                },
            })
        });
        let items: Vec<_> = items.collect();
        Self {
            batch_id: id.map(|id| id.to_string()),
            total_messages: lines.len(),
            queued: lines.len() - failed_count,
            failed_count,
            items,
        }
    }
}
