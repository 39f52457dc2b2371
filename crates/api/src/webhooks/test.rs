//! `POST /v1/webhooks/{id}/test`.

use actix_web::{HttpResponse, web};
use postern_domain::EventType;
use postern_domain::webhook::not_a_type;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::dto::Outcome;
use crate::errors::ApiError;
use crate::extract::{Json, OwnedWebhook};
use crate::texts;
use crate::{Api, Caller};

/// What is sent.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "type": "message.received" }))]
pub(crate) struct TestWebhook {
    /// An example of an event of this type.
    #[serde(rename = "type")]
    #[schema(value_type = texts::EventTypeName)]
    kind: String,
}

/// What became of it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Tested {
    /// The id the example was sent under, another one each time.
    #[schema(example = "evt_01JDXW6N4A7Q2M8Z5T9V3B1C0D")]
    event_id: String,
    #[serde(flatten)]
    outcome: Outcome,
}

/// Test a webhook endpoint
///
/// Sends an example of an event now, signed like a real one, and answers what the endpoint did. It does not matter whether
/// the endpoint is enabled and wants the type; nothing is recorded and nothing is tried again.
#[utoipa::path(
    post, path = "/v1/webhooks/{id}/test", tag = "Webhooks", operation_id = "testWebhook",
    params(("id" = texts::WebhookId, Path, description = "The endpoint.", example = "whk_01JDXW6N4A7Q2M8Z5T9V3B1C0D")),
    request_body = TestWebhook,
    responses((status = 200, description = "It was tried; the answer says how it ended.", body = Tested)),
)]
pub(crate) async fn test(
    api: web::Data<Api>,
    caller: Caller,
    OwnedWebhook(webhook): OwnedWebhook,
    Json(request): Json<TestWebhook>,
) -> Result<HttpResponse, ApiError> {
    let kind: EventType = request
        .kind
        .parse()
        .map_err(|()| ApiError::field("type", not_a_type()))?;
    let _place = api.probing(webhook.workspace)?;
    let act = api.act(caller, "webhook.test", webhook.id, kind);
    api.store.note(act).await?;
    let event = postern_payloads::fresh_example(kind, webhook.workspace, api.clock.now());
    let outcome = api.probe.deliver(&webhook.target(event.at), &event).await;
    Ok(HttpResponse::Ok().json(Tested {
        event_id: event.id.to_string(),
        outcome: outcome.into(),
    }))
}
