//! `GET /v1/webhooks/{id}`.

use actix_web::{HttpResponse, web};

use super::dto::Webhook;
use crate::Api;
use crate::errors::ApiError;
use crate::extract::OwnedWebhook;
use crate::texts;

/// Read a webhook endpoint
#[utoipa::path(
    get, path = "/v1/webhooks/{id}", tag = "Webhooks", operation_id = "getWebhook",
    params(("id" = texts::WebhookId, Path, description = "The endpoint.", example = "whk_01JDXW6N4A7Q2M8Z5T9V3B1C0D")),
    responses((status = 200, description = "The endpoint, and how its deliveries go.", body = Webhook)),
)]
pub(crate) async fn get(
    api: web::Data<Api>,
    OwnedWebhook(webhook): OwnedWebhook,
) -> Result<HttpResponse, ApiError> {
    Ok(HttpResponse::Ok().json(api.shown(webhook).await?))
}
