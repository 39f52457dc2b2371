//! `POST /v1/events/{id}/redeliver`.

use actix_web::{HttpResponse, web};
use postern_domain::{EventId, IdError, WebhookId};
use postern_store::{Redelivery, ReplayError, ReplayRequest};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::replay::{Replay, refused};
use crate::errors::ApiError;
use crate::extract::{OptionalJson, PathId};
use crate::texts;
use crate::{Api, Caller};

/// To whom an event is sent again.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(example = json!({ "webhookId": "whk_01JDXW6N4A7Q2M8Z5T9V3B1C0D" }))]
pub(crate) struct RedeliverEvent {
    /// This endpoint; left out is every enabled endpoint that wants the event.
    #[schema(value_type = Option<texts::WebhookId>)]
    webhook_id: Option<String>,
}

/// To whom the event is sent again.
#[derive(Serialize, ToSchema)]
pub(crate) struct Redelivered {
    /// A replay for each endpoint that gets it.
    replays: Vec<Replay>,
    /// Endpoints that want it and do not get it, because their replay before is not done: ask again later.
    #[schema(example = json!([]))]
    busy: Vec<String>,
}

/// Send an event again
///
/// To one endpoint, or to every enabled one that wants it. It comes under the id it had.
#[utoipa::path(
    post, path = "/v1/events/{id}/redeliver", tag = "Webhooks", operation_id = "redeliverEvent",
    params(("id" = texts::EventId, Path, description = "The event.", example = "evt_01JDXW6N4A7Q2M8Z5T9V3B1C0D")),
    request_body(content = Option<RedeliverEvent>),
    responses((status = 202, description = "Asked for.", body = Redelivered)),
)]
pub(crate) async fn redeliver(
    api: web::Data<Api>,
    caller: Caller,
    PathId(id): PathId<EventId>,
    OptionalJson(request): OptionalJson<RedeliverEvent>,
) -> Result<HttpResponse, ApiError> {
    let webhook = request.webhook_id.map(|id| id.parse()).transpose();
    let webhook = webhook.map_err(|why: IdError| ApiError::field("webhookId", why.to_string()))?;
    let asked = api.ask_again(caller, id, webhook).await;
    let Redelivery { replays, busy } = asked.map_err(refused)?;
    api.wakes.webhooks.ring();
    Ok(HttpResponse::Accepted().json(Redelivered {
        replays: replays.into_iter().map(Replay::from).collect(),
        busy: busy.iter().map(WebhookId::to_string).collect(),
    }))
}

impl Api {
    async fn ask_again(
        &self,
        caller: Caller,
        event: EventId,
        webhook: Option<WebhookId>,
    ) -> Result<Redelivery, ReplayError> {
        let (workspace, now) = (caller.workspace, self.clock.now());
        let Some(webhook) = webhook else {
            let store = self.acting(caller, "event.redeliver", event);
            return store.redeliver(workspace, event, now).await;
        };
        let act = self.act(caller, "webhook.replay", webhook, event);
        let (store, request) = (self.store.acting(act), ReplayRequest::Event(event));
        let replay = store.replay_events(workspace, webhook, request, now).await?;
        Ok(Redelivery {
            replays: vec![replay],
            busy: Vec::new(),
        })
    }
}
