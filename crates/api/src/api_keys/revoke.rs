//! `DELETE /v1/api-keys/{id}`.

use actix_web::{HttpResponse, web};
use postern_domain::ApiKeyId;

use crate::errors::ApiError;
use crate::extract::PathId;
use crate::texts;
use crate::{Api, Caller};

/// Revoke an API key
///
/// It is refused from the next request on, and there is no way back. It stays in the list, with the time.
#[utoipa::path(
    delete, path = "/v1/api-keys/{id}", tag = "API keys", operation_id = "revokeApiKey",
    params(("id" = texts::ApiKeyId, Path, description = "The key's id.", example = "key_01JDXW6N4A7Q2M8Z5T9V3B1C0D")),
    responses((status = 204, description = "Revoked, now or before.")),
)]
pub(crate) async fn revoke(
    api: web::Data<Api>,
    caller: Caller,
    PathId(id): PathId<ApiKeyId>,
) -> Result<HttpResponse, ApiError> {
    let (store, now) = (api.acting(caller, "key.revoke", id), api.clock.now());
    let revoked = async move {
        let (workspace, held) = (caller.workspace, caller.scopes);
        store.revoke_api_key(workspace, id, held, now).await
    };
    api.change_access(revoked).await?;
    Ok(HttpResponse::NoContent().finish())
}
