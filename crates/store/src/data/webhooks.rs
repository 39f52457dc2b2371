//! Webhook endpoints, as the API sees them: those that are being removed do not exist.

use std::sync::Arc;

use postern_domain::webhook::{DisableReason, WebhookSecret};
use postern_domain::{DeviceId, Timestamp, WebhookId, WorkspaceId};
use rusqlite::Connection;

use super::records::{Attempt, AttemptFilter, Backlog, NewWebhook, Page, PageStart, Webhook, WebhookChange};
use super::store::Store;
use super::tables::{attempts, devices, webhooks};
use crate::StoreError;

/// How many endpoints a workspace has at most: each follows the log by itself.
pub const MOST_WEBHOOKS: u32 = 50;
/// Rows deleted in one write, so that others get their turn.
const AT_ONCE: usize = 500;

/// An endpoint could not be created.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// The workspace has as many as it may.
    #[error("the workspace has {MOST_WEBHOOKS} endpoints")]
    TooMany,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// Creates an endpoint. It gets the events that are appended from then on.
    ///
    /// # Errors
    /// See [`WebhookError`].
    pub async fn create_webhook(&self, new: NewWebhook, now: Timestamp) -> Result<Webhook, WebhookError> {
        let (created, vault) = (created(new, now), Arc::clone(&self.vault));
        self.database
            .write(move |tx| {
                if webhooks::count(tx, created.workspace)? >= MOST_WEBHOOKS {
                    return Err(WebhookError::TooMany);
                }
                webhooks::insert(tx, &vault, &created)?;
                Ok(webhooks::find(tx, &vault, created.workspace, created.id)?.ok_or(StoreError::Aborted)?)
            })
            .await
    }

    /// One endpoint.
    ///
    /// # Errors
    /// The store failed.
    pub async fn webhook(
        &self,
        workspace: WorkspaceId,
        id: WebhookId,
    ) -> Result<Option<Webhook>, StoreError> {
        let vault = Arc::clone(&self.vault);
        self.database
            .read(move |connection| webhooks::find(connection, &vault, workspace, id))
            .await
    }

    /// Newest first, those before `after` in that order left out. Answers where the next page starts, too.
    ///
    /// # Errors
    /// The store failed.
    pub async fn webhooks(
        &self,
        workspace: WorkspaceId,
        limit: usize,
        after: Option<WebhookId>,
    ) -> Result<(Vec<Webhook>, Option<WebhookId>), StoreError> {
        let vault = Arc::clone(&self.vault);
        self.database
            .read(move |connection| {
                let mut page = webhooks::list(connection, &vault, workspace, limit.saturating_add(1), after)?;
                let more = page.len() > limit;
                page.truncate(limit);
                let next = page.last().filter(|_| more).map(|webhook| webhook.id);
                Ok((page, next))
            })
            .await
    }

    /// Every endpoint of the daemon that is enabled, but for those of workspaces that are deactivated or have a plan without
    /// webhooks.
    ///
    /// # Errors
    /// The store failed.
    pub async fn enabled_webhooks(&self) -> Result<Vec<Webhook>, StoreError> {
        let vault = Arc::clone(&self.vault);
        self.database
            .read(move |connection| webhooks::enabled(connection, &vault))
            .await
    }

    /// Which of these devices the workspace does not have.
    ///
    /// # Errors
    /// The store failed.
    pub async fn unknown_devices(
        &self,
        workspace: WorkspaceId,
        ids: Vec<DeviceId>,
    ) -> Result<Vec<DeviceId>, StoreError> {
        self.database
            .read(move |connection| {
                let mut unknown = Vec::new();
                for id in ids {
                    if devices::find_visible(connection, workspace, id)?.is_none() {
                        unknown.push(id);
                    }
                }
                Ok(unknown)
            })
            .await
    }

    /// Changes an endpoint; `None` when there is no such endpoint.
    ///
    /// # Errors
    /// The store failed.
    pub async fn change_webhook(
        &self,
        workspace: WorkspaceId,
        id: WebhookId,
        change: WebhookChange,
        now: Timestamp,
    ) -> Result<Option<Webhook>, StoreError> {
        self.update_webhook(workspace, id, now, move |webhook| {
            change.clone().apply(webhook, now)
        })
        .await
    }

    /// Gives an endpoint a new secret; the one it has signs as well until `previous_until`, and one that was replaced
    /// before signs no more. `None` when there is no such endpoint.
    ///
    /// # Errors
    /// The store failed.
    pub async fn rotate_webhook_secret(
        &self,
        workspace: WorkspaceId,
        id: WebhookId,
        secret: WebhookSecret,
        previous_until: Timestamp,
        now: Timestamp,
    ) -> Result<Option<Webhook>, StoreError> {
        self.update_webhook(workspace, id, now, move |webhook| {
            let previous = std::mem::replace(&mut webhook.secret, secret.clone());
            webhook.previous_secret = (previous_until > now).then_some((previous, previous_until));
        })
        .await
    }

    async fn update_webhook(
        &self,
        workspace: WorkspaceId,
        id: WebhookId,
        now: Timestamp,
        change: impl Fn(&mut Webhook) + Send + 'static,
    ) -> Result<Option<Webhook>, StoreError> {
        let vault = Arc::clone(&self.vault);
        self.database
            .write_found(move |tx| {
                let Some(mut webhook) = webhooks::find(tx, &vault, workspace, id)? else {
                    return Ok(None);
                };
                change(&mut webhook);
                webhook.updated_at = now;
                webhooks::update(tx, &vault, &webhook)?;
                Ok(Some(webhook))
            })
            .await
    }

    /// Removes an endpoint with what it has still to get, its tries and its replays; `false` when there is no such
    /// endpoint.
    ///
    /// It is nobody's after the first commit. The rest takes several when there is much of it; what a call that was
    /// cut short left is cleared away by [`Store::begin`].
    ///
    /// # Errors
    /// The store failed.
    pub async fn remove_webhook(&self, workspace: WorkspaceId, id: WebhookId) -> Result<bool, StoreError> {
        let mark = move |tx: &Connection| Ok(webhooks::mark_removed(tx, workspace, id)?.then_some(()));
        let marked: Result<_, StoreError> = self.database.write_found(mark).await;
        if marked?.is_none() {
            return Ok(false);
        }
        self.following().clear_webhook(id).await?;
        Ok(true)
    }

    /// Finishes the removals that were cut short.
    pub(super) async fn clear_removed_webhooks(&self) -> Result<(), StoreError> {
        for id in self.database.read(webhooks::removed).await? {
            self.clear_webhook(id).await?;
        }
        Ok(())
    }

    async fn clear_webhook(&self, id: WebhookId) -> Result<(), StoreError> {
        while self
            .database
            .write(move |tx| webhooks::delete_some(tx, id, AT_ONCE))
            .await?
        {}
        Ok(())
    }

    /// How much an endpoint has still to get although its position is past it. The caller knows that the endpoint is its
    /// workspace's.
    ///
    /// # Errors
    /// The store failed.
    pub async fn webhook_backlog(&self, webhook: &Webhook) -> Result<Backlog, StoreError> {
        let id = webhook.id;
        self.database
            .read(move |connection| webhooks::backlog(connection, id))
            .await
    }

    /// A page of the tries to reach an endpoint, newest first; `None` when there is no such endpoint.
    ///
    /// # Errors
    /// The store failed.
    pub async fn webhook_attempts(
        &self,
        workspace: WorkspaceId,
        id: WebhookId,
        filter: AttemptFilter,
        limit: usize,
        start: Option<PageStart>,
    ) -> Result<Option<Page<Attempt>>, StoreError> {
        let vault = Arc::clone(&self.vault);
        self.database
            .read(move |connection| {
                if webhooks::find(connection, &vault, workspace, id)?.is_none() {
                    return Ok(None);
                }
                attempts::page(connection, id, filter, limit, start).map(Some)
            })
            .await
    }
}

fn created(new: NewWebhook, now: Timestamp) -> Webhook {
    Webhook {
        id: new.id,
        workspace: new.workspace,
        url: new.url,
        description: new.description,
        event_types: new.event_types,
        devices: new.devices,
        headers: new.headers,
        secret: new.secret,
        previous_secret: None,
        ordered: new.ordered,
        rate_cap: new.rate_cap,
        verified_at: new.verified_at,
        disabled: (!new.enabled).then_some((DisableReason::Operator, now)),
        position: 0,
        failing_since: None,
        failures: 0,
        rest_until: None,
        last_success_at: None,
        last_failure_at: None,
        created_at: now,
        updated_at: now,
    }
}

impl WebhookChange {
    fn apply(self, webhook: &mut Webhook, now: Timestamp) {
        if let Some((url, verified_at)) = self.url {
            (webhook.url, webhook.verified_at) = (url, verified_at);
            forgive(webhook);
        }
        match self.enabled {
            Some(true) if webhook.disabled.is_some() => {
                webhook.disabled = None;
                forgive(webhook);
            }
            Some(false) if webhook.disabled.is_none() => {
                webhook.disabled = Some((DisableReason::Operator, now));
            }
            _ => {}
        }
        set(&mut webhook.description, self.description);
        set(&mut webhook.event_types, self.event_types);
        set(&mut webhook.devices, self.devices);
        set(&mut webhook.headers, self.headers);
        set(&mut webhook.ordered, self.ordered);
        set(&mut webhook.rate_cap, self.rate_cap);
    }
}

fn set<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}

/// What failed before says nothing about what comes.
fn forgive(webhook: &mut Webhook) {
    (webhook.failing_since, webhook.failures, webhook.rest_until) = (None, 0, None);
}
