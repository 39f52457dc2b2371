//! `POST /v1/messages/{id}/release`.

use actix_web::{HttpResponse, web};
use postern_domain::MessageId;

use super::{Message, not_moved};
use crate::errors::ApiError;
use crate::extract::{Empty, OptionalJson, PathId};
use crate::texts;
use crate::{Api, Caller};

/// Release a parked message
///
/// Queues it again, once its device is linked to the account it was accepted for. All of a device at once:
/// `POST /v1/devices/{id}/parked/release`.
#[utoipa::path(
    post, path = "/v1/messages/{id}/release", tag = "Messages", operation_id = "releaseMessage",
    params(("id" = texts::MessageId, Path, description = "The message.", example = "msg_01JDXW7C9H3E5R2T8Y6V4J0P1A")),
    responses((status = 200, description = "It is queued.", body = Message)),
)]
pub(crate) async fn release(
    api: web::Data<Api>,
    caller: Caller,
    PathId(id): PathId<MessageId>,
    _body: OptionalJson<Empty>,
) -> Result<HttpResponse, ApiError> {
    let store = api.acting(caller, "message.release", id);
    let released = store.release(caller.workspace, id, api.clock.now()).await;
    let message = released.map_err(not_moved)?;
    api.wakes.outbox.ring(&message.device);
    Ok(HttpResponse::Ok().json(Message::with_timeline(message)))
}
