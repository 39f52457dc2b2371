//! Deliveries, as the engine reports and takes them up.
//!
//! An endpoint that keeps up is a position in the log that moves on. What fails gets a row and comes again when it is due;
//! what is asked for again gets one too. A report is one transaction: the tries, what follows from each, how far the
//! endpoint came and how it is. What was under way when the process died is in no report and is delivered again.

use std::sync::Arc;

use postern_domain::event::EventPayload;
use postern_domain::webhook::DisableReason;
use postern_domain::{DeviceId, EventType, Timestamp, WebhookId};
use rusqlite::Connection;

use super::records::{
    DeliveryProgress, DeliveryResult, DueDelivery, EndpointHealth, Recorded, ReplayStep, Then, Waiting,
};
use super::store::Store;
use super::tables::deliveries::{self, State};
use super::tables::{attempts, endpoints, events, log, replays, webhooks};
use super::tally::Tally;
use crate::StoreError;
use crate::vault::Vault;

/// Rows looked at in one write, so that others get their turn.
const AT_ONCE: usize = 500;
/// What stands in `webhooks.disabled` while an endpoint is being removed.
const REMOVED: u8 = 4;

impl Store {
    /// What an endpoint has still to get although its position is past it.
    ///
    /// # Errors
    /// The store failed.
    pub async fn waiting_deliveries(&self, webhook: WebhookId, position: u64) -> Result<Waiting, StoreError> {
        self.database
            .read(move |connection| deliveries::waiting(connection, webhook, position))
            .await
    }

    /// What is due by `until`, the earliest first, and when the next one is due after that.
    ///
    /// # Errors
    /// The store failed.
    pub async fn due_deliveries(
        &self,
        webhook: WebhookId,
        until: Timestamp,
        limit: usize,
    ) -> Result<(Vec<DueDelivery>, Option<Timestamp>), StoreError> {
        self.database
            .read(move |connection| {
                let mut due = deliveries::due(connection, webhook, until, limit)?;
                for delivery in &mut due {
                    delivery.event = log::at(connection, delivery.seq)?;
                }
                Ok((due, deliveries::next_due(connection, webhook, until)?))
            })
            .await
    }

    /// Writes down what was learned of an endpoint. When it disables the endpoint, its event is in the same transaction.
    ///
    /// # Errors
    /// The store failed; nothing was recorded.
    pub async fn record_deliveries(
        &self,
        webhook: WebhookId,
        progress: impl Into<Arc<DeliveryProgress>>,
        now: Timestamp,
    ) -> Result<Recorded, StoreError> {
        let progress = progress.into();
        self.write_counted(move |tx, tally| record(tx, tally, webhook, &progress, now))
            .await
    }

    /// Lets some events go that are held back, for an endpoint that is not ordered any more; whether there may be more.
    ///
    /// # Errors
    /// The store failed.
    pub async fn release_held_deliveries(
        &self,
        webhook: WebhookId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.database
            .write(move |tx| deliveries::release_some(tx, webhook, now, AT_ONCE))
            .await
    }

    /// The endpoints with an open replay.
    ///
    /// # Errors
    /// The store failed.
    pub async fn replaying_webhooks(&self) -> Result<Vec<WebhookId>, StoreError> {
        self.database.read(replays::all_open).await
    }

    /// Takes an endpoint's open replay a step further: `room` events at most are to be sent again.
    ///
    /// # Errors
    /// The store failed.
    pub async fn replay_step(
        &self,
        webhook: WebhookId,
        room: usize,
        now: Timestamp,
    ) -> Result<ReplayStep, StoreError> {
        let vault = Arc::clone(&self.vault);
        self.database
            .write(move |tx| replay_step(tx, &vault, webhook, room.min(AT_ONCE), now))
            .await
    }
}

fn record(
    tx: &Connection,
    tally: &Tally,
    webhook: WebhookId,
    progress: &DeliveryProgress,
    now: Timestamp,
) -> Result<Recorded, StoreError> {
    let disabled = match endpoints::disabled(tx, webhook)? {
        None | Some(Some(REMOVED)) => return Ok(Recorded::Gone),
        Some(disabled) => disabled,
    };
    for result in &progress.results {
        note(tx, webhook, result, now)?;
    }
    endpoints::advance(tx, webhook, progress.position, &progress.health)?;
    if disabled.is_some() {
        return Ok(Recorded::Disabled);
    }
    let Some(reason) = progress.disable else {
        return Ok(Recorded::Going);
    };
    disable(
        tx,
        tally,
        webhook,
        reason,
        &progress.results,
        &progress.health,
        now,
    )?;
    Ok(Recorded::Disabled)
}

fn note(
    tx: &Connection,
    webhook: WebhookId,
    result: &DeliveryResult,
    now: Timestamp,
) -> Result<(), StoreError> {
    let next_at = match result.then {
        Then::Retry(at) => Some(at),
        Then::Done | Then::Park | Then::Hold | Then::Stay => None,
    };
    if let Some((event, kind, outcome)) = &result.attempt {
        attempts::insert(tx, webhook, (*event, *kind), result.tries, outcome, next_at)?;
    }
    let event = (result.seq, result.device);
    match result.then {
        Then::Stay => return Ok(()),
        Then::Retry(at) => return deliveries::put(tx, webhook, event, result.tries, (State::Due, at)),
        Then::Hold => return hold(tx, webhook, event, now),
        Then::Park => deliveries::put(tx, webhook, event, result.tries, (State::Parked, now))?,
        Then::Done if result.kept => deliveries::delete(tx, webhook, result.seq)?,
        Then::Done => return Ok(()),
    }
    match result.device {
        Some(device) => deliveries::release_next(tx, webhook, device, now),
        None => Ok(()),
    }
}

/// Holds an event back; unless nothing of its device waits after all, so that it is never held back for good.
fn hold(
    tx: &Connection,
    webhook: WebhookId,
    event: (u64, Option<DeviceId>),
    now: Timestamp,
) -> Result<(), StoreError> {
    let behind = match event.1 {
        Some(device) => deliveries::holds(tx, webhook, device)?,
        None => false,
    };
    let state = if behind { State::Held } else { State::Due };
    deliveries::put(tx, webhook, event, 0, (state, now))
}

fn disable(
    tx: &Connection,
    tally: &Tally,
    webhook: WebhookId,
    reason: DisableReason,
    results: &[DeliveryResult],
    health: &EndpointHealth,
    now: Timestamp,
) -> Result<(), StoreError> {
    endpoints::disable(tx, webhook, reason, now)?;
    let outcomes = results.iter().rev().filter_map(|result| result.attempt.as_ref());
    let last = outcomes
        .map(|(_, _, outcome)| outcome)
        .find(|outcome| outcome.failure.is_some());
    let Some((workspace, url)) = endpoints::owner(tx, webhook)? else {
        return Ok(());
    };
    let payload = EventPayload::Webhook {
        webhook,
        url,
        reason,
        failing_since: health.failing_since,
        status: last.and_then(|outcome| outcome.status),
        failure: last.and_then(|outcome| outcome.failure),
    };
    events::append_of_workspace(tx, tally, workspace, EventType::WebhookDisabled, &payload, now)
}

fn replay_step(
    tx: &Connection,
    vault: &Vault,
    id: WebhookId,
    room: usize,
    now: Timestamp,
) -> Result<ReplayStep, StoreError> {
    let (Some(replay), Some(webhook)) = (replays::open_one(tx, id)?, webhooks::by_id(tx, vault, id)?) else {
        return Ok(ReplayStep::Idle);
    };
    let last = replay.last.min(webhook.position);
    if replay.position >= last && last < replay.last {
        return Ok(ReplayStep::Ahead);
    }
    let range = (replay.position, last);
    let (found, reached) = if replay.parked {
        let found = deliveries::parked(tx, id, range, room)?;
        let reached = found.last().filter(|_| found.len() == room).map(|(seq, _)| *seq);
        (found, reached)
    } else {
        let logged = log::outline(tx, range, room)?;
        let reached = logged.last().filter(|_| logged.len() == room).map(|row| row.seq);
        let ours = logged.into_iter().filter(|row| {
            row.workspace == webhook.workspace && row.kind.is_some_and(|kind| webhook.wants(kind, row.device))
        });
        (ours.map(|row| (row.seq, row.device)).collect(), reached)
    };
    let mut used = 0;
    for event in &found {
        used += usize::from(send_again(tx, id, webhook.ordered, *event, now)?);
    }
    let position = reached.unwrap_or(last);
    let ended = position >= replay.last;
    replays::advance(tx, replay.id, (position, found.len()), ended.then_some(now))?;
    Ok(if ended {
        ReplayStep::Ended(used)
    } else {
        ReplayStep::More(used)
    })
}

/// Keeps an event that is to be sent again, unless it waits already; whether it does from now on.
fn send_again(
    tx: &Connection,
    webhook: WebhookId,
    ordered: bool,
    event: (u64, Option<DeviceId>),
    now: Timestamp,
) -> Result<bool, StoreError> {
    if matches!(
        deliveries::state(tx, webhook, event.0)?,
        Some(State::Due | State::Held)
    ) {
        return Ok(false);
    }
    if ordered {
        hold(tx, webhook, event, now)?;
    } else {
        deliveries::put(tx, webhook, event, 0, (State::Due, now))?;
    }
    Ok(true)
}
