//! `GET /v1/api-keys/{id}`.

use actix_web::{HttpResponse, web};
use postern_domain::ApiKeyId;

use super::dto::ApiKey;
use crate::errors::ApiError;
use crate::extract::PathId;
use crate::texts;
use crate::{Api, Caller};

/// Read an API key
#[utoipa::path(
    get, path = "/v1/api-keys/{id}", tag = "API keys", operation_id = "getApiKey",
    params(("id" = texts::ApiKeyId, Path, description = "The key's id.", example = "key_01JDXW6N4A7Q2M8Z5T9V3B1C0D")),
    responses((status = 200, description = "Everything about it but the key itself.", body = ApiKey)),
)]
pub(crate) async fn get(
    api: web::Data<Api>,
    caller: Caller,
    PathId(id): PathId<ApiKeyId>,
) -> Result<HttpResponse, ApiError> {
    let key = api.store.api_key(caller.workspace, id).await?;
    let key = key.ok_or_else(|| ApiError::no_such("API key"))?;
    Ok(HttpResponse::Ok().json(ApiKey::from(key)))
}
