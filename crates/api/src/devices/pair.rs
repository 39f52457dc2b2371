//! `POST /v1/devices/{id}/pair`.

use actix_web::{HttpResponse, web};
use postern_domain::{DeviceId, DeviceStatus};
use postern_store::PairingError;

use super::Device;
use crate::errors::{ApiError, ErrorCode};
use crate::extract::{Empty, OptionalJson, PathId};
use crate::texts;
use crate::{Api, Caller};

/// Pair a device
///
/// Starts showing QR codes: get them from `GET /v1/devices/{id}/qr` and scan one on the phone under
/// *Linked devices*. They change every 20 to 60 seconds and run out after a few minutes; then pair again.
#[utoipa::path(
    post, path = "/v1/devices/{id}/pair", tag = "Devices", operation_id = "pairDevice",
    params(("id" = texts::DeviceId, Path, description = "The device.", example = "dev_01JDXW6N4A7Q2M8Z5T9V3B1C0D")),
    responses(
        (status = 202, description = "Stored; the first code follows in a moment.", body = Device),
    ),
)]
pub(crate) async fn pair(
    api: web::Data<Api>,
    caller: Caller,
    PathId(id): PathId<DeviceId>,
    _body: OptionalJson<Empty>,
) -> Result<HttpResponse, ApiError> {
    let store = api.acting(caller, "device.pair", id);
    let requested = store.request_pairing(caller.workspace, id, None).await;
    requested.map_err(refused)?;
    api.wakes.devices.ring();
    let device = api.store.device(caller.workspace, id).await?;
    let device = device.ok_or_else(|| ApiError::no_such("device"))?;
    Ok(HttpResponse::Accepted().json(Device::from(device)))
}

pub(super) fn refused(error: PairingError) -> ApiError {
    match error {
        PairingError::UnknownDevice => ApiError::no_such("device"),
        PairingError::AlreadyLinked(status) => already_linked(&status),
        PairingError::Store(error) => error.into(),
    }
}

/// The device needs no code.
pub(super) fn already_linked(status: &DeviceStatus) -> ApiError {
    ApiError::new(
        ErrorCode::InvalidState,
        format!(
            "the device is linked already and is {} ({}); log it out first, or create another device for another account",
            status.state, status.reason
        ),
    )
}
