//! `POST /v1/register`.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use utoipa::ToSchema;

use super::create::CreatedWorkspace;
use crate::Api;
use crate::errors::{ApiError, ErrorCode};
use crate::extract::Json;
use crate::texts;

/// A workspace to register.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "ACME" }))]
pub(crate) struct Register {
    /// What it is called, 1 to 100 characters.
    #[schema(value_type = texts::Name)]
    name: String,
}

/// Register a workspace
///
/// Makes a workspace with a first API key for whoever asks, where the gateway's operator allows it: 5 a minute from one
/// address.
#[utoipa::path(
    post, path = "/v1/register", tag = "Workspace", operation_id = "register",
    request_body = Register,
    responses((status = 201, description = "Made, on the plan that the operator chose.", body = CreatedWorkspace, headers(
        ("Location" = String, description = "The new workspace, for the gateway's operator.")
    ))),
)]
pub(crate) async fn register(
    api: web::Data<Api>,
    request: HttpRequest,
    Json(body): Json<Register>,
) -> Result<HttpResponse, ApiError> {
    let Some(plan) = &api.config.registration else {
        let why = "registration is closed; ask the gateway's operator for an API key";
        return Err(ApiError::new(ErrorCode::Forbidden, why));
    };
    if let Some(address) = api.client_address(&request) {
        api.limits.register(address)?;
    }
    api.make_workspace(None, &body.name, plan).await
}
