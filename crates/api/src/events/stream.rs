//! `GET /v1/events/stream`.

use std::time::Duration;

use actix_web::http::Method;
use actix_web::http::header::HeaderName;
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::stream;
use postern_domain::EventId;
use postern_store::EventFilter;

use super::feed::{Feed, Wanted};
use super::format::Format;
use crate::auth::Pass;
use crate::errors::{ApiError, ErrorCode};
use crate::extract::{FromQuery, Query, QueryFields};
use crate::texts;
use crate::{Api, Caller};

/// Where browsers and libraries say which event was the last they got.
const LAST_EVENT_ID: &str = "Last-Event-ID";
/// Tells proxies to pass on every piece as it comes.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
/// When to ask again for a place.
const FULL_RETRY: Duration = Duration::from_secs(5);

/// Which events to stream.
pub(crate) struct StreamEvents {
    filter: EventFilter,
    last: Option<EventId>,
}

impl FromQuery for StreamEvents {
    fn from_query(fields: &mut QueryFields) -> Self {
        Self {
            filter: fields.event_filter(),
            last: fields.id("lastEventId"),
        }
    }
}

/// How [`StreamEvents`] is documented.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by the documentation only")]
pub(crate) struct StreamEventsParams {
    /// Only events of these types, with commas in between.
    #[param(rename = "type", example = "message.received")]
    #[param(value_type = Option<texts::EventTypeNames>)]
    kind: Option<String>,
    /// Only events of this device.
    #[param(rename = "deviceId", example = "dev_01JDXW6N4A7Q2M8Z5T9V3B1C0D")]
    #[param(value_type = Option<texts::DeviceId>)]
    device_id: Option<String>,
    /// Begin with the changes made at this time; without it and without a last event the stream begins now.
    #[param(format = DateTime)]
    from: Option<String>,
    /// The last event you got, where the header `Last-Event-ID` cannot be set; the header wins.
    #[param(rename = "lastEventId", example = "evt_01KBC31ZM00000000000000003")]
    #[param(value_type = Option<texts::EventId>)]
    last_event_id: Option<String>,
}

/// A server-sent event, its fields put together.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "read by the documentation only")]
pub(crate) struct ServerSentEvent {
    /// The id of the event; comes back as `Last-Event-ID`.
    #[schema(value_type = texts::EventId)]
    id: String,
    /// Its type.
    #[schema(value_type = texts::EventTypeName)]
    event: String,
    /// The JSON that its webhook carries, as text: an `EventBody`.
    data: String,
}

/// Follow events
///
/// Server-sent events that do not end: `id` is the event's id, `event` its type, `data` the JSON that its webhook carries.
/// A comment comes every 15 seconds when nothing else does. When the connection ends, connect again with `Last-Event-ID`:
/// the stream goes on after that event, nothing is missed and nothing comes twice. When that event is no longer in the log
/// the answer is `410 EVENT_GONE`, with the oldest one there is in the header `Oldest-Event-Id`.
///
/// With `Accept: application/x-protobuf` it is a sequence of `postern.v1.Event`, each after its length as a varint; one
/// without fields (a zero byte) says that the stream is alive.
///
/// `curl -N -H "Authorization: Bearer $KEY" http://127.0.0.1:8480/v1/events/stream`
#[utoipa::path(
    get, path = "/v1/events/stream", tag = "Events", operation_id = "streamEvents",
    params(
        ("Last-Event-ID" = Option<texts::LastEventId>, Header, description = "The last event you got.",
            example = "evt_01KBC31ZM00000000000000003"),
        StreamEventsParams,
    ),
    responses((status = 200, description = "Events, as they happen.", content(
        (ServerSentEvent = "text/event-stream"), (String = "application/x-protobuf"),
    ))),
)]
pub(crate) async fn stream(
    api: web::Data<Api>,
    caller: Caller,
    pass: Pass,
    Query(query): Query<StreamEvents>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let last = last_event_id(&request)?.or(query.last);
    // Before the place is looked up, so that nothing falls in between.
    let lane = api.tail.lane(caller.workspace);
    let place = match (last, query.filter.from) {
        (Some(id), _) => api.place_of(caller.workspace, id).await?,
        (None, Some(_)) => 0,
        (None, None) => api.tail.end(),
    };
    let wanted = Wanted {
        workspace: caller.workspace,
        filter: query.filter,
        format: Format::accepted(request.headers()),
    };
    let feed = Feed::new(api.clone().into_inner(), pass, lane, wanted, place);
    let pieces = stream::unfold(feed, |mut feed| async move {
        let piece = feed.next().await?;
        Some((piece, feed))
    });
    let seated = api.seats.take(caller.workspace, pieces).ok_or_else(full)?;
    let mut answer = HttpResponse::Ok();
    answer.content_type(wanted.format.of_a_stream());
    answer.insert_header((X_ACCEL_BUFFERING, "no"));
    if request.method() == Method::HEAD {
        return Ok(answer.finish());
    }
    Ok(answer.streaming(seated))
}

fn last_event_id(request: &HttpRequest) -> Result<Option<EventId>, ApiError> {
    // Empty is what some libraries say that have none yet.
    let sent = request.headers().get(LAST_EVENT_ID);
    let Some(value) = sent.filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or_default();
    let id = text.parse();
    id.map(Some)
        .map_err(|error: postern_domain::IdError| ApiError::field(LAST_EVENT_ID, error.to_string()))
}

fn full() -> ApiError {
    let message = "there is no place for another stream of your workspace; end one, or ask again later";
    ApiError::new(ErrorCode::TooManyStreams, message).retry_after(FULL_RETRY)
}
