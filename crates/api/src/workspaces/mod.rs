//! Workspaces: the caller's own with its plan and usage, and, for whoever runs the daemon, all of them.
//!
//! What is changed takes effect with the next request, because every worker forgets the keys it knew.

mod add_key;
mod change;
mod create;
mod dto;
mod get;
mod list;
mod own;
mod register;
mod switch;
mod usage;

pub(crate) use add_key::{__path_add_key, add_key};
pub(crate) use change::{__path_change, change};
pub(crate) use create::{__path_create, create};
pub(crate) use get::{__path_get, get};
pub(crate) use list::{__path_list, list};
pub(crate) use own::{__path_own, __path_rename, own, rename};
pub(crate) use register::{__path_register, register};
pub(crate) use switch::{__path_activate, __path_deactivate, activate, deactivate};
pub(crate) use usage::{__path_usage, usage};

use actix_web::HttpResponse;
use postern_domain::{Plan, WorkspaceId};
use postern_store::{Act, WorkspaceChange};

use self::dto::Workspace;
use crate::Api;
use crate::errors::{ApiError, FieldError};

impl Api {
    /// Writes a change of a workspace, wakes its devices and endpoints, and answers it as it is now.
    async fn change_workspace(
        &self,
        id: WorkspaceId,
        change: WorkspaceChange,
        act: Act,
    ) -> Result<HttpResponse, ApiError> {
        let (store, now) = (self.acting_on(id, act), self.clock.now());
        let changed = async move { store.change_workspace(id, change, now).await };
        let changed = self.change_access(changed).await?;
        let (workspace, devices) = changed.ok_or_else(ApiError::no_such_workspace)?;
        for device in &devices {
            self.wakes.outbox.ring(device);
        }
        self.wakes.devices.ring();
        self.wakes.webhooks.ring();
        Ok(HttpResponse::Ok().json(self.shown_workspace(workspace)))
    }

    fn shown_workspace(&self, workspace: postern_store::Workspace) -> Workspace {
        let plan = self.config.plans.get(&workspace.plan).copied();
        Workspace::new(workspace, plan, self.config.batch_max)
    }

    /// # Errors
    /// The configuration has no plan with this name.
    fn plan(&self, name: &str) -> Result<(String, Plan), FieldError> {
        let plan = self.config.plans.get(name).copied();
        let plan = plan.map(|plan| (name.to_owned(), plan));
        plan.ok_or_else(|| {
            let names: Vec<_> = self.config.plans.keys().map(String::as_str).collect();
            FieldError::new("plan", format!("must be one of {}", names.join(", ")))
        })
    }
}
