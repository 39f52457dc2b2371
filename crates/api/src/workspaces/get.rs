//! `GET /v1/admin/workspaces/{id}`.

use actix_web::{HttpResponse, web};
use postern_domain::WorkspaceId;

use super::Workspace;
use crate::Api;
use crate::errors::ApiError;
use crate::extract::PathId;
use crate::texts;

/// Read a workspace
#[utoipa::path(
    get, path = "/v1/admin/workspaces/{id}", tag = "Administration", operation_id = "adminGetWorkspace",
    params(("id" = texts::WorkspaceId, Path, description = "The workspace.", example = "ws_01JDXW6N4A7Q2M8Z5T9V3B1C0D")),
    responses((status = 200, description = "The workspace.", body = Workspace)),
)]
pub(crate) async fn get(
    api: web::Data<Api>,
    PathId(id): PathId<WorkspaceId>,
) -> Result<HttpResponse, ApiError> {
    let workspace = api.store.workspace(id).await?;
    let workspace = workspace.ok_or_else(ApiError::no_such_workspace)?;
    Ok(HttpResponse::Ok().json(api.shown_workspace(workspace)))
}
