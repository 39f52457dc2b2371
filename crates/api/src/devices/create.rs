//! `POST /v1/devices`.

use actix_web::http::header::LOCATION;
use actix_web::{HttpResponse, web};
use postern_domain::{DeviceId, checked_label};
use postern_store::CreateDeviceError;
use serde::Deserialize;
use utoipa::ToSchema;

use super::Device;
use crate::errors::{ApiError, ErrorCode};
use crate::extract::OptionalJson;
use crate::texts;
use crate::{Api, Caller};

/// A device to create.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "Support line" }))]
pub(crate) struct CreateDevice {
    /// What you call it, at most 100 characters.
    #[schema(value_type = Option<texts::Label>)]
    name: Option<String>,
}

/// Create a device
///
/// It starts `unlinked`. Pair it next: `POST /v1/devices/{id}/pair`, then show `GET /v1/devices/{id}/qr`.
#[utoipa::path(
    post, path = "/v1/devices", tag = "Devices", operation_id = "createDevice",
    request_body(content = Option<CreateDevice>),
    responses((status = 201, description = "Created; `Location` names it.", body = Device, headers(
        ("Location" = String, description = "The new device, e.g. `/v1/devices/dev_…`.")
    ))),
)]
pub(crate) async fn create(
    api: web::Data<Api>,
    caller: Caller,
    OptionalJson(request): OptionalJson<CreateDevice>,
) -> Result<HttpResponse, ApiError> {
    let name = checked_label(&request.name.unwrap_or_default())?;
    let (id, now) = (DeviceId::generate(), api.clock.now());
    let store = api.acting(caller, "device.create", id);
    let device = store.create_device(caller.workspace, id, name, now).await;
    let device = device.map_err(refused)?;
    api.wakes.devices.ring();
    Ok(HttpResponse::Created()
        .insert_header((LOCATION, format!("/v1/devices/{id}")))
        .json(Device::from(device)))
}

fn refused(error: CreateDeviceError) -> ApiError {
    match error {
        CreateDeviceError::QuotaExceeded { limit } => {
            let devices = if limit == 1 { "device" } else { "devices" };
            let why = format!("the plan allows {limit} {devices}; remove one first, or ask for another plan");
            ApiError::new(ErrorCode::QuotaExceeded, why)
        }
        CreateDeviceError::Store(error) => error.into(),
    }
}
