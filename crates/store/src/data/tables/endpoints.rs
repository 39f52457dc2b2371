//! The columns of `webhooks` that the engine writes: how far an endpoint came, and how it is.

use postern_domain::webhook::DisableReason;
use postern_domain::{Timestamp, WebhookId, WorkspaceId};
use rusqlite::{Connection, OptionalExtension as _};

use super::columns::place;
use crate::StoreError;
use crate::data::records::EndpointHealth;

/// Whether an endpoint is there, and why nothing is delivered to it (see `webhooks.disabled`).
pub(in crate::data) fn disabled(
    tx: &Connection,
    webhook: WebhookId,
) -> Result<Option<Option<u8>>, StoreError> {
    Ok(tx
        .prepare_cached("SELECT disabled FROM webhooks WHERE id = ?1")?
        .query_row([webhook.to_bytes()], |row| row.get(0))
        .optional()?)
}

/// Writes how far it came, never backwards, and how it is.
pub(in crate::data) fn advance(
    tx: &Connection,
    webhook: WebhookId,
    position: u64,
    health: &EndpointHealth,
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE webhooks SET position = max(position, ?2), failing_since = ?3, failures = ?4, rest_until = ?5,
             last_success_at = ?6, last_failure_at = ?7 WHERE id = ?1",
    )?
    .execute((
        webhook.to_bytes(),
        place(position),
        health.failing_since.map(Timestamp::as_millis),
        health.failures,
        health.rest_until.map(Timestamp::as_millis),
        health.last_success_at.map(Timestamp::as_millis),
        health.last_failure_at.map(Timestamp::as_millis),
    ))?;
    Ok(())
}

/// Says why nothing is delivered to it any more.
pub(in crate::data) fn disable(
    tx: &Connection,
    webhook: WebhookId,
    reason: DisableReason,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE webhooks SET disabled = ?2, disabled_at = ?3 WHERE id = ?1")?
        .execute((webhook.to_bytes(), reason.number(), now.as_millis()))?;
    Ok(())
}

/// The same, of one that is enabled.
pub(in crate::data) fn disable_enabled(
    tx: &Connection,
    webhook: WebhookId,
    reason: DisableReason,
    now: Timestamp,
) -> Result<(), StoreError> {
    if disabled(tx, webhook)? == Some(None) {
        disable(tx, webhook, reason, now)?;
    }
    Ok(())
}

/// Whose an endpoint is, and where.
pub(in crate::data) fn owner(
    tx: &Connection,
    webhook: WebhookId,
) -> Result<Option<(WorkspaceId, String)>, StoreError> {
    Ok(tx
        .prepare_cached("SELECT workspace_id, url FROM webhooks WHERE id = ?1")?
        .query_row([webhook.to_bytes()], |row| {
            Ok((WorkspaceId::from_bytes(row.get(0)?), row.get(1)?))
        })
        .optional()?)
}
