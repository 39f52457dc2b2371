//! `PATCH /v1/admin/workspaces/{id}`.

use actix_web::{HttpResponse, web};
use postern_domain::{WorkspaceId, checked_name};
use postern_store::WorkspaceChange;
use serde::Deserialize;
use utoipa::ToSchema;

use super::Workspace;
use crate::errors::ApiError;
use crate::extract::{Json, PathId};
use crate::texts;
use crate::{Api, Caller};

/// What is to be changed; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "plan": "pro" }))]
pub(crate) struct ChangeWorkspace {
    /// What it is called, 1 to 100 characters.
    #[schema(value_type = Option<texts::Name>)]
    name: Option<String>,
    /// The name of its plan: one of the gateway's configuration.
    #[schema(value_type = Option<texts::Plan>)]
    plan: Option<String>,
}

/// Change a workspace
///
/// Renames it, or puts it on another plan; what it has used of the month stays used.
#[utoipa::path(
    patch, path = "/v1/admin/workspaces/{id}", tag = "Administration", operation_id = "adminChangeWorkspace",
    params(("id" = texts::WorkspaceId, Path, description = "The workspace.", example = "ws_01JDXW6N4A7Q2M8Z5T9V3B1C0D")),
    request_body = ChangeWorkspace,
    responses((status = 200, description = "The workspace as it is now.", body = Workspace)),
)]
pub(crate) async fn change(
    api: web::Data<Api>,
    caller: Caller,
    PathId(id): PathId<WorkspaceId>,
    Json(request): Json<ChangeWorkspace>,
) -> Result<HttpResponse, ApiError> {
    let plan = request.plan.as_ref().map(|plan| format!("plan {plan}"));
    let act = api.act(caller, "workspace.change", id, plan.unwrap_or_default());
    let change = WorkspaceChange {
        name: request.name.as_deref().map(checked_name).transpose()?,
        plan: request.plan.map(|plan| api.plan(&plan)).transpose()?,
        deactivate: None,
    };
    api.change_workspace(id, change, act).await
}
