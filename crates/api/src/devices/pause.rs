//! `POST /v1/devices/{id}/pause`.

use actix_web::{HttpResponse, web};
use postern_domain::DeviceId;
use postern_store::DeviceRequest;

use super::Device;
use crate::errors::ApiError;
use crate::extract::{Empty, OptionalJson, PathId};
use crate::texts;
use crate::{Api, Caller};

/// Pause a device
///
/// It goes offline and keeps its keys and its queue, until it is resumed; meanwhile its state is `disconnected` with the
/// reason `stopped`. Pausing a paused device changes nothing; pausing one that is being paired calls that off.
#[utoipa::path(
    post, path = "/v1/devices/{id}/pause", tag = "Devices", operation_id = "pauseDevice",
    params(("id" = texts::DeviceId, Path, description = "The device.", example = "dev_01JDXW6N4A7Q2M8Z5T9V3B1C0D")),
    responses((status = 202, description = "Stored; the state follows in a moment.", body = Device)),
)]
pub(crate) async fn pause(
    api: web::Data<Api>,
    caller: Caller,
    PathId(id): PathId<DeviceId>,
    _body: OptionalJson<Empty>,
) -> Result<HttpResponse, ApiError> {
    api.ask(caller, id, DeviceRequest::Pause).await
}
