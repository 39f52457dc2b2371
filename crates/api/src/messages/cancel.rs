//! `POST /v1/messages/{id}/cancel`.

use actix_web::{HttpResponse, web};
use postern_domain::MessageId;

use super::{Message, not_moved};
use crate::errors::ApiError;
use crate::extract::{Empty, OptionalJson, PathId};
use crate::texts;
use crate::{Api, Caller};

/// Cancel a message
///
/// Takes a message back that was not handed to WhatsApp yet: `scheduled`, `queued` or `retrying`, parked or not.
/// `409 INVALID_STATE` when it is too late.
#[utoipa::path(
    post, path = "/v1/messages/{id}/cancel", tag = "Messages", operation_id = "cancelMessage",
    params(("id" = texts::MessageId, Path, description = "The message.", example = "msg_01JDXW7C9H3E5R2T8Y6V4J0P1A")),
    responses((status = 200, description = "It is canceled.", body = Message)),
)]
pub(crate) async fn cancel(
    api: web::Data<Api>,
    caller: Caller,
    PathId(id): PathId<MessageId>,
    _body: OptionalJson<Empty>,
) -> Result<HttpResponse, ApiError> {
    let store = api.acting(caller, "message.cancel", id);
    let canceled = store.cancel(caller.workspace, id, api.clock.now()).await;
    let message = canceled.map_err(not_moved)?;
    api.wakes.outbox.ring(&message.device);
    api.wakes.events.ring();
    Ok(HttpResponse::Ok().json(Message::with_timeline(message)))
}
