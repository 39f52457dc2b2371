//! `POST /v1/messages/{id}/retry`.

use actix_web::{HttpResponse, web};
use postern_domain::MessageId;

use super::{Message, not_moved};
use crate::errors::ApiError;
use crate::extract::{Empty, OptionalJson, PathId};
use crate::texts;
use crate::{Api, Caller};

/// Retry a message
///
/// Queues a `failed` message again, with the WhatsApp id it had: should it have arrived after all, it does not arrive twice.
/// `409 INVALID_STATE` when it has not failed.
#[utoipa::path(
    post, path = "/v1/messages/{id}/retry", tag = "Messages", operation_id = "retryMessage",
    params(("id" = texts::MessageId, Path, description = "The message.", example = "msg_01JDXW7C9H3E5R2T8Y6V4J0P1A")),
    responses((status = 200, description = "It is queued.", body = Message)),
)]
pub(crate) async fn retry(
    api: web::Data<Api>,
    caller: Caller,
    PathId(id): PathId<MessageId>,
    _body: OptionalJson<Empty>,
) -> Result<HttpResponse, ApiError> {
    let store = api.acting(caller, "message.retry", id);
    let queued = store.retry(caller.workspace, id, api.clock.now()).await;
    let message = queued.map_err(not_moved)?;
    api.wakes.outbox.ring(&message.device);
    Ok(HttpResponse::Ok().json(Message::with_timeline(message)))
}
