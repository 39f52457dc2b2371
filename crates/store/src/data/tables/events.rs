//! The event log as it is written: appended to with every change, trimmed at its old end, never changed.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use postern_domain::event::EventPayload;
use postern_domain::{DeviceId, DeviceReason, DeviceState, EventId, EventType, Timestamp, WorkspaceId};
use rusqlite::{Connection, OptionalExtension as _};

use super::columns::{place, rows};
use crate::StoreError;

/// Appends an event of a device, numbered after the last one of the device and of its workspace.
pub(in crate::data) fn append(
    tx: &Connection,
    device: DeviceId,
    kind: EventType,
    payload: &EventPayload,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut log = Log::of_device(tx, device)?;
    log.append(tx, Some(device), kind, payload, now)?;
    log.close(tx)
}

/// Appends several; the rows that count them are read and written once.
pub(in crate::data) fn append_all(
    tx: &Connection,
    device: DeviceId,
    events: &[(EventType, EventPayload)],
    now: Timestamp,
) -> Result<(), StoreError> {
    if events.is_empty() {
        return Ok(());
    }
    let mut log = Log::of_device(tx, device)?;
    for (kind, payload) in events {
        log.append(tx, Some(device), *kind, payload, now)?;
    }
    log.close(tx)
}

/// Appends an event that is of no device.
pub(in crate::data) fn append_of_workspace(
    tx: &Connection,
    workspace: WorkspaceId,
    kind: EventType,
    payload: &EventPayload,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut log = Log::of(tx, workspace)?;
    log.append(tx, None, kind, payload, now)?;
    log.close(tx)
}

/// The events of a workspace while several are appended: the rows that count them are read before the first and written
/// after the last.
pub(in crate::data) struct Log {
    workspace: [u8; 16],
    last: i64,
    devices: BTreeMap<DeviceId, i64>,
}

impl Log {
    /// Until it is closed nothing else may append events of the workspace.
    pub(in crate::data) fn of(tx: &Connection, workspace: WorkspaceId) -> Result<Self, StoreError> {
        let last = tx
            .prepare_cached("SELECT event_seq FROM workspaces WHERE id = ?1")?
            .query_row([workspace.to_bytes()], |row| row.get(0))
            .optional()?;
        Ok(Self {
            workspace: workspace.to_bytes(),
            last: last.ok_or_else(|| missing("workspace"))?,
            devices: BTreeMap::new(),
        })
    }

    /// The same where one device is known to be told of.
    fn of_device(tx: &Connection, device: DeviceId) -> Result<Self, StoreError> {
        // Read here and written in `close`, because `RETURNING` makes a temporary table for its one row.
        let found = tx
            .prepare_cached(
                "SELECT workspaces.id, workspaces.event_seq, devices.event_seq
                 FROM devices CROSS JOIN workspaces ON workspaces.id = devices.workspace_id WHERE devices.id = ?1",
            )?
            .query_row([device.to_bytes()], |row| {
                Ok(Self {
                    workspace: row.get(0)?,
                    last: row.get(1)?,
                    devices: BTreeMap::from([(device, row.get(2)?)]),
                })
            })
            .optional()?;
        found.ok_or_else(|| missing("device"))
    }

    /// The same with the last numbers of the workspace and of one of its devices, read in this transaction.
    pub(in crate::data) fn after(
        workspace: WorkspaceId,
        device: DeviceId,
        (last, last_of_device): (i64, i64),
    ) -> Self {
        Self {
            workspace: workspace.to_bytes(),
            last,
            devices: BTreeMap::from([(device, last_of_device)]),
        }
    }

    /// Appends an event, of a device of the workspace or of none.
    pub(in crate::data) fn append(
        &mut self,
        tx: &Connection,
        device: Option<DeviceId>,
        kind: EventType,
        payload: &EventPayload,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.last += 1;
        let device_seq = device.map(|device| self.count(tx, device)).transpose()?;
        tx.prepare_cached(
            "INSERT INTO events (id, workspace_id, workspace_seq, device_id, device_seq, kind, at, payload)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute((
            EventId::generate().to_bytes(),
            self.workspace,
            self.last,
            device.map(DeviceId::to_bytes),
            device_seq,
            kind.number(),
            now.as_millis(),
            payload.encode(),
        ))?;
        Ok(())
    }

    /// The number of the device's next event.
    fn count(&mut self, tx: &Connection, device: DeviceId) -> Result<i64, StoreError> {
        let last = match self.devices.entry(device) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                let last = tx
                    .prepare_cached("SELECT event_seq FROM devices WHERE id = ?1 AND workspace_id = ?2")?
                    .query_row((device.to_bytes(), self.workspace), |row| row.get(0))
                    .optional()?;
                place.insert(last.ok_or_else(|| missing("device"))?)
            }
        };
        *last += 1;
        Ok(*last)
    }

    /// Writes the numbers of the last events.
    pub(in crate::data) fn close(self, tx: &Connection) -> Result<(), StoreError> {
        tx.prepare_cached("UPDATE workspaces SET event_seq = ?2 WHERE id = ?1")?
            .execute((self.workspace, self.last))?;
        for (device, last) in self.devices {
            tx.prepare_cached("UPDATE devices SET event_seq = ?2 WHERE id = ?1")?
                .execute((device.to_bytes(), last))?;
        }
        Ok(())
    }
}

fn missing(what: &'static str) -> StoreError {
    StoreError::Invalid {
        what: "an event",
        reason: format!("there is no such {what}"),
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
