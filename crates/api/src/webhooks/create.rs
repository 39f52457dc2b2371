//! `POST /v1/webhooks`.

use std::collections::BTreeMap;

use actix_web::http::header::LOCATION;
use actix_web::{HttpResponse, web};
use postern_domain::WebhookId;
use postern_domain::webhook::{EventTypes, WebhookChecks, WebhookSecret, WebhookTarget};
use postern_store::{MOST_WEBHOOKS, NewWebhook, WebhookError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::dto::Webhook;
use crate::errors::{ApiError, ErrorCode};
use crate::extract::{Json, maybe_whole};
use crate::texts;
use crate::{Api, Caller};

/// An endpoint to create.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(example = json!({
    "url": "https://example.com/hooks/whatsapp",
    "eventTypes": ["message.received", "message.delivered", "message.failed"],
    "description": "Order updates",
}))]
pub(crate) struct CreateWebhook {
    /// Where events are sent: `https://…`, or plain `http` and private addresses where the configuration of the gateway
    /// allows them.
    #[schema(value_type = texts::WebhookUrl)]
    url: String,
    /// The types of events it gets; left out or `["*"]` is all, also those of later releases.
    #[schema(schema_with = texts::wanted_types_or_all, required = false)]
    event_types: Option<Vec<String>>,
    /// It gets the events of these devices only; left out or `null` is all. Events of no device are not affected.
    #[schema(value_type = Option<Vec<texts::DeviceId>>, min_items = 1, max_items = 100)]
    device_ids: Option<Vec<String>>,
    /// Headers of yours that every request carries, at most 20 with values of at most 1 KiB. Those of the connection,
    /// `Host` and `webhook-*` cannot be set.
    #[schema(schema_with = texts::headers, required = false)]
    headers: Option<BTreeMap<String, String>>,
    /// What you call it, at most 200 characters.
    #[schema(value_type = Option<texts::Remark>)]
    description: Option<String>,
    /// Whether events are delivered to it.
    #[schema(default = true)]
    enabled: Option<bool>,
    /// Deliveries a minute at most, 1 to 60000; left out or `null` is no limit.
    #[schema(minimum = 1, maximum = 60_000)]
    #[serde(default, deserialize_with = "maybe_whole")]
    rate_cap: Option<u32>,
    /// Whether the next event of a device waits until the one before it is delivered or given up.
    #[serde(default)]
    ordered: bool,
    /// Do not challenge it. Only where the configuration of the gateway allows it.
    #[serde(default)]
    skip_verification: bool,
}

/// The new endpoint, with its secret.
#[derive(Serialize, ToSchema)]
pub(crate) struct CreatedWebhook {
    #[serde(flatten)]
    webhook: Webhook,
    /// Verifies the signatures of what is sent to it. Shown here and never again; rotate it when it is lost.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=")]
    secret: String,
}

/// Create a webhook endpoint
///
/// The gateway first challenges the URL: it posts `{"type":"webhook.challenge","data":{"token":"…"}}`, and the endpoint has
/// to answer 2xx with `{"token":"…"}`. From then on it gets every event it wants that happens, signed as Standard Webhooks
/// describe. Store the `secret`: it is shown only here. A workspace has 50 endpoints at most.
#[utoipa::path(
    post, path = "/v1/webhooks", tag = "Webhooks", operation_id = "createWebhook",
    request_body = CreateWebhook,
    responses((status = 201, description = "Created; `Location` names it.", body = CreatedWebhook, headers(
        ("Location" = String, description = "The new endpoint, e.g. `/v1/webhooks/whk_…`.")
    ))),
)]
pub(crate) async fn create(
    api: web::Data<Api>,
    caller: Caller,
    Json(request): Json<CreateWebhook>,
) -> Result<HttpResponse, ApiError> {
    let (mut new, skip) = api.checked(caller, request)?;
    api.check_devices(caller, new.devices.as_deref()).await?;
    if !skip {
        let target = WebhookTarget {
            url: new.url.clone(),
            headers: new.headers.clone(),
            secrets: vec![new.secret.clone()],
        };
        new.verified_at = Some(api.challenge(caller.workspace, &target).await?);
    }
    let secret = new.secret.to_text();
    let store = api.acting(caller, "webhook.create", new.id);
    let created = store.create_webhook(new, api.clock.now()).await;
    let webhook = created.map_err(refused)?;
    api.wakes.webhooks.ring();
    let location = format!("/v1/webhooks/{}", webhook.id);
    let webhook = api.shown(webhook).await?;
    Ok(HttpResponse::Created()
        .insert_header((LOCATION, location))
        .json(CreatedWebhook { webhook, secret }))
}

impl Api {
    /// The endpoint as it will be stored, and whether it is not to be challenged.
    fn checked(&self, caller: Caller, request: CreateWebhook) -> Result<(NewWebhook, bool), ApiError> {
        let mut checks = WebhookChecks::default();
        checks.url(&request.url, self.probe.as_ref());
        let types = request.event_types;
        let new = NewWebhook {
            id: WebhookId::generate(),
            workspace: caller.workspace,
            url: request.url,
            event_types: types.map_or(EventTypes::ALL, |names| checks.event_types(&names)),
            devices: request.device_ids.map(|ids| checks.devices(&ids)),
            headers: checks.headers(request.headers.unwrap_or_default()),
            description: checks.description(&request.description.unwrap_or_default()),
            secret: WebhookSecret::generate(),
            ordered: request.ordered,
            rate_cap: checks.rate_cap(request.rate_cap),
            enabled: request.enabled.unwrap_or(true),
            verified_at: None,
        };
        let skip = checks.skip_verification(request.skip_verification, self.config.unverified_webhooks);
        checks.done()?;
        Ok((new, skip))
    }
}

fn refused(error: WebhookError) -> ApiError {
    match error {
        WebhookError::TooMany => ApiError::new(
            ErrorCode::InvalidState,
            format!("the workspace has {MOST_WEBHOOKS} endpoints, which is the most; remove one first"),
        ),
        WebhookError::Store(error) => error.into(),
    }
}
