//! `DELETE /v1/webhooks/{id}`.

use actix_web::{HttpResponse, web};
use postern_domain::WebhookId;

use crate::errors::ApiError;
use crate::extract::PathId;
use crate::texts;
use crate::{Api, Caller};

/// Remove a webhook endpoint
///
/// Nothing is delivered to it any more, and what is known of its deliveries is deleted. To stop for a while, disable it.
#[utoipa::path(
    delete, path = "/v1/webhooks/{id}", tag = "Webhooks", operation_id = "deleteWebhook",
    params(("id" = texts::WebhookId, Path, description = "The endpoint.", example = "whk_01JDXW6N4A7Q2M8Z5T9V3B1C0D")),
    responses((status = 204, description = "Removed.")),
)]
pub(crate) async fn delete(
    api: web::Data<Api>,
    caller: Caller,
    PathId(id): PathId<WebhookId>,
) -> Result<HttpResponse, ApiError> {
    let store = api.acting(caller, "webhook.remove", id);
    if !store.remove_webhook(caller.workspace, id).await? {
        return Err(ApiError::no_such("webhook"));
    }
    api.wakes.webhooks.ring();
    Ok(HttpResponse::NoContent().finish())
}
