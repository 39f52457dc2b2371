//! `PATCH /v1/messages/{id}`.

use actix_web::{HttpResponse, web};
use postern_domain::{MessageId, checked_send_at};
use serde::Deserialize;
use utoipa::ToSchema;

use super::request::time;
use super::{Message, not_moved};
use crate::errors::ApiError;
use crate::extract::{Json, PathId};
use crate::texts;
use crate::{Api, Caller};

/// When to send a scheduled message instead.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(example = json!({ "sendAt": "2026-12-01T09:00:00Z" }))]
pub(crate) struct Reschedule {
    /// RFC 3339 with an offset, in the future, at most one year ahead; `null` sends it as soon as its turn comes.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(required, value_type = Option<texts::FutureTime>)]
    send_at: Option<String>,
}

/// Reschedule a message
///
/// Gives a `scheduled` message another time. `409 INVALID_STATE` when it is not scheduled any more.
#[utoipa::path(
    patch, path = "/v1/messages/{id}", tag = "Messages", operation_id = "rescheduleMessage",
    params(("id" = texts::MessageId, Path, description = "The message.", example = "msg_01JDXW7C9H3E5R2T8Y6V4J0P1A")),
    request_body = Reschedule,
    responses((status = 200, description = "It has its new time.", body = Message)),
)]
pub(crate) async fn reschedule(
    api: web::Data<Api>,
    caller: Caller,
    PathId(id): PathId<MessageId>,
    Json(request): Json<Reschedule>,
) -> Result<HttpResponse, ApiError> {
    let now = api.clock.now();
    let at = request.send_at.as_deref().map(time).transpose();
    let at = at.map_err(|why| ApiError::field("sendAt", why))?;
    if let Some(at) = at {
        checked_send_at(at, now)?;
    }
    let store = api.acting(caller, "message.reschedule", id);
    let moved = store.reschedule(caller.workspace, id, at, now).await;
    let message = moved.map_err(not_moved)?;
    api.wakes.outbox.ring(&message.device);
    Ok(HttpResponse::Ok().json(Message::with_timeline(message)))
}
