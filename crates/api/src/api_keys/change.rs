//! `PATCH /v1/api-keys/{id}`.

use actix_web::{HttpResponse, web};
use postern_domain::key::{checked_expiry, checked_networks, checked_scopes};
use postern_domain::{ApiKeyId, checked_name};
use postern_store::ApiKeyChange;
use serde::Deserialize;
use utoipa::ToSchema;

use super::dto::{ApiKey, changed_scopes};
use crate::errors::ApiError;
use crate::extract::{Json, PathId, given};
use crate::texts;
use crate::{Api, Caller};

/// What is to be changed; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(example = json!({ "allowedIps": ["203.0.113.0/24"] }))]
pub(crate) struct ChangeApiKey {
    /// What you call it, 1 to 100 characters.
    #[schema(value_type = Option<texts::Name>)]
    name: Option<String>,
    /// What it may be used for, all of it: scopes that your own key has, at least one.
    #[schema(schema_with = changed_scopes, required = false)]
    scopes: Option<Vec<String>>,
    /// The addresses and networks (CIDR) it may be used from, all of them; an empty list is anywhere.
    #[schema(value_type = Option<Vec<texts::Network>>, max_items = 20)]
    allowed_ips: Option<Vec<String>>,
    /// From when on it is no longer valid; `null` is never.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<texts::FutureTime>)]
    expires_at: Option<Option<String>>,
}

/// Change an API key
///
/// Takes effect with the next request.
#[utoipa::path(
    patch, path = "/v1/api-keys/{id}", tag = "API keys", operation_id = "changeApiKey",
    params(("id" = texts::ApiKeyId, Path, description = "The key's id.", example = "key_01JDXW6N4A7Q2M8Z5T9V3B1C0D")),
    request_body = ChangeApiKey,
    responses((status = 200, description = "The key as it is now.", body = ApiKey)),
)]
pub(crate) async fn change(
    api: web::Data<Api>,
    caller: Caller,
    PathId(id): PathId<ApiKeyId>,
    Json(request): Json<ChangeApiKey>,
) -> Result<HttpResponse, ApiError> {
    let now = api.clock.now();
    let expiry = |text: Option<String>| text.map(|text| checked_expiry(&text, now)).transpose();
    let change = ApiKeyChange {
        name: request.name.as_deref().map(checked_name).transpose()?,
        scopes: request.scopes.as_deref().map(checked_scopes).transpose()?,
        networks: request.allowed_ips.as_deref().map(checked_networks).transpose()?,
        expires_at: request.expires_at.map(expiry).transpose()?,
    };
    let store = api.acting(caller, "key.change", id);
    let changed = async move {
        let (workspace, held) = (caller.workspace, caller.scopes);
        store.change_api_key(workspace, id, held, change, now).await
    };
    let key = api.change_access(changed).await?;
    Ok(HttpResponse::Ok().json(ApiKey::from(key)))
}
