//! `DELETE /v1/devices/{id}`.

use actix_web::{HttpResponse, web};
use postern_domain::{DeviceId, Intent};

use crate::errors::ApiError;
use crate::extract::PathId;
use crate::{Api, Caller};

/// Remove a device
///
/// It is gone for the API at once; its link is removed from the account and its keys are wiped right after.
/// Messages that wait for it become `canceled`; those it sent and received stay readable.
#[utoipa::path(
    delete, path = "/v1/devices/{id}", tag = "Devices", operation_id = "deleteDevice",
    params(("id" = String, Path, description = "The device.", example = "dev_01JDXW6N4A7Q2M8Z5T9V3B1C0D")),
    responses((status = 204, description = "Removed.")),
)]
pub(crate) async fn delete(
    api: web::Data<Api>,
    caller: Caller,
    PathId(id): PathId<DeviceId>,
) -> Result<HttpResponse, ApiError> {
    api.set_intent(caller, id, Intent::Removed).await?;
    Ok(HttpResponse::NoContent().finish())
}

impl Api {
    /// Stores what the operator wants of a device and wakes those who reconcile it.
    pub(super) async fn set_intent(
        &self,
        caller: Caller,
        id: DeviceId,
        intent: Intent,
    ) -> Result<postern_store::Device, ApiError> {
        let device = self.store.set_intent(caller.workspace, id, intent).await?;
        let device = device.ok_or_else(|| ApiError::no_such("device"))?;
        self.wakes.devices.ring();
        Ok(device)
    }
}
