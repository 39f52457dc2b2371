//! Workspaces: made, renamed, put on a plan, switched off and on; what they may use and what they have used.

use std::collections::BTreeMap;

use postern_domain::{DeviceId, Period, Plan, Timestamp, WorkspaceId};
use rusqlite::Connection;

use super::api_keys::{ApiKey, NewApiKey};
use super::quota::{self, QuotaExceeded};
use super::store::Store;
use super::tables::{api_keys, devices, webhooks, workspaces};
use crate::StoreError;

/// A workspace as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    /// Its id.
    pub id: WorkspaceId,
    /// What it is called.
    pub name: String,
    /// The name of its plan.
    pub plan: String,
    /// How many devices it may have; `None` is no limit.
    pub device_limit: Option<u32>,
    /// Since when and why it may do nothing; `None` while it is active.
    pub deactivation: Option<Deactivation>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Since when a workspace may do nothing, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deactivation {
    /// Since when.
    pub since: Timestamp,
    /// Why, in words for its members.
    pub reason: String,
}

/// What is to be changed about a workspace; `None` leaves it as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkspaceChange {
    /// What it is called.
    pub name: Option<String>,
    /// The name of its plan, and what that allows.
    pub plan: Option<(String, Plan)>,
    /// `Some(reason)` switches it off, `None` on.
    pub deactivate: Option<Option<String>>,
}

/// How much of its plan a workspace uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// The month that is counted.
    pub period: Period,
    /// Messages accepted in it.
    pub messages: u64,
    /// How many there may be; `None` is no limit.
    pub message_limit: Option<u64>,
    /// Devices there are.
    pub devices: u32,
    /// How many there may be; `None` is no limit.
    pub device_limit: Option<u32>,
}

impl Store {
    /// Makes a workspace with a first key; answers both.
    ///
    /// # Errors
    /// The store failed.
    pub async fn create_workspace(
        &self,
        name: String,
        plan: (String, Plan),
        key: NewApiKey,
        now: Timestamp,
    ) -> Result<(Workspace, ApiKey), StoreError> {
        self.database
            .write(move |tx| {
                let id = key.workspace;
                workspaces::insert(tx, id, &name, &plan.0, now)?;
                set_limits(tx, id, &plan.1)?;
                api_keys::insert(tx, &key, now)?;
                let made = workspaces::find(tx, id)?.zip(api_keys::find(tx, id, key.id)?);
                made.ok_or(StoreError::Aborted)
            })
            .await
    }

    /// One workspace.
    ///
    /// # Errors
    /// The store failed.
    pub async fn workspace(&self, id: WorkspaceId) -> Result<Option<Workspace>, StoreError> {
        self.database
            .read(move |connection| workspaces::find(connection, id))
            .await
    }

    /// Newest first, those before `after` in that order left out. Answers where the next page starts, too.
    ///
    /// # Errors
    /// The store failed.
    pub async fn workspaces(
        &self,
        limit: usize,
        after: Option<WorkspaceId>,
    ) -> Result<(Vec<Workspace>, Option<WorkspaceId>), StoreError> {
        self.database
            .read(move |connection| {
                let mut page = workspaces::list(connection, limit.saturating_add(1), after)?;
                let more = page.len() > limit;
                page.truncate(limit);
                let next = page.last().filter(|_| more).map(|workspace| workspace.id);
                Ok((page, next))
            })
            .await
    }

    /// Changes a workspace; answers it, and its devices, whose queues may move or have to stop now. `None` when
    /// there is no such workspace.
    ///
    /// # Errors
    /// The store failed.
    pub async fn change_workspace(
        &self,
        id: WorkspaceId,
        change: WorkspaceChange,
        now: Timestamp,
    ) -> Result<Option<(Workspace, Vec<DeviceId>)>, StoreError> {
        self.database
            .write_found(move |tx| write_change(tx, id, change.clone(), now))
            .await
    }

    /// Writes the limits of the configured plans to the workspaces that have them; those with another plan keep what they
    /// had. Answers the names of plans that are in use and not among them.
    ///
    /// # Errors
    /// The store failed.
    pub async fn apply_plans(&self, plans: BTreeMap<String, Plan>) -> Result<Vec<String>, StoreError> {
        self.database
            .write(move |tx| {
                for (name, plan) in &plans {
                    if plan.webhooks {
                        webhooks::forgive_stopped_of_plan(tx, name)?;
                    }
                    workspaces::set_limits_of_plan(tx, name, plan)?;
                }
                let mut used = workspaces::plans(tx)?;
                used.retain(|name| !plans.contains_key(name));
                Ok(used)
            })
            .await
    }

    /// Why a workspace may accept no message now, if so.
    ///
    /// # Errors
    /// The store failed.
    pub async fn quota_exceeded(
        &self,
        id: WorkspaceId,
        now: Timestamp,
    ) -> Result<Option<QuotaExceeded>, StoreError> {
        self.database
            .read(move |connection| {
                let month = workspaces::month(connection, id)?.unwrap_or_default();
                Ok(quota::room(month, 1, now).map(|room| room.exceeded))
            })
            .await
    }

    /// How much of its plan a workspace uses; `None` when there is no such workspace.
    ///
    /// # Errors
    /// The store failed.
    pub async fn usage(&self, id: WorkspaceId, now: Timestamp) -> Result<Option<Usage>, StoreError> {
        self.database
            .read(move |connection| {
                let Some(workspace) = workspaces::find(connection, id)? else {
                    return Ok(None);
                };
                let period = Period::of(now);
                let month = workspaces::month(connection, id)?.unwrap_or_default();
                let is_current = quota::counts_for(&month, period);
                Ok(Some(Usage {
                    period,
                    messages: if is_current { month.used } else { 0 },
                    message_limit: month.limit,
                    devices: devices::count(connection, id)?,
                    device_limit: workspace.device_limit,
                }))
            })
            .await
    }
}

fn set_limits(tx: &Connection, workspace: WorkspaceId, plan: &Plan) -> Result<(), StoreError> {
    if plan.webhooks {
        webhooks::forgive_stopped(tx, workspace)?;
    }
    workspaces::set_limits(tx, workspace, plan)
}

fn write_change(
    tx: &Connection,
    id: WorkspaceId,
    change: WorkspaceChange,
    now: Timestamp,
) -> Result<Option<(Workspace, Vec<DeviceId>)>, StoreError> {
    let Some(mut workspace) = workspaces::find(tx, id)? else {
        return Ok(None);
    };
    workspace.name = change.name.unwrap_or(workspace.name);
    if let Some((name, _)) = &change.plan {
        workspace.plan.clone_from(name);
    }
    if let Some(reason) = change.deactivate {
        if reason.is_none() && workspace.deactivation.is_some() {
            // Nothing was tried meanwhile: it does not count as days of nothing but failures.
            webhooks::forgive(tx, id)?;
        }
        let since = workspace.deactivation.map_or(now, |before| before.since);
        workspace.deactivation = reason.map(|reason| Deactivation { since, reason });
    }
    workspaces::update(tx, &workspace)?;
    if let Some((_name, plan)) = &change.plan {
        set_limits(tx, id, plan)?;
    }
    let changed = workspaces::find(tx, id)?.ok_or(StoreError::Aborted)?;
    Ok(Some((changed, devices::of_workspace(tx, id)?)))
}
