//! `POST /v1/messages/batch`.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use postern_domain::{BatchId, WorkspaceId};
use postern_store::{AcceptBatchError, IdempotencyKey, RefusedMessage, StoreError};

use super::answer::AcceptedBatch;
use super::outline::Outline;
use super::request::{CheckedBatch, Item, SendBatch};
use crate::errors::ApiError;
use crate::extract::{IdempotencyHeader, LargeJson};
use crate::messages::answer::{answered, conflict, replayed};
use crate::messages::fingerprint;
use crate::texts;
use crate::{Api, Caller};

/// The scope of idempotency keys of this route.
const ENDPOINT: &str = "POST /v1/messages/batch";

/// Send a batch of messages
///
/// `202` means that all its messages are stored durably, in one transaction, and will be sent in their order. Follow them
/// with `GET /v1/batches/{id}` and `GET /v1/messages?batchId=…`.
///
/// Each message has the fields of `POST /v1/messages` but `dryRun`; `deviceId` and `ifDisconnected` beside `messages` count
/// for those that leave them out. If one message is not acceptable, none is accepted, and `details` names every bad field,
/// e.g. `messages[3].to`: the first hundred, and in `moreDetails` how many more. If a device is unknown or cannot send, the
/// whole batch is answered with that error. With `"partial": true` the good messages are accepted, and `items` says by
/// `index` what is wrong with the others; `400` when none is good.
///
/// One `Idempotency-Key` counts for the whole batch, as in `POST /v1/messages`: the same key and body are answered with the
/// first answer, byte for byte, and nothing is sent twice.
#[utoipa::path(
    post, path = "/v1/messages/batch", tag = "Batches", operation_id = "sendBatch",
    params((
        "Idempotency-Key" = Option<texts::IdempotencyKey>, Header,
        description = "1 to 255 printable ASCII characters. Valid for your workspace, whichever API key is used.",
        example = "newsletter-12-part-1",
    )),
    request_body = SendBatch,
    responses(
        (status = 202, description = "Stored; its messages will be sent.", body = AcceptedBatch, headers(
            ("Idempotency-Replayed" = String, description = "`true` when this acceptance was answered before.")
        )),
        (status = 200, description = "A dry run that would have been accepted: ids are `null`, `status` is `valid`.",
            body = AcceptedBatch),
    ),
)]
pub(crate) async fn send_batch(
    api: web::Data<Api>,
    caller: Caller,
    IdempotencyHeader(key): IdempotencyHeader,
    LargeJson(request): LargeJson<SendBatch>,
) -> Result<HttpResponse, ApiError> {
    let most = caller.plan.batch(api.config.batch_max);
    // Elsewhere: this thread has other requests to serve.
    let checked = web::block(move || request.check(most).and_then(acceptable)).await;
    let mut batch = checked.map_err(ApiError::internal)??;
    let may_be_a_replay = key.is_some() && !batch.dry_run;
    if let Some(too_many) = batch.too_many.take_if(|_| !may_be_a_replay) {
        return Err(too_many);
    }
    if batch.dry_run {
        return api.rehearse_batch(caller.workspace, batch).await;
    }
    api.accept_batch(caller.workspace, key, batch).await
}

/// Refuses a batch of which nothing can be accepted, whatever the time and the devices.
fn acceptable(batch: CheckedBatch) -> Result<CheckedBatch, ApiError> {
    let is_good = |item: &Item| matches!(item, Item::Good(_));
    let good = batch.items.iter().filter(|item| is_good(item)).count();
    if good == batch.items.len() || (batch.partial && good > 0) {
        return Ok(batch);
    }
    if let Some(too_many) = batch.too_many {
        return Err(too_many);
    }
    let errors = batch.items.into_iter().flat_map(|item| match item {
        Item::Good(_) => Vec::new(),
        Item::Bad { errors, .. } => errors,
    });
    Err(ApiError::fields(errors.collect()))
}

impl Api {
    async fn accept_batch(
        &self,
        workspace: WorkspaceId,
        key: Option<String>,
        mut batch: CheckedBatch,
    ) -> Result<HttpResponse, ApiError> {
        let too_many = batch.too_many.take();
        let (id, now) = (BatchId::generate(), self.clock.now());
        let idempotency = key.map(|key| IdempotencyKey {
            endpoint: ENDPOINT,
            key,
            fingerprint: fingerprint::of_batch(ENDPOINT, &batch),
            http_status: StatusCode::ACCEPTED.as_u16(),
            body: Vec::new(),
        });
        let (outline, mut batch) = Outline::of(batch, id, workspace, now);
        let outline = Arc::new(outline);
        if too_many.is_some() {
            // An earlier acceptance is found without them, and nothing is accepted now.
            batch.messages.clear();
        }
        let answer = {
            let outline = Arc::clone(&outline);
            move |refusals: &[RefusedMessage]| {
                outline
                    .answer(Some(id), refusals, |answer| serde_json::to_vec(answer))
                    .map_err(|why| StoreError::Invalid {
                        what: "the answer to a batch",
                        reason: why.to_string(),
                    })
            }
        };
        use postern_store::AcceptedBatch as Accepted;
        match self.store.accept_batch(batch, idempotency, answer, now).await {
            Ok(Accepted::New { body, devices }) => {
                for device in &devices {
                    self.wakes.outbox.ring(device);
                }
                self.wakes.events.ring();
                Ok(answered(StatusCode::ACCEPTED, body))
            }
            Ok(Accepted::Replayed { http_status, body }) => replayed(http_status, body),
            Err(AcceptBatchError::IdempotencyConflict) => Err(conflict()),
            Err(AcceptBatchError::Refused(refusals)) => {
                Err(too_many.unwrap_or_else(|| outline.refusal(&refusals)))
            }
            Err(AcceptBatchError::Store(error)) => Err(error.into()),
        }
    }

    /// A dry run: what `accept_batch` would check, without storing anything.
    async fn rehearse_batch(
        &self,
        workspace: WorkspaceId,
        batch: CheckedBatch,
    ) -> Result<HttpResponse, ApiError> {
        let now = self.clock.now();
        let (outline, batch) = Outline::of(batch, BatchId::generate(), workspace, now);
        let refusals = self.store.rehearse_batch(batch, now).await?;
        if outline.is_refused(&refusals) {
            return Err(outline.refusal(&refusals));
        }
        Ok(outline.answer(None, &refusals, |answer| HttpResponse::Ok().json(answer)))
    }
}
