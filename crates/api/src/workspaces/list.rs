//! `GET /v1/admin/workspaces`.

use actix_web::{HttpResponse, web};
use postern_domain::WorkspaceId;

use super::Workspace;
use crate::Api;
use crate::errors::ApiError;
use crate::extract::Query;
use crate::page::{List, PageParams, WhichPage};

/// List workspaces
///
/// All of the daemon, newest first.
#[utoipa::path(
    get, path = "/v1/admin/workspaces", tag = "Administration", operation_id = "listWorkspaces",
    params(PageParams),
    responses((status = 200, description = "A page of workspaces.", body = List<Workspace>)),
)]
pub(crate) async fn list(
    api: web::Data<Api>,
    Query(query): Query<WhichPage<WorkspaceId>>,
) -> Result<HttpResponse, ApiError> {
    let (rows, next) = api.store.workspaces(query.limit, query.cursor).await?;
    let shown = rows.into_iter().map(|row| api.shown_workspace(row));
    Ok(HttpResponse::Ok().json(List::<Workspace>::new(shown, next.as_ref())))
}
