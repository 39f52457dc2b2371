//! `GET /v1/messages/{id}`.

use actix_web::{HttpResponse, web};
use postern_domain::MessageId;

use super::Message;
use crate::errors::ApiError;
use crate::extract::PathId;
use crate::texts;
use crate::{Api, Caller};

/// Read a message
///
/// The `timeline` shows every step with its time. A message only ever moves forward: `delivered`, `read` and
/// `played` may still follow each other, `failed` and `canceled` are final.
#[utoipa::path(
    get, path = "/v1/messages/{id}", tag = "Messages", operation_id = "getMessage",
    params(("id" = texts::MessageId, Path, description = "The message.", example = "msg_01JDXW7C9H3E5R2T8Y6V4J0P1A")),
    responses((status = 200, description = "The message, sent or received, with its timeline.", body = Message)),
)]
pub(crate) async fn get(
    api: web::Data<Api>,
    caller: Caller,
    PathId(id): PathId<MessageId>,
) -> Result<HttpResponse, ApiError> {
    let message = api.store.message(caller.workspace, id).await?;
    let message = message.ok_or_else(|| ApiError::no_such("message"))?;
    Ok(HttpResponse::Ok().json(Message::with_timeline(message)))
}
