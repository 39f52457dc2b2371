//! `PATCH /v1/webhooks/{id}`.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, web};
use postern_domain::Timestamp;
use postern_domain::webhook::{WebhookChecks, WebhookTarget};
use postern_store::WebhookChange;
use serde::Deserialize;
use utoipa::ToSchema;

use super::dto::Webhook;
use crate::errors::ApiError;
use crate::extract::{Json, OwnedWebhook, given, given_whole};
use crate::texts;
use crate::{Api, Caller};

/// What is to be changed; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(example = json!({ "enabled": true }))]
pub(crate) struct ChangeWebhook {
    /// Where events are sent. Another URL is challenged like a new endpoint, with the present secret.
    #[schema(value_type = Option<texts::WebhookUrl>)]
    url: Option<String>,
    /// The types of events it gets; `["*"]` is all.
    #[schema(schema_with = texts::wanted_types, required = false)]
    event_types: Option<Vec<String>>,
    /// It gets the events of these devices only; `null` is all.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Vec<texts::DeviceId>>, min_items = 1, max_items = 100)]
    device_ids: Option<Option<Vec<String>>>,
    /// Headers of yours that every request carries: these instead of those there were.
    #[schema(schema_with = texts::headers, required = false)]
    headers: Option<BTreeMap<String, String>>,
    /// What you call it, at most 200 characters.
    #[schema(value_type = Option<texts::Remark>)]
    description: Option<String>,
    /// Whether events are delivered to it. One that is enabled again goes on where it stood, with the events that were kept
    /// for it.
    enabled: Option<bool>,
    /// Deliveries a minute at most, 1 to 60000; `null` is no limit.
    #[serde(default, deserialize_with = "given_whole")]
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 60_000)]
    rate_cap: Option<Option<u32>>,
    /// Whether the next event of a device waits until the one before it is delivered or given up.
    ordered: Option<bool>,
    /// Do not challenge the new URL. Only where the configuration of the gateway allows it.
    #[serde(default)]
    skip_verification: bool,
}

/// Change a webhook endpoint
///
/// Takes effect at once. `{"enabled": true}` brings back one that was disabled, by whatever.
#[utoipa::path(
    patch, path = "/v1/webhooks/{id}", tag = "Webhooks", operation_id = "changeWebhook",
    params(("id" = texts::WebhookId, Path, description = "The endpoint.", example = "whk_01JDXW6N4A7Q2M8Z5T9V3B1C0D")),
    request_body = ChangeWebhook,
    responses((status = 200, description = "The endpoint as it is now.", body = Webhook)),
)]
pub(crate) async fn change(
    api: web::Data<Api>,
    caller: Caller,
    OwnedWebhook(webhook): OwnedWebhook,
    Json(request): Json<ChangeWebhook>,
) -> Result<HttpResponse, ApiError> {
    let new_url = request.url.clone().filter(|url| *url != webhook.url);
    let (mut change, skip) = api.checked_change(request)?;
    let devices = change.devices.as_ref().and_then(Option::as_deref);
    api.check_devices(caller, devices).await?;
    if let Some(url) = new_url {
        let verified_at = api.verify_move(&webhook, &url, &change, skip).await?;
        change.url = Some((url, verified_at));
    }
    let (id, now) = (webhook.id, api.clock.now());
    let store = api.acting(caller, action(&change), id);
    let changed = store.change_webhook(caller.workspace, id, change, now).await?;
    let changed = changed.ok_or_else(|| ApiError::no_such("webhook"))?;
    api.wakes.webhooks.ring();
    Ok(HttpResponse::Ok().json(api.shown(changed).await?))
}

/// Switching it on or off has a name of its own.
fn action(change: &WebhookChange) -> &'static str {
    let switched = |enabled| WebhookChange {
        enabled: Some(enabled),
        ..WebhookChange::default()
    };
    match change {
        change if *change == switched(true) => "webhook.enable",
        change if *change == switched(false) => "webhook.pause",
        _ => "webhook.change",
    }
}

impl Api {
    /// Everything but the URL as it will be stored, and whether the URL is not to be challenged.
    fn checked_change(&self, request: ChangeWebhook) -> Result<(WebhookChange, bool), ApiError> {
        let mut checks = WebhookChecks::default();
        if let Some(url) = &request.url {
            checks.url(url, self.probe.as_ref());
        }
        let change = WebhookChange {
            url: None,
            event_types: request.event_types.map(|names| checks.event_types(&names)),
            devices: request.device_ids.map(|ids| ids.map(|ids| checks.devices(&ids))),
            headers: request.headers.map(|headers| checks.headers(headers)),
            description: request.description.map(|text| checks.description(&text)),
            enabled: request.enabled,
            rate_cap: request.rate_cap.map(|rate| checks.rate_cap(rate)),
            ordered: request.ordered,
        };
        let skip = checks.skip_verification(request.skip_verification, self.config.unverified_webhooks);
        checks.done()?;
        Ok((change, skip))
    }

    /// Challenges the URL that an endpoint moves to, unless that is skipped; answers when it passed.
    async fn verify_move(
        &self,
        webhook: &postern_store::Webhook,
        url: &str,
        change: &WebhookChange,
        skip: bool,
    ) -> Result<Option<Timestamp>, ApiError> {
        if skip {
            return Ok(None);
        }
        let present = webhook.target(self.clock.now());
        let target = WebhookTarget {
            url: url.to_owned(),
            headers: change.headers.clone().unwrap_or(present.headers),
            secrets: present.secrets,
        };
        self.challenge(webhook.workspace, &target).await.map(Some)
    }
}
