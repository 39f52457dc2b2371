//! `GET /v1/messages`.

use actix_web::{HttpResponse, web};
use postern_domain::{Direction, MessageStatus};
use postern_store::{MessageFilter, PageStart};

use super::Message;
use crate::errors::ApiError;
use crate::extract::{FromQuery, Query, QueryFields};
use crate::page::{List, PageParams};
use crate::texts;
use crate::{Api, Caller};

/// Which messages to list.
pub(crate) struct ListMessages {
    filter: MessageFilter,
    limit: usize,
    cursor: Option<PageStart>,
}

impl FromQuery for ListMessages {
    fn from_query(fields: &mut QueryFields) -> Self {
        let statuses = MessageStatus::ALL.map(|status| (status.name(), status));
        let directions = [("outbound", Direction::Outbound), ("inbound", Direction::Inbound)];
        Self {
            filter: MessageFilter {
                device: fields.id("deviceId"),
                batch: fields.id("batchId"),
                status: fields.one_of("status", &statuses),
                direction: fields.one_of("direction", &directions),
                chat: fields.address("to"),
                client_reference: fields.id("clientReference"),
                text: fields.id("q"),
                parked: fields.flag("parked"),
                from: fields.time("createdAfter"),
                until: fields.time("createdBefore"),
            },
            limit: fields.limit(),
            cursor: fields.cursor(),
        }
    }
}

/// How [`ListMessages`] is documented.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by the documentation only")]
pub(crate) struct ListMessagesParams {
    /// Only messages of this device.
    #[param(example = "dev_01JDXW6N4A7Q2M8Z5T9V3B1C0D")]
    #[param(rename = "deviceId")]
    #[param(value_type = Option<texts::DeviceId>)]
    device_id: Option<String>,
    /// Only messages of this batch.
    #[param(example = "bat_01JDXW8QK3M5V7X9Z1B3D5F7H9")]
    #[param(rename = "batchId")]
    #[param(value_type = Option<texts::BatchId>)]
    batch_id: Option<String>,
    /// Only messages in this status.
    #[param(example = "delivered")]
    #[param(value_type = Option<texts::StatusName>)]
    status: Option<String>,
    /// `outbound` or `inbound`.
    #[param(example = "inbound")]
    #[param(value_type = Option<texts::DirectionName>)]
    direction: Option<String>,
    /// Only messages of the conversation with this person or group, written as in `POST /v1/messages`; both
    /// directions, unless `direction` says otherwise.
    #[param(example = "+15551234567")]
    #[param(value_type = Option<texts::Recipient>)]
    to: Option<String>,
    /// Only messages that were sent with exactly this `clientReference`.
    #[param(
        rename = "clientReference",
        value_type = Option<texts::Printable>,
        example = "order-1234"
    )]
    client_reference: Option<String>,
    /// Only messages with all of these words in their text, the last of them as the beginning of a word; in any order,
    /// whatever their case and the accents of Latin letters. Plain words: nothing in it has a special meaning. Messages
    /// can be found about a second after they were accepted or received.
    #[param(value_type = Option<texts::Words>, example = "order ship")]
    q: Option<String>,
    /// `true`: only messages that are parked, waiting to be released or canceled.
    #[param(default = false)]
    parked: Option<bool>,
    /// Only messages accepted or received at this time or later.
    #[param(rename = "createdAfter", format = DateTime)]
    created_after: Option<String>,
    /// Only messages accepted or received before this time.
    #[param(rename = "createdBefore", format = DateTime)]
    created_before: Option<String>,
}

/// List messages
///
/// Newest first, without timelines. What came in is listed by `?direction=inbound`. All filters can be combined. Send the
/// same ones with every page; messages that arrive meanwhile do not shift the pages. A page that looked for something
/// rare may have few messages or none although there are more: go on until `nextCursor` is `null`.
#[utoipa::path(
    get, path = "/v1/messages", tag = "Messages", operation_id = "listMessages",
    params(ListMessagesParams, PageParams),
    responses((status = 200, description = "A page of messages.", body = List<Message>)),
)]
pub(crate) async fn list(
    api: web::Data<Api>,
    caller: Caller,
    Query(query): Query<ListMessages>,
) -> Result<HttpResponse, ApiError> {
    let page = api
        .store
        .messages(caller.workspace, query.filter, query.limit, query.cursor)
        .await?;
    let rows = page.rows.into_iter().map(Message::without_timeline);
    Ok(HttpResponse::Ok().json(List::<Message>::new(rows, page.next.as_ref())))
}
