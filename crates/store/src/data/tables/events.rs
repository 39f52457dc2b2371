//! The event log: appended to with every change, read in order, never changed.

use postern_domain::event::EventPayload;
use postern_domain::{
    DeviceId, DeviceReason, DeviceState, Event, EventId, EventType, Timestamp, WorkspaceId,
};
use rusqlite::{Connection, OptionalExtension as _};

use super::columns::{id, number, place, rows, time, unreadable};
use crate::StoreError;

/// Appends an event of a device, numbered after the device's last one.
pub(in crate::data) fn append(
    tx: &Connection,
    device: DeviceId,
    kind: EventType,
    payload: &EventPayload,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut log = DeviceLog::of(tx, device)?;
    log.append(tx, kind, payload, now)?;
    log.close(tx)
}

/// The events of a device while several are appended: its row is read before the first and written after the last.
pub(in crate::data) struct DeviceLog {
    workspace: [u8; 16],
    device: DeviceId,
    last: i64,
}

impl DeviceLog {
    /// Until it is closed nothing else may append events of the device.
    pub(in crate::data) fn of(tx: &Connection, device: DeviceId) -> Result<Self, StoreError> {
        // Read here and written in `close`, because `RETURNING` makes a temporary table for its one row.
        let found: Option<([u8; 16], i64)> = tx
            .prepare_cached("SELECT workspace_id, event_seq FROM devices WHERE id = ?1")?
            .query_row([device.to_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let (workspace, last) = found.ok_or_else(|| StoreError::Invalid {
            what: "an event's device",
            reason: "there is no such device".to_owned(),
        })?;
        Ok(Self {
            workspace,
            device,
            last,
        })
    }

    /// The same where the device's row was read already in this transaction.
    pub(in crate::data) fn after(workspace: WorkspaceId, device: DeviceId, last: i64) -> Self {
        Self {
            workspace: workspace.to_bytes(),
            device,
            last,
        }
    }

    /// Appends an event.
    pub(in crate::data) fn append(
        &mut self,
        tx: &Connection,
        kind: EventType,
        payload: &EventPayload,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.last += 1;
        tx.prepare_cached(
            "INSERT INTO events (id, workspace_id, device_id, device_seq, kind, at, payload)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute((
            EventId::generate().to_bytes(),
            self.workspace,
            self.device.to_bytes(),
            self.last,
            kind.number(),
            now.as_millis(),
            payload.encode(),
        ))?;
        Ok(())
    }

    /// Writes the number of the device's last event.
    pub(in crate::data) fn close(self, tx: &Connection) -> Result<(), StoreError> {
        tx.prepare_cached("UPDATE devices SET event_seq = ?2 WHERE id = ?1")?
            .execute((self.device.to_bytes(), self.last))?;
        Ok(())
    }
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

/// Events of all devices after `seq`, oldest first.
pub(in crate::data) fn after(
    connection: &Connection,
    seq: u64,
    limit: usize,
) -> Result<Vec<Event>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT id, seq, workspace_id, device_id, device_seq, kind, at, payload
         FROM events WHERE seq > ?1 ORDER BY seq LIMIT ?2",
    )?;
    let mut found = statement.query((place(seq), rows(limit)))?;
    let mut events = Vec::new();
    while let Some(row) = found.next()? {
        let payload: &[u8] = row
            .get_ref(7)?
            .as_blob()
            .map_err(|_not_a_blob| unreadable("a stored event"))?;
        events.push(Event {
            id: id(row, 0, EventId::from_bytes)?,
            seq: row.get::<_, i64>(1)?.cast_unsigned(),
            workspace: id(row, 2, WorkspaceId::from_bytes)?,
            device: id(row, 3, DeviceId::from_bytes)?,
            device_seq: row.get::<_, i64>(4)?.cast_unsigned(),
            kind: number(row, 5, "a stored event's kind", EventType::from_number)?,
            at: time(row, 6)?,
            payload: EventPayload::decode(payload).map_err(|error| StoreError::Invalid {
                what: "a stored event",
                reason: error.to_string(),
            })?,
        });
    }
    Ok(events)
}
