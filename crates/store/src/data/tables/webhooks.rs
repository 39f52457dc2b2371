//! Webhook endpoints: what their owners set, and how they are.

use postern_domain::webhook::{DisableReason, EventTypes, WebhookSecret};
use postern_domain::{DeviceId, Timestamp, WebhookId, WorkspaceId, proto};
use prost::Message as _;
use rusqlite::{Connection, Row, named_params};

use super::columns::{id, optional_time, rows, time, unreadable};
use crate::StoreError;
use crate::data::levels::EndpointLevels;
use crate::data::records::{Backlog, Webhook};
use crate::vault::Vault;

const SELECT: &str =
    "SELECT id, workspace_id, url, description, event_types, devices, headers, secret, previous_secret,
    previous_until, ordered, rate_cap, verified_at, disabled, disabled_at, position, failing_since, failures,
    rest_until, last_success_at, last_failure_at, created_at, updated_at FROM webhooks";

/// The columns that are sealed.
pub(super) const SECRET: &str = "secret";
pub(super) const PREVIOUS: &str = "previous_secret";
pub(super) const HEADERS: &str = "headers";
/// What stands in `disabled` while an endpoint is being removed.
const REMOVED: u8 = 4;

/// Stores an endpoint, with everything that is set; its position is the end of the log.
pub(in crate::data) fn insert(tx: &Connection, vault: &Vault, webhook: &Webhook) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO webhooks (id, workspace_id, url, secret, position, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, (SELECT coalesce(max(seq), 0) FROM events), ?5, ?5)",
    )?
    .execute((
        webhook.id.to_bytes(),
        webhook.workspace.to_bytes(),
        &webhook.url,
        sealed_secret(vault, webhook.id, SECRET, &webhook.secret)?,
        webhook.created_at.as_millis(),
    ))?;
    update(tx, vault, webhook)
}

/// How many endpoints there are and what waits for them, while the log ends at `end`; counts no more than `most` rows.
pub(in crate::data) fn levels(
    connection: &Connection,
    end: u64,
    most: u32,
) -> Result<EndpointLevels, StoreError> {
    let count = |row: &Row<'_>, column: usize| row.get::<_, i64>(column).map(i64::cast_unsigned);
    let mut endpoints = connection
        .prepare_cached(
            "SELECT count(*) FILTER (WHERE disabled IS NULL), count(*) FILTER (WHERE disabled <> ?1),
                 coalesce(max(?2 - position) FILTER (WHERE disabled IS NULL AND workspace_id NOT IN
                     (SELECT id FROM workspaces WHERE deactivated_at IS NOT NULL OR webhooks = 0)), 0)
             FROM webhooks",
        )?
        .query_row((REMOVED, end.cast_signed()), |row| {
            Ok(EndpointLevels {
                enabled: count(row, 0)?,
                disabled: count(row, 1)?,
                // The position may be of a commit after the one that `end` is of.
                furthest_behind: row.get::<_, i64>(2)?.max(0).cast_unsigned(),
                ..EndpointLevels::default()
            })
        })?;
    (endpoints.waiting, endpoints.parked) = connection
        .prepare_cached(
            "SELECT count(*) FILTER (WHERE state <> 2), count(*) FILTER (WHERE state = 2)
             FROM (SELECT state FROM deliveries LIMIT ?1)",
        )?
        .query_row([most], |row| Ok((count(row, 0)?, count(row, 1)?)))?;
    Ok(endpoints)
}

/// Writes what is set, and what is known of failures.
pub(in crate::data) fn update(tx: &Connection, vault: &Vault, webhook: &Webhook) -> Result<(), StoreError> {
    let devices = webhook.devices.as_ref();
    let devices: Option<Vec<u8>> = devices.map(|ids| ids.iter().flat_map(|id| id.to_bytes()).collect());
    let (id, previous) = (webhook.id, webhook.previous_secret.as_ref());
    let sealed_previous = previous.map(|(secret, _)| sealed_secret(vault, id, PREVIOUS, secret));
    tx.prepare_cached(
        "UPDATE webhooks SET url = :url, description = :description, event_types = :event_types, devices = :devices,
             headers = :headers, secret = :secret, previous_secret = :previous_secret,
             previous_until = :previous_until, ordered = :ordered, rate_cap = :rate_cap, verified_at = :verified_at,
             disabled = :disabled, disabled_at = :disabled_at, failing_since = :failing_since, failures = :failures,
             rest_until = :rest_until, updated_at = :updated_at
         WHERE id = :id",
    )?
    .execute(named_params! {
        ":id": webhook.id.to_bytes(),
        ":url": webhook.url,
        ":description": webhook.description,
        ":event_types": webhook.event_types.bits().map(u64::cast_signed),
        ":devices": devices,
        ":headers": vault.seal(id.to_bytes(), HEADERS, &encode_headers(&webhook.headers))?,
        ":secret": sealed_secret(vault, id, SECRET, &webhook.secret)?,
        ":previous_secret": sealed_previous.transpose()?,
        ":previous_until": previous.map(|(_, until)| until.as_millis()),
        ":ordered": webhook.ordered,
        ":rate_cap": webhook.rate_cap,
        ":verified_at": webhook.verified_at.map(Timestamp::as_millis),
        ":disabled": webhook.disabled.map(|(reason, _)| reason.number()),
        ":disabled_at": webhook.disabled.map(|(_, since)| since.as_millis()),
        ":failing_since": webhook.failing_since.map(Timestamp::as_millis),
        ":failures": webhook.failures,
        ":rest_until": webhook.rest_until.map(Timestamp::as_millis),
        ":updated_at": webhook.updated_at.as_millis(),
    })?;
    Ok(())
}

/// An endpoint of a workspace, unless it is being removed.
pub(in crate::data) fn find(
    connection: &Connection,
    vault: &Vault,
    workspace: WorkspaceId,
    id: WebhookId,
) -> Result<Option<Webhook>, StoreError> {
    let mut statement = connection.prepare_cached(&format!(
        "{SELECT} WHERE id = ?1 AND workspace_id = ?2 AND disabled IS NOT 4"
    ))?;
    let mut found = statement.query((id.to_bytes(), workspace.to_bytes()))?;
    found.next()?.map(|row| webhook(row, vault)).transpose()
}

/// An endpoint, whatever its workspace.
pub(in crate::data) fn by_id(
    connection: &Connection,
    vault: &Vault,
    id: WebhookId,
) -> Result<Option<Webhook>, StoreError> {
    let mut statement =
        connection.prepare_cached(&format!("{SELECT} WHERE id = ?1 AND disabled IS NOT 4"))?;
    let mut found = statement.query([id.to_bytes()])?;
    found.next()?.map(|row| webhook(row, vault)).transpose()
}

/// The endpoints of a workspace that are not being removed, newest first.
pub(in crate::data) fn list(
    connection: &Connection,
    vault: &Vault,
    workspace: WorkspaceId,
    limit: usize,
    before: Option<WebhookId>,
) -> Result<Vec<Webhook>, StoreError> {
    let mut statement = connection.prepare_cached(&format!(
        "{SELECT} WHERE workspace_id = ?1 AND id < ?2 AND disabled IS NOT 4 ORDER BY id DESC LIMIT ?3"
    ))?;
    // Larger than any id that is made: its time is in the year 10889.
    let before = before.map_or([u8::MAX; 16], WebhookId::to_bytes);
    webhooks(
        &mut statement.query((workspace.to_bytes(), before, rows(limit)))?,
        vault,
    )
}

/// Every endpoint that is enabled, of all workspaces that are active and have a plan with webhooks.
pub(in crate::data) fn enabled(connection: &Connection, vault: &Vault) -> Result<Vec<Webhook>, StoreError> {
    let mut statement = connection.prepare_cached(&format!(
        "{SELECT} WHERE disabled IS NULL
         AND workspace_id NOT IN (SELECT id FROM workspaces WHERE deactivated_at IS NOT NULL OR webhooks = 0)"
    ))?;
    webhooks(&mut statement.query([])?, vault)
}

const FORGIVE: &str =
    "UPDATE webhooks SET failing_since = NULL, failures = 0, rest_until = NULL WHERE workspace_id";

/// Forgets what is known of the failures of a workspace's endpoints.
pub(in crate::data) fn forgive(tx: &Connection, workspace: WorkspaceId) -> Result<(), StoreError> {
    tx.prepare_cached(&format!("{FORGIVE} = ?1"))?
        .execute([workspace.to_bytes()])?;
    Ok(())
}

/// The same if its plan had no webhooks until now.
pub(in crate::data) fn forgive_stopped(tx: &Connection, workspace: WorkspaceId) -> Result<(), StoreError> {
    tx.prepare_cached(&format!(
        "{FORGIVE} IN (SELECT id FROM workspaces WHERE id = ?1 AND webhooks = 0)"
    ))?
    .execute([workspace.to_bytes()])?;
    Ok(())
}

/// The same of all workspaces with this plan.
pub(in crate::data) fn forgive_stopped_of_plan(tx: &Connection, plan: &str) -> Result<(), StoreError> {
    tx.prepare_cached(&format!(
        "{FORGIVE} IN (SELECT id FROM workspaces WHERE plan = ?1 AND webhooks = 0)"
    ))?
    .execute([plan])?;
    Ok(())
}

/// How many endpoints a workspace has.
pub(in crate::data) fn count(tx: &Connection, workspace: WorkspaceId) -> Result<u32, StoreError> {
    Ok(tx
        .prepare_cached("SELECT count(*) FROM webhooks WHERE workspace_id = ?1 AND disabled IS NOT 4")?
        .query_row([workspace.to_bytes()], |row| row.get(0))?)
}

/// Notes that an endpoint is being removed: from now on it is nobody's.
pub(in crate::data) fn mark_removed(
    tx: &Connection,
    workspace: WorkspaceId,
    id: WebhookId,
) -> Result<bool, StoreError> {
    let marked = tx
        .prepare_cached(
            "UPDATE webhooks SET disabled = ?3 WHERE id = ?1 AND workspace_id = ?2 AND disabled IS NOT 4",
        )?
        .execute((id.to_bytes(), workspace.to_bytes(), REMOVED))?;
    Ok(marked == 1)
}

/// Those that are being removed.
pub(in crate::data) fn removed(connection: &Connection) -> Result<Vec<WebhookId>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT id FROM webhooks WHERE disabled = 4")?;
    let mut found = statement.query([])?;
    let mut removed = Vec::new();
    while let Some(row) = found.next()? {
        removed.push(id(row, 0, WebhookId::from_bytes)?);
    }
    Ok(removed)
}

/// Deletes some of what belongs to an endpoint, or its row when nothing is left of it; whether there is more.
pub(in crate::data) fn delete_some(tx: &Connection, id: WebhookId, limit: usize) -> Result<bool, StoreError> {
    let id = id.to_bytes();
    for delete in [
        "DELETE FROM deliveries WHERE webhook_id = ?1 AND event_seq IN (
             SELECT event_seq FROM deliveries WHERE webhook_id = ?1 LIMIT ?2)",
        "DELETE FROM attempts WHERE seq IN (SELECT seq FROM attempts WHERE webhook_id = ?1 LIMIT ?2)",
        "DELETE FROM replays WHERE seq IN (SELECT seq FROM replays WHERE webhook_id = ?1 LIMIT ?2)",
    ] {
        if tx.prepare_cached(delete)?.execute((id, rows(limit)))? > 0 {
            return Ok(true);
        }
    }
    tx.prepare_cached("DELETE FROM webhooks WHERE id = ?1")?
        .execute([id])?;
    Ok(false)
}

/// How much an endpoint has still to get although its position is past it.
pub(in crate::data) fn backlog(connection: &Connection, id: WebhookId) -> Result<Backlog, StoreError> {
    let count = |index: &str, states: &str| -> Result<u32, StoreError> {
        let counting = format!(
            "SELECT count(*) FROM (SELECT 1 FROM deliveries INDEXED BY {index}
                                   WHERE webhook_id = ?1 AND state {states} LIMIT ?2)"
        );
        let mut statement = connection.prepare_cached(&counting)?;
        Ok(statement.query_row((id.to_bytes(), Backlog::MOST), |row| row.get(0))?)
    };
    Ok(Backlog {
        waiting: count("deliveries_of_device", "<> 2")?,
        parked: count("deliveries_parked", "= 2")?,
    })
}

fn webhooks(found: &mut rusqlite::Rows<'_>, vault: &Vault) -> Result<Vec<Webhook>, StoreError> {
    let mut webhooks = Vec::new();
    while let Some(row) = found.next()? {
        webhooks.push(webhook(row, vault)?);
    }
    Ok(webhooks)
}

fn webhook(row: &Row<'_>, vault: &Vault) -> Result<Webhook, StoreError> {
    let id: WebhookId = id(row, 0, WebhookId::from_bytes)?;
    Ok(Webhook {
        id,
        workspace: WorkspaceId::from_bytes(row.get(1)?),
        url: row.get(2)?,
        description: row.get(3)?,
        event_types: EventTypes::from_bits(row.get::<_, Option<i64>>(4)?.map(i64::cast_unsigned)),
        devices: devices(row.get(5)?)?,
        headers: headers(row, vault, id)?,
        secret: secret(&row.get::<_, Vec<u8>>(7)?, vault, id, SECRET)?,
        previous_secret: previous_secret(row, vault, id)?,
        ordered: row.get(10)?,
        rate_cap: row.get(11)?,
        verified_at: optional_time(row, 12)?,
        disabled: disabled(row)?,
        position: row.get::<_, i64>(15)?.cast_unsigned(),
        failing_since: optional_time(row, 16)?,
        failures: row.get(17)?,
        rest_until: optional_time(row, 18)?,
        last_success_at: optional_time(row, 19)?,
        last_failure_at: optional_time(row, 20)?,
        created_at: time(row, 21)?,
        updated_at: time(row, 22)?,
    })
}

fn devices(stored: Option<Vec<u8>>) -> Result<Option<Vec<DeviceId>>, StoreError> {
    let Some(bytes) = stored else {
        return Ok(None);
    };
    let (ids, []) = bytes.as_chunks() else {
        return Err(unreadable("an endpoint's devices"));
    };
    Ok(Some(ids.iter().copied().map(DeviceId::from_bytes).collect()))
}

fn sealed_secret(
    vault: &Vault,
    id: WebhookId,
    column: &str,
    secret: &WebhookSecret,
) -> Result<Vec<u8>, StoreError> {
    vault.seal(id.to_bytes(), column, secret.expose())
}

fn secret(sealed: &[u8], vault: &Vault, id: WebhookId, column: &str) -> Result<WebhookSecret, StoreError> {
    let secret = vault.unseal(id.to_bytes(), column, sealed);
    let secret = secret.and_then(|secret| secret.try_into().ok());
    let secret = secret.map(WebhookSecret::from_bytes);
    secret.ok_or_else(|| unreadable("an endpoint's secret"))
}

fn previous_secret(
    row: &Row<'_>,
    vault: &Vault,
    id: WebhookId,
) -> Result<Option<(WebhookSecret, Timestamp)>, StoreError> {
    let Some((sealed, until)) = row.get::<_, Option<Vec<u8>>>(8)?.zip(optional_time(row, 9)?) else {
        return Ok(None);
    };
    Ok(Some((secret(&sealed, vault, id, PREVIOUS)?, until)))
}

fn headers(row: &Row<'_>, vault: &Vault, id: WebhookId) -> Result<Vec<(String, String)>, StoreError> {
    let headers = vault.unseal(id.to_bytes(), HEADERS, &row.get::<_, Vec<u8>>(6)?);
    decode_headers(&headers.ok_or_else(|| unreadable("an endpoint's headers"))?)
}

fn disabled(row: &Row<'_>) -> Result<Option<(DisableReason, Timestamp)>, StoreError> {
    let Some(number) = row.get::<_, Option<u8>>(13)? else {
        return Ok(None);
    };
    let reason =
        DisableReason::from_number(number).ok_or_else(|| unreadable("why an endpoint is disabled"))?;
    Ok(Some((reason, optional_time(row, 14)?.unwrap_or_default())))
}

fn encode_headers(headers: &[(String, String)]) -> Vec<u8> {
    let headers = headers.iter().cloned();
    proto::Headers {
        headers: headers
            .map(|(name, value)| proto::Header { name, value })
            .collect(),
    }
    .encode_to_vec()
}

fn decode_headers(bytes: &[u8]) -> Result<Vec<(String, String)>, StoreError> {
    let stored = proto::Headers::decode(bytes).map_err(|_not_headers| unreadable("an endpoint's headers"))?;
    let headers = stored.headers.into_iter();
    Ok(headers.map(|header| (header.name, header.value)).collect())
}
