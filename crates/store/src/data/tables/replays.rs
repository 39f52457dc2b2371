//! Requests to send events to an endpoint again: made here, worked off by the engine.

use postern_domain::{DeviceId, EventId, EventType, ReplayId, Timestamp, WebhookId, WorkspaceId};
use rusqlite::{Connection, OptionalExtension as _, Row};

use super::columns::{id, number, optional_time, place, rows, time};
use super::order::first_event_since;
use crate::StoreError;
use crate::data::records::Replay;

const SELECT: &str =
    "SELECT id, webhook_id, kind, first_seq, last_seq, position, found, created_at, ended_at FROM replays";

/// Every wanted event of the range.
const ALL: u8 = 1;
/// Only the parked ones.
const PARKED: u8 = 2;

/// Stores a replay.
pub(in crate::data) fn insert(tx: &Connection, replay: &Replay) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO replays (id, webhook_id, kind, first_seq, last_seq, position, found, created_at, ended_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?
    .execute((
        replay.id.to_bytes(),
        replay.webhook.to_bytes(),
        if replay.parked { PARKED } else { ALL },
        place(replay.first),
        place(replay.last),
        place(replay.position),
        place(replay.found),
        replay.created_at.as_millis(),
        replay.ended_at.map(Timestamp::as_millis),
    ))?;
    Ok(())
}

/// One replay of an endpoint.
pub(in crate::data) fn find(
    connection: &Connection,
    webhook: WebhookId,
    id: ReplayId,
) -> Result<Option<Replay>, StoreError> {
    let mut statement = connection.prepare_cached(&format!("{SELECT} WHERE id = ?1 AND webhook_id = ?2"))?;
    let mut found = statement.query((id.to_bytes(), webhook.to_bytes()))?;
    found.next()?.map(replay).transpose()
}

/// The replay of an endpoint that was asked for last.
pub(in crate::data) fn latest(
    connection: &Connection,
    webhook: WebhookId,
) -> Result<Option<Replay>, StoreError> {
    let mut statement = connection.prepare_cached(&format!(
        "{SELECT} WHERE webhook_id = ?1 ORDER BY seq DESC LIMIT 1"
    ))?;
    let mut found = statement.query([webhook.to_bytes()])?;
    found.next()?.map(replay).transpose()
}

/// The replay of an endpoint that is not worked off, if there is one.
pub(in crate::data) fn open(tx: &Connection, webhook: WebhookId) -> Result<Option<ReplayId>, StoreError> {
    Ok(tx
        .prepare_cached("SELECT id FROM replays WHERE webhook_id = ?1 AND ended_at IS NULL LIMIT 1")?
        .query_row([webhook.to_bytes()], |row| row.get(0))
        .optional()?
        .map(ReplayId::from_bytes))
}

/// Forgets the oldest replays of an endpoint, but the last `keep`.
pub(in crate::data) fn prune(tx: &Connection, webhook: WebhookId, keep: usize) -> Result<(), StoreError> {
    tx.prepare_cached(
        "DELETE FROM replays WHERE webhook_id = ?1 AND ended_at IS NOT NULL AND seq <= (
             SELECT seq FROM replays WHERE webhook_id = ?1 ORDER BY seq DESC LIMIT 1 OFFSET ?2)",
    )?
    .execute((webhook.to_bytes(), rows(keep)))?;
    Ok(())
}

/// An event of the log, as far as it matters to whom it is sent.
pub(in crate::data) struct Logged {
    /// Its place in the log.
    pub(in crate::data) seq: u64,
    /// Its type.
    pub(in crate::data) kind: EventType,
    /// The device it tells of.
    pub(in crate::data) device: Option<DeviceId>,
}

/// An event of a workspace, while the log has it.
pub(in crate::data) fn logged(
    connection: &Connection,
    workspace: WorkspaceId,
    event: EventId,
) -> Result<Option<Logged>, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT seq, kind, device_id FROM events WHERE id = ?1 AND workspace_id = ?2")?;
    let mut found = statement.query((event.to_bytes(), workspace.to_bytes()))?;
    let Some(row) = found.next()? else {
        return Ok(None);
    };
    let device: Option<[u8; 16]> = row.get(2)?;
    Ok(Some(Logged {
        seq: row.get::<_, i64>(0)?.cast_unsigned(),
        kind: number(row, 1, "a stored event's kind", EventType::from_number)?,
        device: device.map(DeviceId::from_bytes),
    }))
}

/// The first place of the log that holds an event made at or after `at`.
pub(in crate::data) fn first_since(connection: &Connection, at: Timestamp) -> Result<u64, StoreError> {
    Ok(first_event_since(connection, at.as_millis())?.cast_unsigned())
}

fn replay(row: &Row<'_>) -> Result<Replay, StoreError> {
    let count = |column| Ok::<_, StoreError>(row.get::<_, i64>(column)?.cast_unsigned());
    Ok(Replay {
        id: id(row, 0, ReplayId::from_bytes)?,
        webhook: id(row, 1, WebhookId::from_bytes)?,
        parked: row.get::<_, u8>(2)? == PARKED,
        first: count(3)?,
        last: count(4)?,
        position: count(5)?,
        found: count(6)?,
        created_at: time(row, 7)?,
        ended_at: optional_time(row, 8)?,
    })
}

/// The replay of an endpoint that is not worked off.
pub(in crate::data) fn open_one(tx: &Connection, webhook: WebhookId) -> Result<Option<Replay>, StoreError> {
    let mut statement = tx.prepare_cached(&format!(
        "{SELECT} INDEXED BY replays_open WHERE webhook_id = ?1 AND ended_at IS NULL LIMIT 1"
    ))?;
    let mut found = statement.query([webhook.to_bytes()])?;
    found.next()?.map(replay).transpose()
}

/// Writes down how far it came and how many more events were found wanted, and when it was worked off.
pub(in crate::data) fn advance(
    tx: &Connection,
    id: ReplayId,
    (position, found): (u64, usize),
    ended_at: Option<Timestamp>,
) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE replays SET position = ?2, found = found + ?3, ended_at = ?4 WHERE id = ?1")?
        .execute((
            id.to_bytes(),
            place(position),
            rows(found),
            ended_at.map(Timestamp::as_millis),
        ))?;
    Ok(())
}

/// The endpoints that have a replay that is not worked off.
pub(in crate::data) fn all_open(connection: &Connection) -> Result<Vec<WebhookId>, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT webhook_id FROM replays INDEXED BY replays_open WHERE ended_at IS NULL")?;
    let found = statement.query_map([], |row| Ok(WebhookId::from_bytes(row.get(0)?)))?;
    Ok(found.collect::<Result<_, _>>()?)
}
