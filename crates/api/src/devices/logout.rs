//! `POST /v1/devices/{id}/logout`.

use actix_web::{HttpResponse, web};
use postern_domain::DeviceId;
use postern_store::DeviceRequest;

use super::Device;
use crate::errors::ApiError;
use crate::extract::{Empty, OptionalJson, PathId};
use crate::texts;
use crate::{Api, Caller};

/// Log out a device
///
/// Removes the link from the WhatsApp account, where WhatsApp can be reached, and wipes the keys. The device stays, with its
/// history, to be paired again. Messages that wait are parked: release them once the same account is linked again, or cancel
/// them. Calls pairing off when the device is being paired. `409 INVALID_STATE` when there is nothing to log out.
#[utoipa::path(
    post, path = "/v1/devices/{id}/logout", tag = "Devices", operation_id = "logOutDevice",
    params(("id" = texts::DeviceId, Path, description = "The device.", example = "dev_01JDXW6N4A7Q2M8Z5T9V3B1C0D")),
    responses((status = 202, description = "Stored; the state follows in a moment.", body = Device)),
)]
pub(crate) async fn log_out(
    api: web::Data<Api>,
    caller: Caller,
    PathId(id): PathId<DeviceId>,
    _body: OptionalJson<Empty>,
) -> Result<HttpResponse, ApiError> {
    api.ask(caller, id, DeviceRequest::LogOut).await
}
