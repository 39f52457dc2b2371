//! `POST /v1/api-keys/{id}/rotate`.

use std::time::Duration;

use actix_web::http::header::LOCATION;
use actix_web::{HttpResponse, web};
use postern_domain::ApiKeyId;
use postern_domain::key::{KEY_OVERLAP, MOST_KEY_OVERLAP, checked_expiry};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::dto::{ApiKey, NewApiKey};
use crate::errors::ApiError;
use crate::extract::{OptionalJson, PathId, maybe_whole};
use crate::texts;
use crate::{Api, ApiKeySecret, Caller};

/// How a key is replaced.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(example = json!({ "overlapSeconds": 3600 }))]
pub(crate) struct RotateApiKey {
    /// For how many seconds the old key stays valid, at most 30 days; 0 ends it at once.
    #[schema(minimum = 0, maximum = 2_592_000, default = 86_400)]
    #[serde(default, deserialize_with = "maybe_whole")]
    overlap_seconds: Option<u32>,
    /// From when on the new key is no longer valid; as the old one unless told.
    #[schema(value_type = Option<texts::FutureTime>)]
    expires_at: Option<String>,
}

/// A key and the one it takes the place of.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RotatedApiKey {
    /// The new key.
    #[serde(flatten)]
    new: NewApiKey,
    /// The old one, with its end.
    replaces: ApiKey,
}

/// Rotate an API key
///
/// Makes a key with the same name, scopes and networks, and lets the old one end after an overlap: bring the new one to
/// those who use the old one meanwhile. The new key has an id of its own.
#[utoipa::path(
    post, path = "/v1/api-keys/{id}/rotate", tag = "API keys", operation_id = "rotateApiKey",
    params(("id" = texts::ApiKeyId, Path, description = "The old key's id.", example = "key_01JDXW6N4A7Q2M8Z5T9V3B1C0D")),
    request_body(content = Option<RotateApiKey>),
    responses((status = 201, description = "The new key, shown this once; `Location` names it.", body = RotatedApiKey,
        headers(("Location" = String, description = "The new key, e.g. `/v1/api-keys/key_…`.")))),
)]
pub(crate) async fn rotate(
    api: web::Data<Api>,
    caller: Caller,
    PathId(id): PathId<ApiKeyId>,
    OptionalJson(request): OptionalJson<RotateApiKey>,
) -> Result<HttpResponse, ApiError> {
    let now = api.clock.now();
    let overlap = request
        .overlap_seconds
        .map_or(KEY_OVERLAP, |seconds| Duration::from_secs(seconds.into()));
    if overlap > MOST_KEY_OVERLAP {
        let why = format!("must be at most {}", MOST_KEY_OVERLAP.as_secs());
        return Err(ApiError::field("overlapSeconds", why));
    }
    let expiry = request.expires_at.as_deref();
    let expiry = expiry.map(|text| checked_expiry(text, now)).transpose()?;
    let secret = ApiKeySecret::generate(api.config.key_kind);
    let (store, new_secret) = (api.acting(caller, "key.rotate", id), secret.clone());
    let rotated = async move {
        let successor = move |old: &postern_store::ApiKey| {
            let mut new =
                postern_store::NewApiKey::of(&new_secret, old.workspace, old.name.clone(), old.scopes);
            new.networks.clone_from(&old.networks);
            new.expires_at = expiry.or(old.expires_at);
            new
        };
        let until = now.after(overlap);
        let (workspace, held) = (caller.workspace, caller.scopes);
        store
            .rotate_api_key(workspace, id, held, until, now, successor)
            .await
    };
    let (old, new) = api.change_access(rotated).await?;
    Ok(HttpResponse::Created()
        .insert_header((LOCATION, format!("/v1/api-keys/{}", new.id)))
        .json(RotatedApiKey {
            new: NewApiKey::new(&secret, new),
            replaces: ApiKey::from(old),
        }))
}
