//! `POST /v1/admin/workspaces/{id}/deactivate` and `…/activate`.

use actix_web::{HttpResponse, web};
use postern_domain::WorkspaceId;
use postern_store::WorkspaceChange;
use serde::Deserialize;
use utoipa::ToSchema;

use super::Workspace;
use crate::errors::ApiError;
use crate::extract::{Empty, Json, OptionalJson, PathId};
use crate::texts;
use crate::{Api, Caller};

/// The longest reason, in characters.
const MAX_REASON: usize = 200;

/// Why a workspace is deactivated.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "reason": "unpaid invoice 2026-10" }))]
pub(crate) struct DeactivateWorkspace {
    /// Its members read this, 1 to 200 characters.
    #[schema(value_type = texts::Reason)]
    reason: String,
}

/// Deactivate a workspace
///
/// Its keys are answered with 403 and the reason, and nothing leaves any more; what was handed to WhatsApp already may still
/// arrive. Its devices stay linked, its messages wait, and what comes in is stored.
#[utoipa::path(
    post, path = "/v1/admin/workspaces/{id}/deactivate", tag = "Administration", operation_id = "deactivateWorkspace",
    params(("id" = texts::WorkspaceId, Path, description = "The workspace.", example = "ws_01JDXW6N4A7Q2M8Z5T9V3B1C0D")),
    request_body = DeactivateWorkspace,
    responses((status = 200, description = "The workspace as it is now.", body = Workspace)),
)]
pub(crate) async fn deactivate(
    api: web::Data<Api>,
    caller: Caller,
    PathId(id): PathId<WorkspaceId>,
    Json(request): Json<DeactivateWorkspace>,
) -> Result<HttpResponse, ApiError> {
    let reason = request.reason.trim();
    if !(1..=MAX_REASON).contains(&reason.chars().count()) || reason.chars().any(char::is_control) {
        let why = format!("must have 1 to {MAX_REASON} characters, none of them a control character");
        return Err(ApiError::field("reason", why));
    }
    let act = api.act(caller, "workspace.deactivate", id, "");
    let change = switched(Some(reason.to_owned()));
    api.change_workspace(id, change, act).await
}

/// Activate a workspace
///
/// Its keys are valid again, and what waited leaves, unless it has waited for too long.
#[utoipa::path(
    post, path = "/v1/admin/workspaces/{id}/activate", tag = "Administration", operation_id = "activateWorkspace",
    params(("id" = texts::WorkspaceId, Path, description = "The workspace.", example = "ws_01JDXW6N4A7Q2M8Z5T9V3B1C0D")),
    request_body(content = Option<Empty>),
    responses((status = 200, description = "The workspace as it is now.", body = Workspace)),
)]
pub(crate) async fn activate(
    api: web::Data<Api>,
    caller: Caller,
    PathId(id): PathId<WorkspaceId>,
    OptionalJson(Empty {}): OptionalJson<Empty>,
) -> Result<HttpResponse, ApiError> {
    let act = api.act(caller, "workspace.activate", id, "");
    api.change_workspace(id, switched(None), act).await
}

fn switched(deactivate: Option<String>) -> WorkspaceChange {
    WorkspaceChange {
        deactivate: Some(deactivate),
        ..WorkspaceChange::default()
    }
}
