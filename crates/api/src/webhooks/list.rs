//! `GET /v1/webhooks`.

use actix_web::{HttpResponse, web};
use postern_domain::WebhookId;

use super::dto::Webhook;
use crate::errors::ApiError;
use crate::extract::Query;
use crate::page::{List, PageParams, WhichPage};
use crate::{Api, Caller};

/// List webhook endpoints
///
/// Newest first.
#[utoipa::path(
    get, path = "/v1/webhooks", tag = "Webhooks", operation_id = "listWebhooks",
    params(PageParams),
    responses((status = 200, description = "A page of endpoints.", body = List<Webhook>)),
)]
pub(crate) async fn list(
    api: web::Data<Api>,
    caller: Caller,
    Query(query): Query<WhichPage<WebhookId>>,
) -> Result<HttpResponse, ApiError> {
    let (rows, next) = api
        .store
        .webhooks(caller.workspace, query.limit, query.cursor)
        .await?;
    let mut data = Vec::with_capacity(rows.len());
    for webhook in rows {
        data.push(api.shown(webhook).await?);
    }
    Ok(HttpResponse::Ok().json(List::<Webhook>::new(data, next.as_ref())))
}
