//! `GET /v1/devices`.

use actix_web::{HttpResponse, web};
use postern_domain::DeviceId;

use super::Device;
use crate::errors::ApiError;
use crate::extract::{FromQuery, Query, QueryFields};
use crate::page::{List, encode};
use crate::texts;
use crate::{Api, Caller};

/// Which page to list.
pub(crate) struct ListDevices {
    limit: usize,
    cursor: Option<DeviceId>,
}

impl FromQuery for ListDevices {
    fn from_query(fields: &mut QueryFields) -> Self {
        Self {
            limit: fields.limit(),
            cursor: fields.cursor(),
        }
    }
}

/// How [`ListDevices`] is documented.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by the documentation only")]
pub(crate) struct ListDevicesParams {
    /// How many devices a page has at most.
    #[param(minimum = 1, maximum = 200, default = 20)]
    limit: Option<u32>,
    /// `nextCursor` of the page before.
    #[param(value_type = Option<texts::Cursor>)]
    cursor: Option<String>,
}

/// List devices
///
/// Newest first.
#[utoipa::path(
    get, path = "/v1/devices", tag = "Devices", operation_id = "listDevices",
    params(ListDevicesParams),
    responses((status = 200, description = "A page of devices.", body = List<Device>)),
)]
pub(crate) async fn list(
    api: web::Data<Api>,
    caller: Caller,
    Query(query): Query<ListDevices>,
) -> Result<HttpResponse, ApiError> {
    let (rows, next) = api
        .store
        .devices(caller.workspace, query.limit, query.cursor)
        .await?;
    Ok(HttpResponse::Ok().json(List {
        data: rows.into_iter().map(Device::from).collect(),
        next_cursor: next.as_ref().map(encode),
    }))
}
