//! `GET /v1/audit`: who did what on the operators' pages.

use actix_web::{HttpResponse, web};
use postern_store::{AuditEntry, PageStart};
use serde::Serialize;
use utoipa::ToSchema;

use crate::errors::ApiError;
use crate::extract::Query;
use crate::page::{AuditStart, List, PageParams, WhichPage};
use crate::{Api, Caller};

/// Something an operator did.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AuditedAct {
    /// When.
    #[schema(format = DateTime)]
    at: String,
    /// The operator's name at the time.
    #[schema(example = "ada")]
    actor: String,
    /// What, as `thing.verb`.
    #[schema(example = "device.pause")]
    action: String,
    /// The id of what it was done to; `null` when it has none.
    #[schema(required, example = "dev_01JDXW6N4A7Q2M8Z5T9V3B1C0D")]
    target: Option<String>,
    /// More about it; never a secret, a text or a phone number. `null` when there is nothing more to say.
    #[schema(required, example = json!(null))]
    details: Option<String>,
}

impl From<AuditEntry> for AuditedAct {
    fn from(entry: AuditEntry) -> Self {
        let said = |text: String| (!text.is_empty()).then_some(text);
        Self {
            at: entry.at.to_rfc3339(),
            actor: entry.actor_name,
            action: entry.action,
            target: said(entry.target),
            details: said(entry.details),
        }
    }
}

/// List what operators did
///
/// What was done to this workspace in the dashboard, newest first. Each act is committed together with its row, so none is
/// missing and none was refused.
#[utoipa::path(
    get, path = "/v1/audit", tag = "Workspace", operation_id = "listAudit",
    params(PageParams),
    responses((status = 200, description = "A page of acts.", body = List<AuditedAct>)),
)]
pub(crate) async fn list(
    api: web::Data<Api>,
    caller: Caller,
    Query(query): Query<WhichPage<AuditStart>>,
) -> Result<HttpResponse, ApiError> {
    let before = query.cursor.map(|AuditStart(PageStart(before))| before);
    let (entries, next) = api.store.audit(caller.workspace, query.limit, before).await?;
    let next = next.map(|before| AuditStart(PageStart(before)));
    Ok(HttpResponse::Ok().json(List::<AuditedAct>::new(entries, next.as_ref())))
}
