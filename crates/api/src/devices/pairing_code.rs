//! `/v1/devices/{id}/pairing-code`: pairing by a code that is typed in on the phone, instead of a QR code.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpResponse, web};
use postern_domain::{DeviceId, DeviceReason, PhoneNumber};
use postern_store::{CodeKind, Device, ShownCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::code::MAX_WAIT;
use super::pair::refused;
use crate::errors::{ApiError, ErrorCode};
use crate::extract::{FromQuery, Json, OwnedDevice, PathId, Query, QueryFields};
use crate::texts;
use crate::{Api, Caller};

/// How long to wait for the code, in seconds, when the caller does not say.
const DEFAULT_WAIT: u32 = 10;

/// When to ask WhatsApp again for a code that it refused.
const RETRY: Duration = Duration::from_secs(30);

/// Whose phone the code is for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "phone": "+15557654321" }))]
pub(crate) struct AskForCode {
    /// The phone number of the WhatsApp account, in E.164 with or without `+`: only this phone can use the code.
    #[schema(value_type = texts::PhoneNumber)]
    phone: String,
}

/// A code to be typed in on the phone.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PairingCode {
    /// Two groups of four letters and digits; `null` while WhatsApp has not answered. A secret: who types it in on
    /// that phone links its account.
    #[schema(required, example = "K7QM-2XRD")]
    code: Option<String>,
    /// When it stops being valid, about three minutes later.
    #[schema(required, format = DateTime)]
    expires_at: Option<String>,
}

/// How long to wait.
pub(crate) struct WaitQuery {
    wait: Duration,
}

impl FromQuery for WaitQuery {
    fn from_query(fields: &mut QueryFields) -> Self {
        let wait = fields.number("wait", 0..=MAX_WAIT).unwrap_or(DEFAULT_WAIT);
        Self {
            wait: Duration::from_secs(wait.into()),
        }
    }
}

/// How [`WaitQuery`] is documented.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by the documentation only")]
pub(crate) struct WaitParams {
    /// How many seconds to wait for the code.
    #[param(minimum = 0, maximum = 60, default = 10)]
    wait: Option<u32>,
}

/// Pair a device by code
///
/// Asks WhatsApp for a code to be typed in on the phone, under *Linked devices*, *Link with phone number instead*.
/// A request while the device is being paired starts anew, with another code. The state becomes `pairing`, then
/// `connected`, or `unlinked` with the reason `pairing_code_expired`.
#[utoipa::path(
    post, path = "/v1/devices/{id}/pairing-code", tag = "Devices", operation_id = "pairDeviceByCode",
    params(
        ("id" = texts::DeviceId, Path, description = "The device.", example = "dev_01JDXW6N4A7Q2M8Z5T9V3B1C0D"),
        WaitParams,
    ),
    request_body = AskForCode,
    responses(
        (status = 200, description = "The code. Never cached.", body = PairingCode),
        (status = 202, description = "Stored; WhatsApp has not answered yet. Ask again with GET.", body = PairingCode),
    ),
)]
pub(crate) async fn ask(
    api: web::Data<Api>,
    caller: Caller,
    PathId(id): PathId<DeviceId>,
    Query(query): Query<WaitQuery>,
    Json(request): Json<AskForCode>,
) -> Result<HttpResponse, ApiError> {
    let phone: PhoneNumber = match request.phone.parse() {
        Ok(phone) => phone,
        Err(why) => return Err(ApiError::field("phone", format!("{why}"))),
    };
    let store = api.acting(caller, "device.pair", id);
    let requested = store.request_pairing(caller.workspace, id, Some(phone)).await;
    requested.map_err(refused)?;
    api.wakes.devices.ring();
    let device = api.store.device(caller.workspace, id).await?;
    let device = device.ok_or_else(|| ApiError::no_such("device"))?;
    match api.pairing_code(device, query.wait).await {
        Err(error) if error.code() == ErrorCode::PairingCodeNotReady => Ok(shown(StatusCode::ACCEPTED, None)),
        Err(error) if error.code() == ErrorCode::InvalidState => {
            let device = api.store.device(caller.workspace, id).await?;
            let failed = |device: &Device| device.status.reason == DeviceReason::PairingFailed;
            Err(device.filter(failed).map_or(error, |_| unavailable()))
        }
        answer => answer,
    }
}

/// Show the pairing code
///
/// The code that `POST` on the same path asked for. `404 PAIRING_CODE_NOT_READY` means ask again in a moment;
/// `409 INVALID_STATE` means that none will come, and why.
#[utoipa::path(
    get, path = "/v1/devices/{id}/pairing-code", tag = "Devices", operation_id = "getDevicePairingCode",
    params(
        ("id" = texts::DeviceId, Path, description = "The device.", example = "dev_01JDXW6N4A7Q2M8Z5T9V3B1C0D"),
        WaitParams,
    ),
    responses((status = 200, description = "The code. Never cached.", body = PairingCode)),
)]
pub(crate) async fn show(
    api: web::Data<Api>,
    OwnedDevice(device): OwnedDevice,
    Query(query): Query<WaitQuery>,
) -> Result<HttpResponse, ApiError> {
    api.pairing_code(device, query.wait).await
}

impl Api {
    async fn pairing_code(&self, device: Device, wait: Duration) -> Result<HttpResponse, ApiError> {
        let code = self.await_code(device, CodeKind::PairingCode, Some(wait)).await?;
        Ok(shown(StatusCode::OK, Some(&code)))
    }
}

fn unavailable() -> ApiError {
    let message = "WhatsApp gave no code for this number; see that it is right and try again in a moment";
    ApiError::new(ErrorCode::WhatsAppUnavailable, message).retry_after(RETRY)
}

fn shown(status: StatusCode, code: Option<&ShownCode>) -> HttpResponse {
    HttpResponse::build(status)
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(PairingCode {
            code: code.map(|code| grouped(code.code.expose())),
            expires_at: code.map(|code| code.expires_at.to_rfc3339()),
        })
}

/// As phones show it: `ABCD-EFGH`.
fn grouped(code: &str) -> String {
    match code.split_at_checked(4) {
        Some((first, second)) if second.len() == 4 => format!("{first}-{second}"),
        _ => code.to_owned(),
    }
}
