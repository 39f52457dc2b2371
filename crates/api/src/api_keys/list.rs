//! `GET /v1/api-keys`.

use actix_web::{HttpResponse, web};
use postern_domain::ApiKeyId;

use super::dto::ApiKey;
use crate::errors::ApiError;
use crate::extract::Query;
use crate::page::{List, PageParams, WhichPage};
use crate::{Api, Caller};

/// List API keys
///
/// Newest first, with those that were revoked or have expired.
#[utoipa::path(
    get, path = "/v1/api-keys", tag = "API keys", operation_id = "listApiKeys",
    params(PageParams),
    responses((status = 200, description = "A page of keys.", body = List<ApiKey>)),
)]
pub(crate) async fn list(
    api: web::Data<Api>,
    caller: Caller,
    Query(query): Query<WhichPage<ApiKeyId>>,
) -> Result<HttpResponse, ApiError> {
    let page = api.store.api_keys(caller.workspace, query.limit, query.cursor);
    let (rows, next) = page.await?;
    Ok(HttpResponse::Ok().json(List::<ApiKey>::new(rows, next.as_ref())))
}
