//! `POST /v1/batches/{id}/cancel`.

use actix_web::{HttpResponse, web};
use postern_domain::BatchId;

use crate::errors::ApiError;
use crate::extract::{Empty, OptionalJson, PathId};
use crate::messages::{Moved, not_moved};
use crate::texts;
use crate::{Api, Caller};

/// Cancel a batch
///
/// Takes back those of its messages that were not handed to WhatsApp yet: `scheduled`, `queued` or `retrying`, parked or
/// not. Answers how many; 0 when it is too late for all of them.
#[utoipa::path(
    post, path = "/v1/batches/{id}/cancel", tag = "Batches", operation_id = "cancelBatch",
    params(("id" = texts::BatchId, Path, description = "The batch.", example = "bat_01JDXW8QK3M5V7X9Z1B3D5F7H9")),
    responses((status = 200, description = "They are canceled.", body = Moved)),
)]
pub(crate) async fn cancel_batch(
    api: web::Data<Api>,
    caller: Caller,
    PathId(id): PathId<BatchId>,
    _body: OptionalJson<Empty>,
) -> Result<HttpResponse, ApiError> {
    let canceled = api
        .acting(caller, "batch.cancel", id)
        .cancel_batch(caller.workspace, id, api.clock.now())
        .await;
    let (messages, devices) = canceled.map_err(not_moved)?;
    for device in &devices {
        api.wakes.outbox.ring(device);
    }
    api.wakes.events.ring();
    Ok(HttpResponse::Ok().json(Moved { messages }))
}
