//! One-time prekeys and signed prekeys, by their number.

use rusqlite::{Connection, OptionalExtension, params};

use super::{DeviceRow, execute};
use crate::sqlite::StoreError;

pub(in crate::keys) fn put(
    tx: &Connection,
    device: DeviceRow,
    id: u32,
    record: &[u8],
    uploaded: bool,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO prekeys (device, id, value, uploaded) VALUES (?1, ?2, ?3, ?4)
               ON CONFLICT (device, id) DO UPDATE SET value = excluded.value, uploaded = excluded.uploaded";
    execute(tx, sql, params![device, id, record, uploaded])?;
    Ok(())
}

pub(in crate::keys) fn get(
    connection: &Connection,
    device: DeviceRow,
    id: u32,
) -> Result<Option<Vec<u8>>, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT value FROM prekeys WHERE device = ?1 AND id = ?2")?;
    Ok(statement
        .query_row(params![device, id], |row| row.get(0))
        .optional()?)
}

/// Does nothing for a prekey that was used up meanwhile.
pub(in crate::keys) fn mark_uploaded(tx: &Connection, device: DeviceRow, id: u32) -> Result<(), StoreError> {
    let sql = "UPDATE prekeys SET uploaded = 1 WHERE device = ?1 AND id = ?2";
    execute(tx, sql, params![device, id])?;
    Ok(())
}

pub(in crate::keys) fn delete(tx: &Connection, device: DeviceRow, id: u32) -> Result<(), StoreError> {
    execute(
        tx,
        "DELETE FROM prekeys WHERE device = ?1 AND id = ?2",
        params![device, id],
    )?;
    Ok(())
}

/// The highest number that is in use, 0 when none is.
pub(in crate::keys) fn max_id(connection: &Connection, device: DeviceRow) -> Result<u32, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT coalesce(max(id), 0) FROM prekeys WHERE device = ?1")?;
    Ok(statement.query_row([device], |row| row.get(0))?)
}

pub(in crate::keys) fn put_signed(
    tx: &Connection,
    device: DeviceRow,
    id: u32,
    record: &[u8],
) -> Result<(), StoreError> {
    let sql = "INSERT INTO signed_prekeys (device, id, value) VALUES (?1, ?2, ?3)
               ON CONFLICT (device, id) DO UPDATE SET value = excluded.value";
    execute(tx, sql, params![device, id, record])?;
    Ok(())
}

pub(in crate::keys) fn get_signed(
    connection: &Connection,
    device: DeviceRow,
    id: u32,
) -> Result<Option<Vec<u8>>, StoreError> {
    let sql = "SELECT value FROM signed_prekeys WHERE device = ?1 AND id = ?2";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement
        .query_row(params![device, id], |row| row.get(0))
        .optional()?)
}

pub(in crate::keys) fn all_signed(
    connection: &Connection,
    device: DeviceRow,
) -> Result<Vec<(u32, Vec<u8>)>, StoreError> {
    let sql = "SELECT id, value FROM signed_prekeys WHERE device = ?1 ORDER BY id";
    let mut statement = connection.prepare_cached(sql)?;
    let keys = statement.query_map([device], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(keys.collect::<Result<_, _>>()?)
}

pub(in crate::keys) fn delete_signed(tx: &Connection, device: DeviceRow, id: u32) -> Result<(), StoreError> {
    execute(
        tx,
        "DELETE FROM signed_prekeys WHERE device = ?1 AND id = ?2",
        params![device, id],
    )?;
    Ok(())
}
