//! `POST /v1/webhooks/{id}/replay` and `GET /v1/webhooks/{id}/replays/{replayId}`.

use actix_web::http::header::LOCATION;
use actix_web::{HttpResponse, web};
use postern_domain::webhook::WebhookChecks;
use postern_domain::{IdError, Timestamp, WebhookId};
use postern_store::{ReplayError, ReplayRequest};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::errors::{ApiError, ErrorCode};
use crate::extract::{Json, PathId, ReplayPath};
use crate::texts;
use crate::{Api, Caller};

/// Which events are to be sent again: one by its `eventId`, those of a time from `from` on, or with `failed` those that were
/// given up, of all times or of that time.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(example = json!({ "failed": true }))]
pub(crate) struct ReplayEvents {
    /// This event alone.
    #[schema(example = "evt_01JDXW6N4A7Q2M8Z5T9V3B1C0D")]
    event_id: Option<String>,
    /// Events that happened at this time or later.
    #[schema(format = DateTime)]
    from: Option<String>,
    /// Events that happened before this time; left out is now.
    #[schema(format = DateTime)]
    until: Option<String>,
    /// Only events whose delivery was given up.
    #[serde(default)]
    failed: bool,
}

/// Events that are being sent again, or were. The last 20 of an endpoint are remembered.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Replay {
    /// Its id.
    #[schema(example = "rpl_01JDXW6N4A7Q2M8Z5T9V3B1C0D")]
    id: String,
    /// The endpoint.
    #[schema(example = "whk_01JDXW6N4A7Q2M8Z5T9V3B1C0D")]
    webhook_id: String,
    /// `running` while events are being looked for, then `done`: every event that was found is sent, or waits for its next
    /// try.
    #[schema(example = "running")]
    status: &'static str,
    /// How much of the range was looked through, in percent.
    #[schema(minimum = 0, maximum = 100, example = 40)]
    progress: u64,
    /// How many events were found and are sent again.
    #[schema(example = 12)]
    found: u64,
    /// When it was asked for.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it was done.
    #[schema(required, format = DateTime, example = json!(null))]
    ended_at: Option<String>,
}

/// Send events again
///
/// Works in the background: follow it at `Location`. Events come under the ids they had, so consumers that fold by
/// `webhook-id` have to let them through. What the endpoint has still to get comes anyway and is left out of a time. An
/// endpoint has one replay at a time: `409 INVALID_STATE` until the one before is done, and while the endpoint is disabled.
#[utoipa::path(
    post, path = "/v1/webhooks/{id}/replay", tag = "Webhooks", operation_id = "replayWebhook",
    params(("id" = texts::WebhookId, Path, description = "The endpoint.", example = "whk_01JDXW6N4A7Q2M8Z5T9V3B1C0D")),
    request_body = ReplayEvents,
    responses((status = 202, description = "Asked for; `Location` names it.", body = Replay, headers(
        ("Location" = String, description = "The replay, e.g. `/v1/webhooks/whk_…/replays/rpl_…`.")
    ))),
)]
pub(crate) async fn replay(
    api: web::Data<Api>,
    caller: Caller,
    PathId(id): PathId<WebhookId>,
    Json(request): Json<ReplayEvents>,
) -> Result<HttpResponse, ApiError> {
    let wanted = request.check()?;
    let now = api.clock.now();
    let store = api.acting(caller, "webhook.replay", id);
    let asked = store.replay_events(caller.workspace, id, wanted, now).await;
    let replay = asked.map_err(refused)?;
    api.wakes.webhooks.ring();
    Ok(HttpResponse::Accepted()
        .insert_header((LOCATION, format!("/v1/webhooks/{id}/replays/{}", replay.id)))
        .json(Replay::from(replay)))
}

/// Follow a replay
#[utoipa::path(
    get, path = "/v1/webhooks/{id}/replays/{replayId}", tag = "Webhooks", operation_id = "getWebhookReplay",
    params(
        ("id" = texts::WebhookId, Path, description = "The endpoint.", example = "whk_01JDXW6N4A7Q2M8Z5T9V3B1C0D"),
        ("replayId" = texts::ReplayId, Path, description = "The replay.", example = "rpl_01JDXW6N4A7Q2M8Z5T9V3B1C0D"),
    ),
    responses((status = 200, description = "How far it is.", body = Replay)),
)]
pub(crate) async fn show_replay(
    api: web::Data<Api>,
    caller: Caller,
    path: ReplayPath,
) -> Result<HttpResponse, ApiError> {
    let found = api
        .store
        .replay(caller.workspace, path.webhook, path.replay)
        .await?;
    let replay = found.ok_or_else(|| ApiError::no_such("replay"))?;
    Ok(HttpResponse::Ok().json(Replay::from(replay)))
}

impl ReplayEvents {
    fn check(self) -> Result<ReplayRequest, ApiError> {
        let mut checks = WebhookChecks::default();
        let mut time = |field: &str, text: Option<String>| {
            let time = text.map(|text| Timestamp::from_rfc3339(&text).ok_or(()));
            time.transpose().unwrap_or_else(|()| {
                let message = "must be a time in RFC 3339 with an offset, e.g. 2026-12-01T09:00:00Z";
                checks.refuse(field, message);
                None
            })
        };
        let (from, until) = (time("from", self.from), time("until", self.until));
        let event = self.event_id.map(|id| id.parse()).transpose();
        let event = event.unwrap_or_else(|why: IdError| {
            checks.refuse("eventId", why.to_string());
            None
        });
        checks.done()?;
        let ranged = from.is_some() || until.is_some() || self.failed;
        match event {
            Some(_) if ranged => Err(ApiError::field(
                "eventId",
                "names one event; leave from, until and failed out",
            )),
            Some(event) => Ok(ReplayRequest::Event(event)),
            None if from.is_none() && !self.failed => Err(ApiError::field(
                "from",
                "say what to send again: send eventId, from, or \"failed\": true",
            )),
            None if from.zip(until).is_some_and(|(from, until)| until <= from) => {
                Err(ApiError::field("until", "must be later than from"))
            }
            None => Ok(ReplayRequest::Range {
                from,
                until,
                parked: self.failed,
            }),
        }
    }
}

/// Why events are not sent again.
pub(super) fn refused(error: ReplayError) -> ApiError {
    match error {
        ReplayError::UnknownWebhook => ApiError::no_such("webhook"),
        ReplayError::UnknownEvent => ApiError::no_such("event"),
        ReplayError::NotWanted => ApiError::new(
            ErrorCode::InvalidState,
            "the endpoint does not want events of its type and device; PATCH its eventTypes or deviceIds",
        ),
        ReplayError::Disabled => ApiError::new(
            ErrorCode::InvalidState,
            "the endpoint is disabled; enable it with PATCH /v1/webhooks/{id} and {\"enabled\": true}",
        ),
        ReplayError::UnderWay(before) => ApiError::new(
            ErrorCode::InvalidState,
            format!("{before} is not done; an endpoint has one replay at a time"),
        ),
        ReplayError::Store(error) => error.into(),
    }
}

impl From<postern_store::Replay> for Replay {
    fn from(replay: postern_store::Replay) -> Self {
        Self {
            id: replay.id.to_string(),
            webhook_id: replay.webhook.to_string(),
            status: if replay.ended_at.is_some() {
                "done"
            } else {
                "running"
            },
            progress: replay.progress(),
            found: replay.found,
            created_at: replay.created_at.to_rfc3339(),
            ended_at: replay.ended_at.map(Timestamp::to_rfc3339),
        }
    }
}
