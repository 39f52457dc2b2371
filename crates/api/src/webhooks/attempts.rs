//! `GET /v1/webhooks/{id}/attempts`.

use actix_web::{HttpResponse, web};
use postern_domain::{Timestamp, WebhookId};
use postern_store::AttemptFilter;
use serde::Serialize;
use utoipa::ToSchema;

use super::dto::Outcome;
use crate::errors::ApiError;
use crate::extract::{FromQuery, PathId, Query, QueryFields};
use crate::page::{AttemptsStart, List, PageParams};
use crate::texts;
use crate::{Api, Caller};

/// Which tries to list.
pub(crate) struct ListAttempts {
    filter: AttemptFilter,
    limit: usize,
    cursor: Option<AttemptsStart>,
}

impl FromQuery for ListAttempts {
    fn from_query(fields: &mut QueryFields) -> Self {
        Self {
            filter: AttemptFilter {
                failed: fields.one_of("status", &[("failed", true), ("succeeded", false)]),
                event: fields.id("eventId"),
            },
            limit: fields.limit(),
            cursor: fields.cursor(),
        }
    }
}

/// How [`ListAttempts`] is documented.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by the documentation only")]
pub(crate) struct ListAttemptsParams {
    /// `failed` or `succeeded`.
    #[param(example = "failed")]
    #[param(value_type = Option<texts::OutcomeName>)]
    status: Option<String>,
    /// Only tries to deliver this event.
    #[param(rename = "eventId", example = "evt_01JDXW6N4A7Q2M8Z5T9V3B1C0D")]
    #[param(value_type = Option<texts::EventId>)]
    event_id: Option<String>,
}

/// A try to deliver an event.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Attempt {
    /// The event, which is the `webhook-id` of the request.
    #[schema(example = "evt_01JDXW6N4A7Q2M8Z5T9V3B1C0D")]
    event_id: String,
    /// The type of the event.
    #[serde(rename = "type")]
    #[schema(example = "message.received")]
    kind: &'static str,
    /// The how-manieth try of the event it was: 1 is the first.
    #[schema(example = 2)]
    number: u32,
    #[serde(flatten)]
    outcome: Outcome,
    /// When the next try was due after this one; `null` when there is none.
    #[schema(required, format = DateTime)]
    next_try_at: Option<String>,
}

/// List the tries to reach a webhook endpoint
///
/// Newest first, as far back as the gateway keeps them (a week unless configured otherwise). A page that looked for something
/// rare may have few tries or none although there are more: go on until `nextCursor` is `null`.
#[utoipa::path(
    get, path = "/v1/webhooks/{id}/attempts", tag = "Webhooks", operation_id = "listWebhookAttempts",
    params(
        ("id" = texts::WebhookId, Path, description = "The endpoint.", example = "whk_01JDXW6N4A7Q2M8Z5T9V3B1C0D"),
        ListAttemptsParams,
        PageParams,
    ),
    responses((status = 200, description = "A page of tries.", body = List<Attempt>)),
)]
pub(crate) async fn attempts(
    api: web::Data<Api>,
    caller: Caller,
    PathId(id): PathId<WebhookId>,
    Query(query): Query<ListAttempts>,
) -> Result<HttpResponse, ApiError> {
    let start = query.cursor.map(|AttemptsStart(start)| start);
    let page = api
        .store
        .webhook_attempts(caller.workspace, id, query.filter, query.limit, start)
        .await?;
    let page = page.ok_or_else(|| ApiError::no_such("webhook"))?;
    let next = page.next.map(AttemptsStart);
    Ok(HttpResponse::Ok().json(List::<Attempt>::new(page.rows, next.as_ref())))
}

impl From<postern_store::Attempt> for Attempt {
    fn from(tried: postern_store::Attempt) -> Self {
        Self {
            event_id: tried.event.to_string(),
            kind: tried.kind.name(),
            number: tried.number,
            outcome: Outcome::new(
                tried.failure,
                tried.status,
                &tried.excerpt,
                tried.at,
                tried.duration,
            ),
            next_try_at: tried.next_at.map(Timestamp::to_rfc3339),
        }
    }
}
