//! `POST /v1/admin/workspaces`.

use actix_web::http::header::LOCATION;
use actix_web::{HttpResponse, web};
use postern_domain::{Scopes, WorkspaceId, checked_name};
use postern_store::{Act, Actor};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Workspace;
use crate::api_keys::NewApiKey;
use crate::errors::ApiError;
use crate::extract::Json;
use crate::texts;
use crate::{Api, ApiKeySecret, Caller};

/// A workspace to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "ACME", "plan": "growth" }))]
pub(crate) struct CreateWorkspace {
    /// What it is called, 1 to 100 characters.
    #[schema(value_type = texts::Name)]
    name: String,
    /// The name of its plan: one of the gateway's configuration, `unlimited` unless told.
    #[serde(default = "unlimited")]
    #[schema(value_type = texts::Plan, default = "unlimited")]
    plan: String,
}

fn unlimited() -> String {
    "unlimited".to_owned()
}

/// A new workspace and its first key.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreatedWorkspace {
    /// The workspace.
    workspace: Workspace,
    /// A key for everything in it, shown this once.
    api_key: NewApiKey,
}

/// Make a workspace
///
/// With a first API key that may do everything in it and nothing outside.
#[utoipa::path(
    post, path = "/v1/admin/workspaces", tag = "Administration", operation_id = "createWorkspace",
    request_body = CreateWorkspace,
    responses((status = 201, description = "Made; `Location` names it.", body = CreatedWorkspace, headers(
        ("Location" = String, description = "The new workspace, e.g. `/v1/admin/workspaces/ws_…`.")
    ))),
)]
pub(crate) async fn create(
    api: web::Data<Api>,
    caller: Caller,
    Json(request): Json<CreateWorkspace>,
) -> Result<HttpResponse, ApiError> {
    api.make_workspace(Some(caller), &request.name, &request.plan)
        .await
}

impl Api {
    /// Makes a workspace with a first key, for a caller or for anybody.
    pub(crate) async fn make_workspace(
        &self,
        caller: Option<Caller>,
        name: &str,
        plan: &str,
    ) -> Result<HttpResponse, ApiError> {
        let (name, plan) = (checked_name(name)?, self.plan(plan)?);
        let (id, now) = (WorkspaceId::generate(), self.clock.now());
        let secret = ApiKeySecret::generate(self.config.key_kind);
        let key = postern_store::NewApiKey::of(&secret, id, "first", Scopes::of_a_workspace());
        let store = match caller {
            Some(caller) => self.acting_on(id, self.act(caller, "workspace.create", id, "")),
            // Whoever asked is known by the new key alone.
            None => self.store.acting(Act {
                workspace: id,
                at: now,
                actor: Actor::ApiKey(key.id),
                action: "workspace.register",
                target: id.to_string(),
                details: String::new(),
            }),
        };
        let (workspace, stored) = store.create_workspace(name, plan, key, now).await?;
        Ok(HttpResponse::Created()
            .insert_header((LOCATION, format!("/v1/admin/workspaces/{id}")))
            .json(CreatedWorkspace {
                workspace: self.shown_workspace(workspace),
                api_key: NewApiKey::new(&secret, stored),
            }))
    }
}
