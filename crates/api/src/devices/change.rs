//! `PATCH /v1/devices/{id}`.

use actix_web::{HttpResponse, web};
use postern_domain::{DeviceId, checked_label};
use postern_store::DeviceChange;
use serde::Deserialize;
use utoipa::ToSchema;

use super::Device;
use super::pacing::PacingFields;
use crate::errors::ApiError;
use crate::extract::{Json, Object, PathId, given};
use crate::texts;
use crate::{Api, Caller};

/// What is to be changed; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeDevice {
    /// What you call it, at most 100 characters.
    #[schema(value_type = Option<texts::Label>)]
    name: Option<String>,
    /// How fast it may send, all of it at once; `null` is the gateway's default again.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<PacingFields>)]
    pacing: Option<Option<Object<PacingFields>>>,
}

/// Change a device
///
/// Renames it, or sets how fast it may send. Takes effect at once, also for messages that wait.
#[utoipa::path(
    patch, path = "/v1/devices/{id}", tag = "Devices", operation_id = "changeDevice",
    params(("id" = texts::DeviceId, Path, description = "The device.", example = "dev_01JDXW6N4A7Q2M8Z5T9V3B1C0D")),
    request_body = ChangeDevice,
    responses((status = 200, description = "The device as it is now.", body = Device)),
)]
pub(crate) async fn change(
    api: web::Data<Api>,
    caller: Caller,
    PathId(id): PathId<DeviceId>,
    Json(request): Json<ChangeDevice>,
) -> Result<HttpResponse, ApiError> {
    let change = DeviceChange {
        name: request.name.as_deref().map(checked_label).transpose()?,
        pacing: match request.pacing {
            Some(Some(Object(pacing))) => Some(Some(pacing.check()?)),
            Some(None) => Some(None),
            None => None,
        },
    };
    let renamed = change.name.as_ref().map(|_| "device.rename");
    let paced = change.pacing.map(|_| "device.pacing");
    let acts = renamed.into_iter().chain(paced);
    let store = acts.fold(api.store.clone(), |store, action| {
        store.acting(api.act(caller, action, id, ""))
    });
    let device = store.change_device(caller.workspace, id, change).await?;
    let device = device.ok_or_else(|| ApiError::no_such("device"))?;
    api.wakes.devices.ring();
    Ok(HttpResponse::Ok().json(Device::from(device)))
}
