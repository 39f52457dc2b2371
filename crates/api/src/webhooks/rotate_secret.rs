//! `POST /v1/webhooks/{id}/rotate-secret`.

use std::time::Duration;

use actix_web::{HttpResponse, web};
use postern_domain::webhook::WebhookSecret;
use postern_domain::{Timestamp, WebhookId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::errors::ApiError;
use crate::extract::{OptionalJson, PathId, maybe_whole};
use crate::texts;
use crate::{Api, Caller};

/// How a secret is replaced.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(example = json!({ "overlapHours": 24 }))]
pub(crate) struct RotateSecret {
    /// For how many hours requests carry a signature of the old secret as well, 0 to 168. Enough to bring the new one to
    /// wherever signatures are verified; 0 when the old one leaked.
    #[schema(minimum = 0, maximum = 168, default = 24)]
    #[serde(default, deserialize_with = "maybe_whole")]
    overlap_hours: Option<u32>,
}

/// A new secret.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NewSecret {
    /// Verifies the signatures of what is sent from now on. Shown here and never again.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=")]
    secret: String,
    /// Until when the one before signs as well; `null` when it does not.
    #[schema(required, format = DateTime)]
    previous_secret_until: Option<String>,
}

/// Replace the secret of a webhook endpoint
///
/// The new secret signs from now on; the one before signs as well until the overlap ends. One that was replaced even before
/// it signs no more.
#[utoipa::path(
    post, path = "/v1/webhooks/{id}/rotate-secret", tag = "Webhooks", operation_id = "rotateWebhookSecret",
    params(("id" = texts::WebhookId, Path, description = "The endpoint.", example = "whk_01JDXW6N4A7Q2M8Z5T9V3B1C0D")),
    request_body(content = Option<RotateSecret>),
    responses((status = 200, description = "The new secret. Store it now.", body = NewSecret)),
)]
pub(crate) async fn rotate_secret(
    api: web::Data<Api>,
    caller: Caller,
    PathId(id): PathId<WebhookId>,
    OptionalJson(request): OptionalJson<RotateSecret>,
) -> Result<HttpResponse, ApiError> {
    let hours = request
        .overlap_hours
        .map_or(WebhookSecret::OVERLAP_HOURS, u64::from);
    if hours > WebhookSecret::MOST_OVERLAP_HOURS {
        let message = format!(
            "must be a whole number from 0 to {}",
            WebhookSecret::MOST_OVERLAP_HOURS
        );
        return Err(ApiError::field("overlapHours", message));
    }
    let (secret, now) = (WebhookSecret::generate(), api.clock.now());
    let until = now.after(Duration::from_hours(hours));
    let rotated = api
        .acting(caller, "webhook.secret", id)
        .rotate_webhook_secret(caller.workspace, id, secret.clone(), until, now)
        .await?;
    let webhook = rotated.ok_or_else(|| ApiError::no_such("webhook"))?;
    api.wakes.webhooks.ring();
    let previous = webhook.previous_secret.map(|(_, until)| until);
    Ok(HttpResponse::Ok().json(NewSecret {
        secret: secret.to_text(),
        previous_secret_until: previous.map(Timestamp::to_rfc3339),
    }))
}
