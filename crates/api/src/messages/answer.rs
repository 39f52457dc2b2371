//! How acceptances are answered: the first time, when they are replayed, and when they are refused.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::HeaderName;
use postern_domain::{DeviceId, DeviceState, DeviceStatus};
use postern_store::{QuotaExceeded, Refusal};

use crate::auth::deactivated;
use crate::errors::{ApiError, ErrorCode};

/// Marks an answer that was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// An answer that was written as JSON.
pub(super) fn answered(status: StatusCode, body: Vec<u8>) -> HttpResponse {
    HttpResponse::build(status)
        .content_type("application/json")
        .body(body)
}

/// The answer to an earlier acceptance, byte for byte.
pub(super) fn replayed(http_status: u16, body: Vec<u8>) -> Result<HttpResponse, ApiError> {
    let status = StatusCode::from_u16(http_status).map_err(ApiError::internal)?;
    let mut answer = HttpResponse::build(status);
    answer.content_type("application/json");
    Ok(answer.insert_header((REPLAYED, "true")).body(body))
}

/// The idempotency key was used for something else.
pub(super) fn conflict() -> ApiError {
    ApiError::new(
        ErrorCode::IdempotencyConflict,
        "this Idempotency-Key was used before with another request; use a new key for a new message",
    )
}

/// The device does not take a message.
pub(super) fn refused(refusal: &Refusal, device: DeviceId) -> ApiError {
    match refusal {
        Refusal::UnknownDevice => ApiError::no_such("device"),
        Refusal::SessionDisconnected(status) => disconnected(status, device),
        Refusal::QuotaExceeded(exceeded) => used_up(exceeded),
        Refusal::Deactivated(reason) => deactivated(reason),
    }
}

/// The workspace's messages of the month are used up.
pub(super) fn used_up(exceeded: &QuotaExceeded) -> ApiError {
    ApiError::new(
        ErrorCode::QuotaExceeded,
        format!(
            "the plan allows {} messages a month and {} are used; counting begins anew at {}",
            exceeded.limit,
            exceeded.used,
            exceeded.resets_at.to_rfc3339()
        ),
    )
}

/// Says what the state is and what to do about it.
pub(super) fn disconnected(status: &DeviceStatus, device: DeviceId) -> ApiError {
    use postern_domain::DeviceReason as Reason;

    let way_out = match (status.state, status.reason) {
        (DeviceState::Pairing, Reason::LoggingIn) => {
            "its first login is under way; try again in a moment".to_owned()
        }
        (DeviceState::Pairing, _) => format!("scan the code of GET /v1/devices/{device}/qr"),
        (_, Reason::Stopped) => format!("resume it with POST /v1/devices/{device}/resume"),
        (_, Reason::StreamReplaced) => format!(
            "its link was opened elsewhere; close the other one, then POST /v1/devices/{device}/reconnect"
        ),
        (_, Reason::ClientOutdated) => {
            format!("update the gateway, or try the newest version with POST /v1/devices/{device}/reconnect")
        }
        (_, Reason::TemporaryBan | Reason::LoginRefused) => match status.retry_at {
            Some(time) => format!(
                "WhatsApp refuses the login; it is tried again at {}",
                time.to_rfc3339()
            ),
            None => "WhatsApp refuses the login; look at the account on its phone".to_owned(),
        },
        _ => format!("pair it with POST /v1/devices/{device}/pair"),
    };
    ApiError::new(
        ErrorCode::SessionDisconnected,
        format!(
            "the device is {} ({}): {way_out}; or send \"ifDisconnected\": \"queue\" to have the message wait",
            status.state, status.reason
        ),
    )
}
