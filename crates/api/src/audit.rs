//! `GET /v1/audit`: who did what to a workspace, in the dashboard, with the shell, and with API keys.

use actix_web::{HttpResponse, web};
use postern_store::{AuditEntry, Author, PageStart};
use serde::Serialize;
use utoipa::ToSchema;

use crate::errors::ApiError;
use crate::extract::Query;
use crate::page::{AuditStart, List, PageParams, WhichPage};
use crate::{Api, Caller};

/// Something that was done.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AuditedAct {
    /// When.
    #[schema(format = DateTime)]
    at: String,
    /// Who.
    actor: AuditedActor,
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

/// Who did it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "kind": "apiKey", "id": "key_01JDXW6N4A7Q2M8Z5T9V3B1C0D", "name": "order worker", "lastFour": "9f3a",
}))]
pub(crate) struct AuditedActor {
    /// An operator in the dashboard, who has the gateway's data folder, or who holds an API key.
    kind: ActorKind,
    /// The id of the operator or the key; `null` for the shell, and for the gateway's administration, whose keys are of
    /// another workspace.
    #[schema(required)]
    id: Option<String>,
    /// What the operator or the key was called at the time, or `shell`, or `administration`.
    name: String,
    /// The last four characters of the key.
    #[schema(required)]
    last_four: Option<String>,
}

/// What it is that acts.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
enum ActorKind {
    Operator,
    Shell,
    ApiKey,
}

impl From<Author> for AuditedActor {
    fn from(author: Author) -> Self {
        let (kind, id, name, last_four) = match author {
            Author::Operator { id, name } => (ActorKind::Operator, Some(id.to_string()), name, None),
            Author::Shell => (ActorKind::Shell, None, "shell".to_owned(), None),
            Author::ApiKey { id, name, last_four } => {
                (ActorKind::ApiKey, Some(id.to_string()), name, Some(last_four))
            }
            Author::Administration => (ActorKind::ApiKey, None, "administration".to_owned(), None),
        };
        Self {
            kind,
            id,
            name,
            last_four,
        }
    }
}

impl From<AuditEntry> for AuditedAct {
    fn from(entry: AuditEntry) -> Self {
        let said = |text: String| (!text.is_empty()).then_some(text);
        Self {
            at: entry.at.to_rfc3339(),
            actor: entry.author.into(),
            action: entry.action,
            target: said(entry.target),
            details: said(entry.details),
        }
    }
}

/// List what was done
///
/// What operators and API keys changed in this workspace, newest first. Each act is committed together with its row, so none
/// is missing and none was refused. Messages that keys send are not among them: `GET /v1/messages` lists those. What was done
/// with keys is kept for `retention.key_acts_days`, what operators did for good.
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
