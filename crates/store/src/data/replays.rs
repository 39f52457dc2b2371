//! Sending events again: an endpoint has one open request at a time, which the engine works off.

use std::sync::Arc;

use postern_domain::{EventId, ReplayId, Timestamp, WebhookId, WorkspaceId};
use rusqlite::Connection;

use super::records::{Replay, ReplayRequest, Webhook};
use super::store::Store;
use super::tables::{replays, webhooks};
use crate::StoreError;

/// How many of an endpoint's replays are remembered.
const REMEMBERED: usize = 20;

/// Events cannot be sent again.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The workspace has no such endpoint.
    #[error("no such endpoint")]
    UnknownWebhook,
    /// The log has no such event of the workspace, or has it no more.
    #[error("no such event")]
    UnknownEvent,
    /// The event is of a type or a device that the endpoint does not want.
    #[error("the endpoint does not want the event")]
    NotWanted,
    /// Nothing is delivered to the endpoint now.
    #[error("the endpoint is disabled")]
    Disabled,
    /// The one before is not worked off.
    #[error("{0} is not worked off")]
    UnderWay(ReplayId),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What became of the request to send one event again to whoever wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redelivery {
    /// A replay for each endpoint that gets it.
    pub replays: Vec<Replay>,
    /// The endpoints that want it and whose replay before is not worked off.
    pub busy: Vec<WebhookId>,
}

impl Store {
    /// Asks for events to be sent to an endpoint again.
    ///
    /// # Errors
    /// See [`ReplayError`].
    pub async fn replay_events(
        &self,
        workspace: WorkspaceId,
        webhook: WebhookId,
        request: ReplayRequest,
        now: Timestamp,
    ) -> Result<Replay, ReplayError> {
        let vault = Arc::clone(&self.vault);
        self.database
            .write(move |tx| {
                let webhook =
                    webhooks::find(tx, &vault, workspace, webhook)?.ok_or(ReplayError::UnknownWebhook)?;
                start(tx, &webhook, request, now)
            })
            .await
    }

    /// Asks for an event to be sent again to every enabled endpoint that wants it.
    ///
    /// # Errors
    /// See [`ReplayError`]; only of the event.
    pub async fn redeliver(
        &self,
        workspace: WorkspaceId,
        event: EventId,
        now: Timestamp,
    ) -> Result<Redelivery, ReplayError> {
        let vault = Arc::clone(&self.vault);
        self.database
            .write(move |tx| {
                let logged = replays::logged(tx, workspace, event)?.ok_or(ReplayError::UnknownEvent)?;
                let mut outcome = Redelivery {
                    replays: Vec::new(),
                    busy: Vec::new(),
                };
                for webhook in webhooks::list(tx, &vault, workspace, usize::MAX, None)? {
                    if webhook.disabled.is_some() || !webhook.wants(logged.kind, logged.device) {
                        continue;
                    }
                    match start(tx, &webhook, ReplayRequest::Event(event), now) {
                        Ok(replay) => outcome.replays.push(replay),
                        Err(ReplayError::UnderWay(_)) => outcome.busy.push(webhook.id),
                        Err(error) => return Err(error),
                    }
                }
                Ok(outcome)
            })
            .await
    }

    /// A replay of an endpoint; `None` when there is no such endpoint or replay. The oldest are forgotten.
    ///
    /// # Errors
    /// The store failed.
    pub async fn replay(
        &self,
        workspace: WorkspaceId,
        webhook: WebhookId,
        id: ReplayId,
    ) -> Result<Option<Replay>, StoreError> {
        let vault = Arc::clone(&self.vault);
        self.database
            .read(move |connection| {
                if webhooks::find(connection, &vault, workspace, webhook)?.is_none() {
                    return Ok(None);
                }
                replays::find(connection, webhook, id)
            })
            .await
    }

    /// The replay of an endpoint that was asked for last. The caller knows that the endpoint is its workspace's.
    ///
    /// # Errors
    /// The store failed.
    pub async fn latest_replay(&self, webhook: WebhookId) -> Result<Option<Replay>, StoreError> {
        self.database
            .read(move |connection| replays::latest(connection, webhook))
            .await
    }
}

fn start(
    tx: &Connection,
    webhook: &Webhook,
    request: ReplayRequest,
    now: Timestamp,
) -> Result<Replay, ReplayError> {
    let (first, last) = range(tx, webhook, request)?;
    if webhook.disabled.is_some() {
        return Err(ReplayError::Disabled);
    }
    if let Some(before) = replays::open(tx, webhook.id)? {
        return Err(ReplayError::UnderWay(before));
    }
    let replay = Replay {
        id: ReplayId::generate(),
        webhook: webhook.id,
        parked: matches!(request, ReplayRequest::Range { parked: true, .. }),
        first,
        last,
        position: first.saturating_sub(1),
        found: 0,
        created_at: now,
        ended_at: (first > last).then_some(now),
    };
    replays::insert(tx, &replay)?;
    replays::prune(tx, webhook.id, REMEMBERED)?;
    Ok(replay)
}

/// The first and the last place of the log that a request is about.
fn range(tx: &Connection, webhook: &Webhook, request: ReplayRequest) -> Result<(u64, u64), ReplayError> {
    match request {
        ReplayRequest::Event(event) => {
            let logged = replays::logged(tx, webhook.workspace, event)?.ok_or(ReplayError::UnknownEvent)?;
            if !webhook.wants(logged.kind, logged.device) {
                return Err(ReplayError::NotWanted);
            }
            Ok((logged.seq, logged.seq))
        }
        ReplayRequest::Range { from, until, .. } => {
            let first = from.map_or(Ok(1), |from| replays::first_since(tx, from))?;
            let end = until.map(|until| replays::first_since(tx, until)).transpose()?;
            // What lies behind its position comes anyway.
            let last = end.map_or(webhook.position, |end| {
                end.saturating_sub(1).min(webhook.position)
            });
            Ok((first.max(1), last))
        }
    }
}
