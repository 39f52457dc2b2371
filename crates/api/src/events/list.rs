//! `GET /v1/events`.

use actix_web::http::header::HeaderName;
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::BytesMut;
use postern_domain::EventId;
use postern_payloads::LoggedEvent;
use postern_store::{EventFilter, EventPage, EventStart};

use super::format::{Format, PROTOBUF, delimited};
use crate::errors::ApiError;
use crate::extract::{FromQuery, Query, QueryFields};
use crate::page::{Cursor, List, PageParams, encode};
use crate::texts;
use crate::{Api, Caller};

/// Where `nextCursor` is in an answer that has no room for it.
const NEXT_CURSOR: HeaderName = HeaderName::from_static("next-cursor");

/// Which events to list.
pub(crate) struct ListEvents {
    filter: EventFilter,
    oldest_first: bool,
    after: Option<EventId>,
    limit: usize,
    cursor: Option<EventStart>,
}

impl FromQuery for ListEvents {
    fn from_query(fields: &mut QueryFields) -> Self {
        let orders = [("newest", false), ("oldest", true)];
        let after = fields.id("after");
        let order = fields.one_of("order", &orders);
        if after.is_some() && order == Some(false) {
            fields.refuse("after", "goes with the oldest first; leave `order` out");
        }
        Self {
            filter: EventFilter {
                until: fields.time("until"),
                ..fields.event_filter()
            },
            oldest_first: order.unwrap_or(after.is_some()),
            after,
            limit: fields.limit(),
            cursor: fields.cursor(),
        }
    }
}

/// How [`ListEvents`] is documented.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by the documentation only")]
pub(crate) struct ListEventsParams {
    /// Only events of these types, with commas in between.
    #[param(rename = "type", example = "message.received,message.failed")]
    #[param(value_type = Option<texts::EventTypeNames>)]
    kind: Option<String>,
    /// Only events of this device.
    #[param(rename = "deviceId", example = "dev_01JDXW6N4A7Q2M8Z5T9V3B1C0D")]
    #[param(value_type = Option<texts::DeviceId>)]
    device_id: Option<String>,
    /// Only changes made at this time or later.
    #[param(format = DateTime)]
    from: Option<String>,
    /// Only changes made before this time.
    #[param(format = DateTime)]
    until: Option<String>,
    /// `newest` first, or `oldest` first.
    #[param(value_type = Option<texts::OrderName>, default = "newest")]
    order: Option<String>,
    /// Only events after this one, oldest first: for readers that ask again and again. `410 EVENT_GONE` when it is no
    /// longer in the log.
    #[param(example = "evt_01KBC31ZM00000000000000003")]
    #[param(value_type = Option<texts::EventId>)]
    after: Option<String>,
}

impl Cursor for EventStart {
    const KIND: u8 = b'e';

    fn to_bytes(&self) -> Vec<u8> {
        let (way, place) = match self {
            Self::Newest => (0, u64::MAX),
            Self::Before(place) => (0, *place),
            Self::After(place) => (1, *place),
        };
        [&[way][..], &place.to_be_bytes()].concat()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (way, place) = bytes.split_first()?;
        let place = u64::from_be_bytes(place.try_into().ok()?);
        match way {
            0 => Some(Self::Before(place)),
            1 => Some(Self::After(place)),
            _ => None,
        }
    }
}

/// List events
///
/// Newest first; or oldest first, after an event that you name with `after`. All filters can be combined. Send the same
/// ones with every page. A page that looked for something rare may have few events or none although there are more: go on
/// until `nextCursor` is `null`. Events are kept for as long as the gateway is set to keep them (30 days unless told).
///
/// With `Accept: application/x-protobuf` the page is a sequence of `postern.v1.Event`, each after its length as a varint,
/// and the cursor is in the header `Next-Cursor`.
#[utoipa::path(
    get, path = "/v1/events", tag = "Events", operation_id = "listEvents",
    params(ListEventsParams, PageParams),
    responses((status = 200, description = "A page of events.", content(
        (List<LoggedEvent> = "application/json"), (String = "application/x-protobuf"),
    ))),
)]
pub(crate) async fn list(
    api: web::Data<Api>,
    caller: Caller,
    Query(query): Query<ListEvents>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let start = match (query.cursor, query.after) {
        (Some(cursor), _) => cursor,
        (None, Some(id)) => EventStart::After(api.place_of(caller.workspace, id).await?),
        (None, None) if query.oldest_first => EventStart::After(0),
        (None, None) => EventStart::Newest,
    };
    let page = api
        .store
        .events(caller.workspace, query.filter, query.limit, start)
        .await?;
    let next = page.more.then_some(match start {
        EventStart::After(_) => EventStart::After(page.reached),
        EventStart::Newest | EventStart::Before(_) => EventStart::Before(page.reached),
    });
    Ok(answer(
        &page,
        next.as_ref().map(encode),
        Format::accepted(request.headers()),
    ))
}

fn answer(page: &EventPage, next_cursor: Option<String>, format: Format) -> HttpResponse {
    if format == Format::Json {
        let data = page.events.iter().map(LoggedEvent::new).collect();
        return HttpResponse::Ok().json(List { data, next_cursor });
    }
    let mut body = BytesMut::new();
    for event in &page.events {
        body.extend_from_slice(&delimited(event));
    }
    let mut answer = HttpResponse::Ok();
    answer.content_type(PROTOBUF);
    if let Some(cursor) = next_cursor {
        answer.insert_header((NEXT_CURSOR, cursor));
    }
    answer.body(body.freeze())
}
