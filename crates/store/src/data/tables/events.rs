//! The event log as it is written: appended to with every change, trimmed at its old end, never changed.

use postern_domain::event::EventPayload;
use postern_domain::{DeviceId, DeviceReason, DeviceState, EventId, EventType, Timestamp, WorkspaceId};
use rusqlite::Connection;

use super::columns::{place, rows};
use crate::StoreError;
use crate::data::tally::Tally;

/// Appends an event of a device, numbered after the last one of the device and of its workspace.
pub(in crate::data) fn append(
    tx: &Connection,
    tally: &Tally,
    device: DeviceId,
    kind: EventType,
    payload: &EventPayload,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (workspace, number, of_device) = tally.number_device_event(tx, device)?;
    insert(
        tx,
        (workspace, number),
        Some((device, of_device)),
        kind,
        payload,
        now,
    )
}

/// Appends an event that is of no device.
pub(in crate::data) fn append_of_workspace(
    tx: &Connection,
    tally: &Tally,
    workspace: WorkspaceId,
    kind: EventType,
    payload: &EventPayload,
    now: Timestamp,
) -> Result<(), StoreError> {
    let number = tally.number_event(tx, workspace)?;
    insert(tx, (workspace, number), None, kind, payload, now)
}

fn insert(
    tx: &Connection,
    (workspace, number): (WorkspaceId, i64),
    of_device: Option<(DeviceId, i64)>,
    kind: EventType,
    payload: &EventPayload,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO events (id, workspace_id, workspace_seq, device_id, device_seq, kind, at, payload)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute((
        EventId::generate().to_bytes(),
        workspace.to_bytes(),
        number,
        of_device.map(|(device, _)| device.to_bytes()),
        of_device.map(|(_, number)| number),
        kind.number(),
        now.as_millis(),
        payload.encode(),
    ))?;
    Ok(())
}

/// Deletes the events of a device among the next `span` after `after`, or what the last of all tells; answers where to
/// go on, `None` at the end.
pub(in crate::data) fn delete_of(
    tx: &Connection,
    device: DeviceId,
    after: u64,
    span: u64,
) -> Result<Option<u64>, StoreError> {
    let until = after.saturating_add(span);
    tx.prepare_cached(
        "DELETE FROM events
         WHERE seq > ?1 AND seq <= ?2 AND device_id = ?3 AND seq < (SELECT max(seq) FROM events)",
    )?
    .execute((place(after), place(until), device.to_bytes()))?;
    // The last of all has to stay, because numbers that readers have passed must not be given again.
    let gone = EventPayload::Device {
        state: DeviceState::Unlinked,
        reason: DeviceReason::LoggedOut,
        retry_at: None,
    };
    tx.prepare_cached(
        "UPDATE events SET kind = ?2, payload = ?3
         WHERE seq = (SELECT max(seq) FROM events) AND device_id = ?1",
    )?
    .execute((
        device.to_bytes(),
        EventType::DeviceUnlinked.number(),
        gone.encode(),
    ))?;
    let more = tx
        .prepare_cached("SELECT 1 FROM events WHERE seq > ?1 LIMIT 1")?
        .exists([place(until)])?;
    Ok(more.then_some(until))
}

/// Deletes the oldest events made before `before`; whether there may be more of them.
pub(in crate::data) fn sweep(tx: &Connection, before: Timestamp, limit: usize) -> Result<bool, StoreError> {
    // The order of the log is that of time, but for a clock that was set. The last one stays, whatever its age: numbers
    // that readers have passed must not be given again.
    let deleted = tx
        .prepare_cached(
            "DELETE FROM events WHERE seq IN (SELECT seq FROM events ORDER BY seq LIMIT ?2)
                 AND at < ?1 AND seq < (SELECT max(seq) FROM events)",
        )?
        .execute((before.as_millis(), rows(limit)))?;
    Ok(deleted == limit)
}
