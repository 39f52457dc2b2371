//! Whether the process lives, and whether it can do its work.

use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::Api;
use crate::errors::ApiError;

/// The answer of a probe.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProbeAnswer {
    /// Always `ok`; anything else is an error.
    #[schema(example = "ok")]
    status: &'static str,
}

/// Liveness: the process answers
///
/// Says nothing about the database or WhatsApp; restart the process when this stops answering.
#[utoipa::path(get, path = "/healthz", tag = "Operations", responses(
    (status = 200, description = "The process is alive.", body = ProbeAnswer),
))]
pub(crate) async fn healthz() -> HttpResponse {
    HttpResponse::Ok().json(ProbeAnswer { status: "ok" })
}

/// Readiness: a write commits and a read answers
///
/// Take the gateway out of rotation while this fails. A device that is not connected does not make it fail.
#[utoipa::path(get, path = "/readyz", tag = "Operations", responses(
    (status = 200, description = "A write commits and a read answers.", body = ProbeAnswer),
))]
pub(crate) async fn readyz(api: web::Data<Api>) -> Result<HttpResponse, ApiError> {
    api.store.ping().await?;
    Ok(HttpResponse::Ok().json(ProbeAnswer { status: "ok" }))
}
