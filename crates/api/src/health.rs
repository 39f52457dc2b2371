//! Whether the process lives, and whether it can do its work.

use std::time::Duration;

use actix_web::{HttpResponse, web};
use postern_store::StoreError;
use serde::Serialize;
use tokio::time::timeout;
use utoipa::ToSchema;

use crate::Api;
use crate::errors::{ApiError, ErrorCode};

/// When to ask again.
const RETRY: Duration = Duration::from_secs(1);

/// For how long a write that committed speaks for the next ones: anybody may ask, as often as they like, and each write is a
/// flush.
const WRITE_APART: Duration = Duration::from_secs(1);

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

/// Readiness: a write commits, a read answers, and every part runs
///
/// Take the gateway out of rotation while this fails; the code says why. It fails while the gateway starts, from the moment
/// it is told to stop, while the database does not answer in time or cannot write, and when a part of the gateway has
/// stopped. A device that is not connected does not make it fail. One write a second is tried at most, however many ask.
#[utoipa::path(get, path = "/readyz", tag = "Operations", responses(
    (status = 200, description = "A write commits, a read answers, and every part runs.", body = ProbeAnswer),
))]
pub(crate) async fn readyz(api: web::Data<Api>) -> Result<HttpResponse, ApiError> {
    if api.is_stopping() {
        let why = "the gateway was told to stop and should get nothing new";
        return Err(ApiError::new(ErrorCode::Stopping, why));
    }
    let patience = api.config.probe_deadline;
    in_time("a read", patience, api.store.ping_read()).await?;
    in_time("a write", patience, api.ping_write()).await?;
    // After the storage, because parts that follow it end with it.
    if let Some(part) = api.stopped_part() {
        let why = format!("the part \"{part}\" has stopped; the log says why, and only a restart helps");
        return Err(ApiError::new(ErrorCode::PartStopped, why));
    }
    Ok(HttpResponse::Ok().json(ProbeAnswer { status: "ok" }))
}

/// Answers everything but the liveness probe until there is an API.
pub(crate) async fn still_starting() -> Result<HttpResponse, ApiError> {
    let why = "the gateway opens its files and brings them up to date; ask again in a moment";
    Err(ApiError::new(ErrorCode::Starting, why).retry_after(RETRY))
}

impl Api {
    /// Whether a write commits, or did a moment ago.
    async fn ping_write(&self) -> Result<(), StoreError> {
        let mut probed = self.probed.lock().await;
        let now = self.clock.now();
        if !probed.is_some_and(|at| (at..at.after(WRITE_APART)).contains(&now)) {
            self.store.ping_write().await?;
            *probed = Some(now);
        }
        Ok(())
    }
}

async fn in_time(
    what: &str,
    patience: Duration,
    answer: impl Future<Output = Result<(), StoreError>>,
) -> Result<(), ApiError> {
    match timeout(patience, answer).await {
        Ok(answer) => Ok(answer?),
        Err(_elapsed) => {
            let why = format!("{what} was not answered within {} ms", patience.as_millis());
            Err(ApiError::new(ErrorCode::StorageStuck, why).retry_after(RETRY))
        }
    }
}
