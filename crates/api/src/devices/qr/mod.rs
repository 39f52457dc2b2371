//! `GET /v1/devices/{id}/qr`: the code on show, drawn as the caller likes it.

mod format;

use std::time::Duration;

use actix_web::http::header::{self, HeaderName};
use actix_web::{HttpRequest, HttpResponse, web};
use postern_store::{CodeKind, Device};
use serde::Serialize;
use utoipa::ToSchema;

use self::format::Format;
use super::code::MAX_WAIT;
use crate::Api;
use crate::errors::{ApiError, ErrorCode};
use crate::extract::{FromQuery, OwnedDevice, Query, QueryFields};
use crate::qr::{DEFAULT_SIZE, Drawing, SIZES};
use crate::texts;

/// Says until when the code is valid, whatever it is drawn as.
const EXPIRES_AT: HeaderName = HeaderName::from_static("qr-expires-at");

/// How the code is wanted.
pub(crate) struct QrQuery {
    size: u32,
    wait: Option<Duration>,
}

impl FromQuery for QrQuery {
    fn from_query(fields: &mut QueryFields) -> Self {
        let wait = fields.number("wait", 0..=MAX_WAIT);
        Self {
            size: fields.number("size", SIZES).unwrap_or(DEFAULT_SIZE),
            wait: wait.map(|seconds| Duration::from_secs(seconds.into())),
        }
    }
}

/// How [`QrQuery`] is documented.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by the documentation only")]
pub(crate) struct QrParams {
    /// The edge of the PNG or SVG in pixels, at most; it is the largest whole number of pixels a module that fits.
    #[param(minimum = 128, maximum = 1024, default = 512)]
    size: Option<u32>,
    /// How many seconds to wait for a code when none is on show. Without it, 10 while the first code is on its
    /// way, else 0.
    #[param(minimum = 0, maximum = 60)]
    wait: Option<u32>,
}

/// The code on show, to be drawn by the caller.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct QrCode {
    /// The text to draw. A secret: who scans it on a phone links that phone's account.
    #[schema(example = "2@Jz8s…,kVbR…,9yQw…,Zm9v…")]
    code: String,
    /// When it stops being valid; the next one is on show by then.
    #[schema(format = DateTime)]
    expires_at: String,
}

/// A greyscale PNG.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
pub(crate) struct Picture(#[expect(dead_code, reason = "read by the documentation only")] Vec<u8>);

/// Show the QR code
///
/// To be scanned on the phone, under *Linked devices*. `Accept` chooses what it is: `image/png` (also for `*/*`
/// and for browsers), `image/svg+xml`, `text/plain` (for a terminal: `curl -H 'Accept: text/plain' …`) or
/// `application/json`. The same by extension: `qr.png`, `qr.svg`, `qr.txt`, `qr.json`.
///
/// Ask again by `QR-Expires-At`: codes change every 20 to 60 seconds. `404 QR_NOT_READY` means ask again in a
/// moment; `409 INVALID_STATE` means that no code will come, and why.
#[utoipa::path(
    get, path = "/v1/devices/{id}/qr", tag = "Devices", operation_id = "getDeviceQr",
    params(
        ("id" = texts::DeviceId, Path, description = "The device.", example = "dev_01JDXW6N4A7Q2M8Z5T9V3B1C0D"),
        QrParams,
    ),
    responses(
        (status = 200, description = "The code on show. Never cached.", content(
            (Picture = "image/png"), (String = "image/svg+xml"), (String = "text/plain"), (QrCode = "application/json"),
        )),
    ),
)]
pub(crate) async fn qr(
    api: web::Data<Api>,
    OwnedDevice(device): OwnedDevice,
    Query(query): Query<QrQuery>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let format = Format::accepted(request.headers());
    api.show_qr(device, &query, format).await
}

/// Show the QR code, by extension
///
/// Like `GET /v1/devices/{id}/qr`, whatever `Accept` says: for `<img src=…>` and scripts.
#[utoipa::path(
    get, path = "/v1/devices/{id}/qr.{format}", tag = "Devices", operation_id = "getDeviceQrByExtension",
    params(
        ("id" = texts::DeviceId, Path, description = "The device.", example = "dev_01JDXW6N4A7Q2M8Z5T9V3B1C0D"),
        ("format" = texts::Drawing, Path, description = "`png`, `svg`, `txt` or `json`.", example = "png"),
        QrParams,
    ),
    responses(
        (status = 200, description = "The code on show. Never cached.", content(
            (Picture = "image/png"), (String = "image/svg+xml"), (String = "text/plain"), (QrCode = "application/json"),
        )),
    ),
)]
pub(crate) async fn qr_by_extension(
    api: web::Data<Api>,
    OwnedDevice(device): OwnedDevice,
    Query(query): Query<QrQuery>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let extension = request.match_info().get("format").unwrap_or_default();
    let format = Format::by_extension(extension).ok_or_else(no_such_format)?;
    api.show_qr(device, &query, format).await
}

fn no_such_format() -> ApiError {
    let message = "there is no such format; take qr.png, qr.svg, qr.txt or qr.json";
    ApiError::new(ErrorCode::NotFound, message)
}

impl Api {
    async fn show_qr(
        &self,
        device: Device,
        query: &QrQuery,
        format: Format,
    ) -> Result<HttpResponse, ApiError> {
        let shown = self.await_code(device, CodeKind::Qr, query.wait).await?;
        let (code, expires_at) = (shown.code.expose(), shown.expires_at.to_rfc3339());
        let body = match format {
            Format::Json => serde_json::to_vec(&QrCode {
                code: code.to_owned(),
                expires_at: expires_at.clone(),
            })
            .map_err(ApiError::internal)?,
            // Inline: about a millisecond, and a turn on the blocking pool can cost more under load.
            Format::Png => drawn(code)?.png(query.size).map_err(ApiError::internal)?,
            Format::Svg => drawn(code)?.svg(query.size).into_bytes(),
            Format::Terminal => drawn(code)?.terminal().into_bytes(),
        };
        Ok(HttpResponse::Ok()
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .insert_header((header::VARY, "Accept"))
            .insert_header((EXPIRES_AT, expires_at))
            .content_type(format.content_type())
            .body(body))
    }
}

fn drawn(code: &str) -> Result<Drawing, ApiError> {
    Drawing::of(code).map_err(ApiError::internal)
}
