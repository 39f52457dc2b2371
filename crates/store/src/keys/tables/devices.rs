//! The devices: what their ids are in this file, and the wipe.

use postern_domain::DeviceId;
use rusqlite::types::{ToSql, ToSqlOutput};
use rusqlite::{Connection, OptionalExtension};

use super::execute;
use crate::sqlite::StoreError;

/// A device in this file. After a wipe the same device is another row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::keys) struct DeviceRow(pub(super) i64);

impl ToSql for DeviceRow {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::from(self.0))
    }
}

pub(in crate::keys) fn find(
    connection: &Connection,
    device: DeviceId,
) -> Result<Option<DeviceRow>, StoreError> {
    Ok(connection
        .prepare_cached("SELECT id FROM devices WHERE device = ?1")?
        .query_row([device.to_bytes()], |row| row.get(0).map(DeviceRow))
        .optional()?)
}

pub(in crate::keys) fn find_or_insert(tx: &Connection, device: DeviceId) -> Result<DeviceRow, StoreError> {
    if let Some(row) = find(tx, device)? {
        return Ok(row);
    }
    execute(
        tx,
        "INSERT INTO devices (device) VALUES (?1)",
        [device.to_bytes()],
    )?;
    Ok(DeviceRow(tx.last_insert_rowid()))
}

/// Takes with it every row that refers to the device.
pub(in crate::keys) fn delete(tx: &Connection, device: DeviceId) -> Result<(), StoreError> {
    execute(tx, "DELETE FROM devices WHERE device = ?1", [device.to_bytes()])?;
    Ok(())
}

pub(in crate::keys) fn refuse_wiped(tx: &Connection, device: DeviceRow) -> Result<(), StoreError> {
    let exists = tx
        .prepare_cached("SELECT 1 FROM devices WHERE id = ?1")?
        .exists([device])?;
    if exists { Ok(()) } else { Err(StoreError::Wiped) }
}

pub(in crate::keys) fn with_record(connection: &Connection) -> Result<Vec<DeviceId>, StoreError> {
    let sql = "SELECT devices.device FROM devices JOIN device_records ON device_records.device = devices.id
               ORDER BY devices.device";
    let mut statement = connection.prepare_cached(sql)?;
    let devices = statement.query_map([], |row| row.get(0).map(DeviceId::from_bytes))?;
    Ok(devices.collect::<Result<_, _>>()?)
}
