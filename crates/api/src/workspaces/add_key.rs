//! `POST /v1/admin/workspaces/{id}/api-keys`.

use actix_web::{HttpResponse, web};
use postern_domain::WorkspaceId;

use crate::api_keys::{CreateApiKey, NewApiKey};
use crate::errors::ApiError;
use crate::extract::{Json, PathId};
use crate::texts;
use crate::{Api, Caller};

/// Make an API key of a workspace
///
/// For a workspace that has lost its keys; otherwise its members make their own with `POST /v1/api-keys`.
#[utoipa::path(
    post, path = "/v1/admin/workspaces/{id}/api-keys", tag = "Administration", operation_id = "adminCreateApiKey",
    params(("id" = texts::WorkspaceId, Path, description = "The workspace.", example = "ws_01JDXW6N4A7Q2M8Z5T9V3B1C0D")),
    request_body = CreateApiKey,
    responses((status = 201, description = "Made.", body = NewApiKey, headers(
        ("Location" = String, description = "The new key, for callers of its workspace, e.g. `/v1/api-keys/key_…`.")
    ))),
)]
pub(crate) async fn add_key(
    api: web::Data<Api>,
    caller: Caller,
    PathId(id): PathId<WorkspaceId>,
    Json(request): Json<CreateApiKey>,
) -> Result<HttpResponse, ApiError> {
    if api.store.workspace(id).await?.is_none() {
        return Err(ApiError::no_such_workspace());
    }
    api.make_key(caller, id, request).await
}
