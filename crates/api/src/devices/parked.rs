//! `/v1/devices/{id}/parked`: what waited when a link was removed is released or canceled, all at once.

use actix_web::{HttpResponse, web};
use postern_domain::DeviceId;

use crate::errors::ApiError;
use crate::extract::{Empty, OptionalJson, PathId};
use crate::messages::{Moved, not_moved};
use crate::texts;
use crate::{Api, Caller};

/// Release parked messages
///
/// Queues the device's parked messages again, in their old order: those that were accepted for the account it is linked
/// to now. `409 INVALID_STATE` while it is linked to none. List them first with `GET /v1/messages?parked=true`.
#[utoipa::path(
    post, path = "/v1/devices/{id}/parked/release", tag = "Devices", operation_id = "releaseParkedMessages",
    params(("id" = texts::DeviceId, Path, description = "The device.", example = "dev_01JDXW6N4A7Q2M8Z5T9V3B1C0D")),
    responses((status = 200, description = "They are queued.", body = Moved)),
)]
pub(crate) async fn release_parked(
    api: web::Data<Api>,
    caller: Caller,
    PathId(id): PathId<DeviceId>,
    _body: OptionalJson<Empty>,
) -> Result<HttpResponse, ApiError> {
    let released = api
        .acting(caller, "device.release_parked", id)
        .release_parked(caller.workspace, id, api.clock.now())
        .await;
    let messages = released.map_err(not_moved)?;
    api.wakes.outbox.ring(&id);
    Ok(HttpResponse::Ok().json(Moved { messages }))
}

/// Cancel parked messages
///
/// All of the device's parked messages become `canceled`.
#[utoipa::path(
    post, path = "/v1/devices/{id}/parked/cancel", tag = "Devices", operation_id = "cancelParkedMessages",
    params(("id" = texts::DeviceId, Path, description = "The device.", example = "dev_01JDXW6N4A7Q2M8Z5T9V3B1C0D")),
    responses((status = 200, description = "They are canceled.", body = Moved)),
)]
pub(crate) async fn cancel_parked(
    api: web::Data<Api>,
    caller: Caller,
    PathId(id): PathId<DeviceId>,
    _body: OptionalJson<Empty>,
) -> Result<HttpResponse, ApiError> {
    let canceled = api
        .acting(caller, "device.cancel_parked", id)
        .cancel_parked(caller.workspace, id, api.clock.now())
        .await;
    let messages = canceled.map_err(not_moved)?;
    api.wakes.events.ring();
    Ok(HttpResponse::Ok().json(Moved { messages }))
}
