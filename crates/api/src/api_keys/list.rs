//! `GET /v1/api-keys`.

use actix_web::{HttpResponse, web};
use postern_domain::ApiKeyId;

use super::dto::ApiKey;
use crate::errors::ApiError;
use crate::extract::{FromQuery, Query, QueryFields};
use crate::page::{List, encode};
use crate::texts;
use crate::{Api, Caller};

/// Which page to list.
pub(crate) struct ListApiKeys {
    limit: usize,
    cursor: Option<ApiKeyId>,
}

impl FromQuery for ListApiKeys {
    fn from_query(fields: &mut QueryFields) -> Self {
        Self {
            limit: fields.limit(),
            cursor: fields.cursor(),
        }
    }
}

/// How [`ListApiKeys`] is documented.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by the documentation only")]
pub(crate) struct ListApiKeysParams {
    /// How many keys a page has at most.
    #[param(minimum = 1, maximum = 200, default = 20)]
    limit: Option<u32>,
    /// `nextCursor` of the page before.
    #[param(value_type = Option<texts::Cursor>)]
    cursor: Option<String>,
}

/// List API keys
///
/// Newest first, with those that were revoked or have expired.
#[utoipa::path(
    get, path = "/v1/api-keys", tag = "API keys", operation_id = "listApiKeys",
    params(ListApiKeysParams),
    responses((status = 200, description = "A page of keys.", body = List<ApiKey>)),
)]
pub(crate) async fn list(
    api: web::Data<Api>,
    caller: Caller,
    Query(query): Query<ListApiKeys>,
) -> Result<HttpResponse, ApiError> {
    let page = api.store.api_keys(caller.workspace, query.limit, query.cursor);
    let (rows, next) = page.await?;
    Ok(HttpResponse::Ok().json(List {
        data: rows.into_iter().map(ApiKey::from).collect(),
        next_cursor: next.as_ref().map(encode),
    }))
}
