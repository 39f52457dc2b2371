//! `GET /v1/devices`.

use actix_web::{HttpResponse, web};
use postern_domain::DeviceId;

use super::Device;
use crate::errors::ApiError;
use crate::extract::Query;
use crate::page::{List, PageParams, WhichPage};
use crate::{Api, Caller};

/// List devices
///
/// Newest first.
#[utoipa::path(
    get, path = "/v1/devices", tag = "Devices", operation_id = "listDevices",
    params(PageParams),
    responses((status = 200, description = "A page of devices.", body = List<Device>)),
)]
pub(crate) async fn list(
    api: web::Data<Api>,
    caller: Caller,
    Query(query): Query<WhichPage<DeviceId>>,
) -> Result<HttpResponse, ApiError> {
    let (rows, next) = api
        .store
        .devices(caller.workspace, query.limit, query.cursor)
        .await?;
    Ok(HttpResponse::Ok().json(List::<Device>::new(rows, next.as_ref())))
}
