//! `POST /v1/devices/{id}/resume`.

use actix_web::{HttpResponse, web};
use postern_domain::DeviceId;
use postern_store::DeviceRequest;

use super::Device;
use crate::errors::ApiError;
use crate::extract::{Empty, OptionalJson, PathId};
use crate::texts;
use crate::{Api, Caller};

/// Resume a device
///
/// It connects again and sends what waited for it. Resuming a device that is not paused changes nothing.
#[utoipa::path(
    post, path = "/v1/devices/{id}/resume", tag = "Devices", operation_id = "resumeDevice",
    params(("id" = texts::DeviceId, Path, description = "The device.", example = "dev_01JDXW6N4A7Q2M8Z5T9V3B1C0D")),
    responses((status = 202, description = "Stored; the state follows in a moment.", body = Device)),
)]
pub(crate) async fn resume(
    api: web::Data<Api>,
    caller: Caller,
    PathId(id): PathId<DeviceId>,
    _body: OptionalJson<Empty>,
) -> Result<HttpResponse, ApiError> {
    api.ask(caller, id, DeviceRequest::Resume).await
}
