//! `GET /v1/devices/{id}`.

use actix_web::HttpResponse;

use super::Device;
use crate::errors::ApiError;
use crate::extract::OwnedDevice;
use crate::texts;

/// Read a device
#[utoipa::path(
    get, path = "/v1/devices/{id}", tag = "Devices", operation_id = "getDevice",
    params(("id" = texts::DeviceId, Path, description = "The device.", example = "dev_01JDXW6N4A7Q2M8Z5T9V3B1C0D")),
    responses((status = 200, description = "The device and its present state.", body = Device)),
)]
pub(crate) async fn get(OwnedDevice(device): OwnedDevice) -> Result<HttpResponse, ApiError> {
    Ok(HttpResponse::Ok().json(Device::from(device)))
}
