//! `GET /v1/admin/workspaces`.

use actix_web::{HttpResponse, web};
use postern_domain::WorkspaceId;

use super::Workspace;
use crate::Api;
use crate::errors::ApiError;
use crate::extract::{FromQuery, Query, QueryFields};
use crate::page::{List, encode};
use crate::texts;

/// Which page to list.
pub(crate) struct ListWorkspaces {
    limit: usize,
    cursor: Option<WorkspaceId>,
}

impl FromQuery for ListWorkspaces {
    fn from_query(fields: &mut QueryFields) -> Self {
        Self {
            limit: fields.limit(),
            cursor: fields.cursor(),
        }
    }
}

/// How [`ListWorkspaces`] is documented.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by the documentation only")]
pub(crate) struct ListWorkspacesParams {
    /// How many workspaces a page has at most.
    #[param(minimum = 1, maximum = 200, default = 20)]
    limit: Option<u32>,
    /// `nextCursor` of the page before.
    #[param(value_type = Option<texts::Cursor>)]
    cursor: Option<String>,
}

/// List workspaces
///
/// All of the daemon, newest first.
#[utoipa::path(
    get, path = "/v1/admin/workspaces", tag = "Administration", operation_id = "listWorkspaces",
    params(ListWorkspacesParams),
    responses((status = 200, description = "A page of workspaces.", body = List<Workspace>)),
)]
pub(crate) async fn list(
    api: web::Data<Api>,
    Query(query): Query<ListWorkspaces>,
) -> Result<HttpResponse, ApiError> {
    let (rows, next) = api.store.workspaces(query.limit, query.cursor).await?;
    Ok(HttpResponse::Ok().json(List {
        data: rows.into_iter().map(|row| api.shown_workspace(row)).collect(),
        next_cursor: next.as_ref().map(encode),
    }))
}
