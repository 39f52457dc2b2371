//! `GET /v1/webhooks`.

use actix_web::{HttpResponse, web};
use postern_domain::WebhookId;

use super::dto::Webhook;
use crate::errors::ApiError;
use crate::extract::{FromQuery, Query, QueryFields};
use crate::page::{List, encode};
use crate::texts;
use crate::{Api, Caller};

/// Which page to list.
pub(crate) struct ListWebhooks {
    limit: usize,
    cursor: Option<WebhookId>,
}

impl FromQuery for ListWebhooks {
    fn from_query(fields: &mut QueryFields) -> Self {
        Self {
            limit: fields.limit(),
            cursor: fields.cursor(),
        }
    }
}

/// How [`ListWebhooks`] is documented.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by the documentation only")]
pub(crate) struct ListWebhooksParams {
    /// How many endpoints a page has at most.
    #[param(minimum = 1, maximum = 200, default = 20)]
    limit: Option<u32>,
    /// `nextCursor` of the page before.
    #[param(value_type = Option<texts::Cursor>)]
    cursor: Option<String>,
}

/// List webhook endpoints
///
/// Newest first.
#[utoipa::path(
    get, path = "/v1/webhooks", tag = "Webhooks", operation_id = "listWebhooks",
    params(ListWebhooksParams),
    responses((status = 200, description = "A page of endpoints.", body = List<Webhook>)),
)]
pub(crate) async fn list(
    api: web::Data<Api>,
    caller: Caller,
    Query(query): Query<ListWebhooks>,
) -> Result<HttpResponse, ApiError> {
    let (rows, next) = api
        .store
        .webhooks(caller.workspace, query.limit, query.cursor)
        .await?;
    let mut data = Vec::with_capacity(rows.len());
    for webhook in rows {
        data.push(api.shown(webhook).await?);
    }
    Ok(HttpResponse::Ok().json(List {
        data,
        next_cursor: next.as_ref().map(encode),
    }))
}
