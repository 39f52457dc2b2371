//! The MACs of app state mutations, from which the hash of the next patch is computed.

use rusqlite::{Connection, OptionalExtension, params};
use wacore_appstate::processor::AppStateMutationMAC;

use super::{DeviceRow, execute};
use crate::sqlite::StoreError;

pub(in crate::keys) fn put(
    tx: &Connection,
    device: DeviceRow,
    collection: &str,
    version: u64,
    mutation: &AppStateMutationMAC,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO mutation_macs (device, collection, index_mac, value_mac, version)
               VALUES (?1, ?2, ?3, ?4, ?5)
               ON CONFLICT (device, collection, index_mac) DO UPDATE
               SET value_mac = excluded.value_mac, version = excluded.version";
    // SQLite's integers are signed; the bits are the same.
    let version = version.cast_signed();
    execute(
        tx,
        sql,
        params![
            device,
            collection,
            mutation.index_mac,
            mutation.value_mac,
            version
        ],
    )?;
    Ok(())
}

pub(in crate::keys) fn get(
    connection: &Connection,
    device: DeviceRow,
    collection: &str,
    index_mac: &[u8],
) -> Result<Option<Vec<u8>>, StoreError> {
    let sql = "SELECT value_mac FROM mutation_macs WHERE device = ?1 AND collection = ?2 AND index_mac = ?3";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement
        .query_row(params![device, collection, index_mac], |row| row.get(0))
        .optional()?)
}

pub(in crate::keys) fn delete(
    tx: &Connection,
    device: DeviceRow,
    collection: &str,
    index_mac: &[u8],
) -> Result<(), StoreError> {
    let sql = "DELETE FROM mutation_macs WHERE device = ?1 AND collection = ?2 AND index_mac = ?3";
    execute(tx, sql, params![device, collection, index_mac])?;
    Ok(())
}

pub(in crate::keys) fn clear(tx: &Connection, device: DeviceRow, collection: &str) -> Result<(), StoreError> {
    let sql = "DELETE FROM mutation_macs WHERE device = ?1 AND collection = ?2";
    execute(tx, sql, params![device, collection])?;
    Ok(())
}
