//! Base keys of sessions during a retry, to tell whether the peer has a new session.

use rusqlite::{Connection, OptionalExtension, params};

use super::{DeviceRow, execute};
use crate::sqlite::StoreError;

pub(in crate::keys) fn put(
    tx: &Connection,
    device: DeviceRow,
    address: &str,
    message_id: &str,
    key: &[u8],
) -> Result<(), StoreError> {
    let sql = "INSERT INTO base_keys (device, address, message_id, value) VALUES (?1, ?2, ?3, ?4)
               ON CONFLICT (device, address, message_id) DO UPDATE SET value = excluded.value";
    execute(tx, sql, params![device, address, message_id, key])?;
    Ok(())
}

pub(in crate::keys) fn get(
    connection: &Connection,
    device: DeviceRow,
    address: &str,
    message_id: &str,
) -> Result<Option<Vec<u8>>, StoreError> {
    let sql = "SELECT value FROM base_keys WHERE device = ?1 AND address = ?2 AND message_id = ?3";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement
        .query_row(params![device, address, message_id], |row| row.get(0))
        .optional()?)
}

pub(in crate::keys) fn delete(
    tx: &Connection,
    device: DeviceRow,
    address: &str,
    message_id: &str,
) -> Result<(), StoreError> {
    let sql = "DELETE FROM base_keys WHERE device = ?1 AND address = ?2 AND message_id = ?3";
    execute(tx, sql, params![device, address, message_id])?;
    Ok(())
}
