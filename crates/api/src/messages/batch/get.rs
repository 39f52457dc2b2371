//! `GET /v1/batches/{id}`.

use actix_web::{HttpResponse, web};
use postern_domain::{BatchId, MessageStatus};
use serde::Serialize;
use utoipa::ToSchema;

use crate::errors::ApiError;
use crate::extract::PathId;
use crate::texts;
use crate::{Api, Caller};

/// A batch that was accepted, and where its messages stand now.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Batch {
    /// Its id.
    #[schema(example = "bat_01JDXW8QK3M5V7X9Z1B3D5F7H9")]
    batch_id: String,
    /// When it was accepted.
    #[schema(format = DateTime)]
    created_at: String,
    /// How many messages were asked for.
    #[schema(example = 200)]
    total_messages: u32,
    /// How many of them were accepted, the scheduled ones included.
    #[schema(example = 200)]
    queued: u32,
    /// How many of them were refused when the batch was accepted; what failed later is in `counts`.
    #[schema(example = 0)]
    failed_count: u32,
    /// How many of the accepted ones are in each status now.
    counts: Counts,
    /// Whether none of them is left to be sent: all were handed to WhatsApp's server, failed, or were canceled. A retry of
    /// a failed one makes it `false` again.
    finished: bool,
}

/// How many messages are in each status.
#[derive(Serialize, ToSchema)]
pub(crate) struct Counts {
    /// To be sent at a later time.
    scheduled: u32,
    /// Waiting for their turn, or parked.
    queued: u32,
    /// Handed to WhatsApp, not acknowledged yet.
    processing: u32,
    /// Waiting for their next attempt, or parked.
    retrying: u32,
    /// WhatsApp's server has them.
    sent: u32,
    /// They reached the recipient.
    delivered: u32,
    /// The recipient opened them.
    read: u32,
    /// The recipient played them.
    played: u32,
    /// They will not be sent; each says why.
    failed: u32,
    /// Taken back.
    canceled: u32,
}

impl From<postern_store::Batch> for Batch {
    fn from(batch: postern_store::Batch) -> Self {
        let count = |wanted| {
            let found = batch.counts.iter().find(|(status, _)| *status == wanted);
            found.map_or(0, |(_, count)| *count)
        };
        Self {
            batch_id: batch.id.to_string(),
            created_at: batch.created_at.to_rfc3339(),
            total_messages: batch.total,
            queued: batch.total - batch.refused,
            failed_count: batch.refused,
            counts: Counts {
                scheduled: count(MessageStatus::Scheduled),
                queued: count(MessageStatus::Queued),
                processing: count(MessageStatus::Processing),
                retrying: count(MessageStatus::Retrying),
                sent: count(MessageStatus::Sent),
                delivered: count(MessageStatus::Delivered),
                read: count(MessageStatus::Read),
                played: count(MessageStatus::Played),
                failed: count(MessageStatus::Failed),
                canceled: count(MessageStatus::Canceled),
            },
            finished: !batch.counts.iter().any(|(status, _)| status.is_in_outbox()),
        }
    }
}

/// Read a batch
///
/// How many of its messages are in which status. The messages themselves: `GET /v1/messages?batchId=…`.
#[utoipa::path(
    get, path = "/v1/batches/{id}", tag = "Batches", operation_id = "getBatch",
    params(("id" = texts::BatchId, Path, description = "The batch.", example = "bat_01JDXW8QK3M5V7X9Z1B3D5F7H9")),
    responses((status = 200, description = "The batch.", body = Batch)),
)]
pub(crate) async fn get_batch(
    api: web::Data<Api>,
    caller: Caller,
    PathId(id): PathId<BatchId>,
) -> Result<HttpResponse, ApiError> {
    let batch = api.store.batch(caller.workspace, id).await?;
    let batch = batch.ok_or_else(|| ApiError::no_such("batch"))?;
    Ok(HttpResponse::Ok().json(Batch::from(batch)))
}
