//! `GET /v1/usage`.

use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::errors::ApiError;
use crate::{Api, Caller};

/// How much of its plan a workspace uses.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Usage {
    /// The calendar month that is counted, in UTC.
    #[schema(example = "2026-12")]
    period: String,
    /// When counting began.
    #[schema(format = DateTime, example = "2026-12-01T00:00:00.000Z")]
    since: String,
    /// When it begins anew.
    #[schema(format = DateTime, example = "2027-01-01T00:00:00.000Z")]
    resets_at: String,
    /// Messages accepted in the month, scheduled and canceled ones too.
    messages: Use,
    /// Devices there are.
    devices: Use,
}

/// How much of something is used.
#[derive(Serialize, ToSchema)]
struct Use {
    /// So many.
    #[schema(example = 412)]
    used: u64,
    /// Of so many; `null` is no limit.
    #[schema(required, example = 500)]
    limit: Option<u64>,
    /// So many are left; `null` when there is no limit.
    #[schema(required, example = 88)]
    remaining: Option<u64>,
}

impl Use {
    fn new(used: u64, limit: Option<u64>) -> Self {
        let remaining = limit.map(|limit| limit.saturating_sub(used));
        Self {
            used,
            limit,
            remaining,
        }
    }
}

/// Read your usage
///
/// Every message that is accepted counts once, in the transaction that accepts it; retries and replays of an
/// `Idempotency-Key` do not. `quota.warning` events tell when 80 % and 100 % of the limit are reached.
#[utoipa::path(
    get, path = "/v1/usage", tag = "Workspace", operation_id = "getUsage",
    responses((status = 200, description = "What is used of the plan now.", body = Usage)),
)]
pub(crate) async fn usage(api: web::Data<Api>, caller: Caller) -> Result<HttpResponse, ApiError> {
    let usage = api.store.usage(caller.workspace, api.clock.now()).await?;
    let usage = usage.ok_or_else(ApiError::no_such_workspace)?;
    Ok(HttpResponse::Ok().json(Usage {
        period: usage.period.to_string(),
        since: usage.period.start().to_rfc3339(),
        resets_at: usage.period.end().to_rfc3339(),
        messages: Use::new(usage.messages, usage.message_limit),
        devices: Use::new(usage.devices.into(), usage.device_limit.map(u64::from)),
    }))
}
