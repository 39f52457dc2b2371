//! `GET /v1/events/{id}`.

use actix_web::{HttpRequest, HttpResponse, web};
use postern_domain::EventId;
use postern_payloads::LoggedEvent;

use super::format::{Format, PROTOBUF};
use crate::errors::ApiError;
use crate::extract::PathId;
use crate::texts;
use crate::{Api, Caller};

/// Read an event
///
/// What its webhook carries, with the id that the webhook carries as `webhook-id`. With `Accept: application/x-protobuf`
/// it is a `postern.v1.Event`.
#[utoipa::path(
    get, path = "/v1/events/{id}", tag = "Events", operation_id = "getEvent",
    params(("id" = texts::EventId, Path, description = "The event.", example = "evt_01KBC31ZM00000000000000003")),
    responses((status = 200, description = "The event.", content(
        (LoggedEvent = "application/json"), (String = "application/x-protobuf"),
    ))),
)]
pub(crate) async fn get(
    api: web::Data<Api>,
    caller: Caller,
    PathId(id): PathId<EventId>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let event = api.store.event(caller.workspace, id).await?;
    let event = event.ok_or_else(|| ApiError::no_such("event"))?;
    Ok(match Format::accepted(request.headers()) {
        Format::Json => HttpResponse::Ok().json(LoggedEvent::new(&event)),
        Format::Protobuf => HttpResponse::Ok().content_type(PROTOBUF).body(event.encode()),
    })
}
