//! `GET` and `PATCH /v1/workspace`.

use actix_web::{HttpResponse, web};
use postern_domain::checked_name;
use postern_store::WorkspaceChange;
use serde::Deserialize;
use utoipa::ToSchema;

use super::Workspace;
use crate::errors::ApiError;
use crate::extract::Json;
use crate::texts;
use crate::{Api, Caller};

/// Read your workspace
///
/// With its plan and what that allows; `GET /v1/usage` says how much of it is used.
#[utoipa::path(
    get, path = "/v1/workspace", tag = "Workspace", operation_id = "getWorkspace",
    responses((status = 200, description = "The workspace of the API key.", body = Workspace)),
)]
pub(crate) async fn own(api: web::Data<Api>, caller: Caller) -> Result<HttpResponse, ApiError> {
    let workspace = api.store.workspace(caller.workspace).await?;
    let workspace = workspace.ok_or_else(ApiError::no_such_workspace)?;
    Ok(HttpResponse::Ok().json(api.shown_workspace(workspace)))
}

/// What is to be changed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "ACME" }))]
pub(crate) struct RenameWorkspace {
    /// What it is called, 1 to 100 characters.
    #[schema(value_type = texts::Name)]
    name: String,
}

/// Rename your workspace
#[utoipa::path(
    patch, path = "/v1/workspace", tag = "Workspace", operation_id = "changeWorkspace",
    request_body = RenameWorkspace,
    responses((status = 200, description = "The workspace as it is now.", body = Workspace)),
)]
pub(crate) async fn rename(
    api: web::Data<Api>,
    caller: Caller,
    Json(request): Json<RenameWorkspace>,
) -> Result<HttpResponse, ApiError> {
    let change = WorkspaceChange {
        name: Some(checked_name(&request.name)?),
        ..WorkspaceChange::default()
    };
    let (id, act) = (caller.workspace, "workspace.change");
    api.change_workspace(id, change, api.act(caller, act, id, ""))
        .await
}
