//! `DELETE /v1/devices/{id}`.

use actix_web::{HttpResponse, web};
use postern_domain::DeviceId;
use postern_store::DeviceRequest;

use crate::errors::ApiError;
use crate::extract::{FromQuery, PathId, Query, QueryFields};
use crate::texts;
use crate::{Api, Caller};

/// What goes with it.
pub(crate) struct DeleteDevice {
    purge: bool,
}

impl FromQuery for DeleteDevice {
    fn from_query(fields: &mut QueryFields) -> Self {
        Self {
            purge: fields.flag("purge"),
        }
    }
}

/// How [`DeleteDevice`] is documented.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by the documentation only")]
pub(crate) struct DeleteDeviceParams {
    /// Delete its messages and events as well. There is no way back.
    #[param(default = false)]
    purge: Option<bool>,
}

/// Remove a device
///
/// It is gone for the API at once; its link is removed from the account, where WhatsApp can be reached, and its keys are
/// wiped right after. Messages that wait for it become `canceled`; those it sent and received stay readable, unless
/// `purge=true` deletes them.
#[utoipa::path(
    delete, path = "/v1/devices/{id}", tag = "Devices", operation_id = "deleteDevice",
    params(
        ("id" = texts::DeviceId, Path, description = "The device.", example = "dev_01JDXW6N4A7Q2M8Z5T9V3B1C0D"),
        DeleteDeviceParams,
    ),
    responses((status = 204, description = "Removed.")),
)]
pub(crate) async fn delete(
    api: web::Data<Api>,
    caller: Caller,
    PathId(id): PathId<DeviceId>,
    Query(query): Query<DeleteDevice>,
) -> Result<HttpResponse, ApiError> {
    let request = DeviceRequest::Remove { purge: query.purge };
    api.ask(caller, id, request).await?;
    Ok(HttpResponse::NoContent().finish())
}
