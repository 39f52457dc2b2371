//! `POST /v1/api-keys`.

use actix_web::http::header::LOCATION;
use actix_web::{HttpResponse, web};
use postern_domain::key::{checked_expiry, checked_networks, checked_scopes};
use postern_domain::{WorkspaceId, checked_name};
use serde::Deserialize;
use utoipa::ToSchema;

use super::dto::{NewApiKey, wanted_scopes};
use crate::auth::lacks;
use crate::errors::ApiError;
use crate::extract::Json;
use crate::texts;
use crate::{Api, ApiKeySecret, Caller};

/// An API key to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(example = json!({ "name": "order worker", "scopes": ["messages:send", "messages:read"] }))]
pub(crate) struct CreateApiKey {
    /// What you call it, 1 to 100 characters.
    #[schema(value_type = texts::Name)]
    name: String,
    /// What it may be used for: scopes that your own key has, at least one.
    #[schema(schema_with = wanted_scopes)]
    scopes: Vec<String>,
    /// The addresses and networks (CIDR) it may be used from, at most 20; none is anywhere.
    #[serde(default)]
    #[schema(value_type = Vec<texts::Network>, max_items = 20, example = json!(["203.0.113.0/24"]))]
    allowed_ips: Vec<String>,
    /// From when on it is no longer valid: RFC 3339 with an offset, in the future; never unless told.
    #[schema(value_type = Option<texts::FutureTime>)]
    expires_at: Option<String>,
}

/// Make an API key
///
/// The answer shows the key, this once: the gateway stores only its hash. Nobody can give a scope that the own key does not
/// have.
#[utoipa::path(
    post, path = "/v1/api-keys", tag = "API keys", operation_id = "createApiKey",
    request_body = CreateApiKey,
    responses((status = 201, description = "Made; `Location` names it.", body = NewApiKey, headers(
        ("Location" = String, description = "The new key, e.g. `/v1/api-keys/key_…`.")
    ))),
)]
pub(crate) async fn create(
    api: web::Data<Api>,
    caller: Caller,
    Json(request): Json<CreateApiKey>,
) -> Result<HttpResponse, ApiError> {
    api.make_key(caller, caller.workspace, request).await
}

impl Api {
    /// Makes a key of any workspace for somebody who may.
    pub(crate) async fn make_key(
        &self,
        caller: Caller,
        workspace: WorkspaceId,
        request: CreateApiKey,
    ) -> Result<HttpResponse, ApiError> {
        let now = self.clock.now();
        let scopes = checked_scopes(&request.scopes)?;
        if let Some(scope) = scopes.first_beyond(caller.scopes) {
            return Err(lacks(scope));
        }
        let secret = ApiKeySecret::generate(self.config.key_kind);
        let mut key = postern_store::NewApiKey::of(&secret, workspace, checked_name(&request.name)?, scopes);
        key.networks = checked_networks(&request.allowed_ips)?;
        let expiry = request.expires_at.as_deref();
        key.expires_at = expiry.map(|text| checked_expiry(text, now)).transpose()?;
        let id = key.id;
        let act = self.act(caller, "key.create", id, "");
        self.acting_on(workspace, act).add_api_key(key, now).await?;
        let stored = self.store.api_key(workspace, id).await?;
        let stored = stored.ok_or_else(|| ApiError::internal("a key that was stored is not there"))?;
        Ok(HttpResponse::Created()
            .insert_header((LOCATION, format!("/v1/api-keys/{id}")))
            .json(NewApiKey::new(&secret, stored)))
    }
}
