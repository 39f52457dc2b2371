//! `POST /v1/devices/{id}/reconnect`.

use actix_web::{HttpResponse, web};
use postern_domain::DeviceId;
use postern_store::DeviceRequest;

use super::Device;
use crate::errors::ApiError;
use crate::extract::{Empty, OptionalJson, PathId};
use crate::texts;
use crate::{Api, Caller};

/// Reconnect a device
///
/// Closes the connection, if there is one, and logs in anew at once, whatever kept the device from it: the way out of
/// `stream_replaced`, `client_outdated` and `login_refused`, and of a pause between two attempts. Messages wait meanwhile.
/// `409 INVALID_STATE` when the device is paused or not linked.
#[utoipa::path(
    post, path = "/v1/devices/{id}/reconnect", tag = "Devices", operation_id = "reconnectDevice",
    params(("id" = texts::DeviceId, Path, description = "The device.", example = "dev_01JDXW6N4A7Q2M8Z5T9V3B1C0D")),
    responses((status = 202, description = "Stored; the state follows in a moment.", body = Device)),
)]
pub(crate) async fn reconnect(
    api: web::Data<Api>,
    caller: Caller,
    PathId(id): PathId<DeviceId>,
    _body: OptionalJson<Empty>,
) -> Result<HttpResponse, ApiError> {
    api.ask(caller, id, DeviceRequest::Reconnect).await
}
