//! Which phone number is behind which LID.

use rusqlite::{Connection, OptionalExtension, Row, params};
use wacore::store::traits::LidPnMappingEntry;

use super::{DeviceRow, execute};
use crate::sqlite::StoreError;

pub(in crate::keys) fn put(
    tx: &Connection,
    device: DeviceRow,
    entry: &LidPnMappingEntry,
) -> Result<(), StoreError> {
    let sql = "INSERT OR REPLACE INTO lid_mappings
               (device, lid, phone_number, created_at, updated_at, learning_source)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let LidPnMappingEntry {
        lid,
        phone_number,
        created_at,
        updated_at,
        learning_source,
    } = entry;
    execute(
        tx,
        sql,
        params![device, lid, phone_number, created_at, updated_at, learning_source],
    )?;
    Ok(())
}

pub(in crate::keys) fn by_lid(
    connection: &Connection,
    device: DeviceRow,
    lid: &str,
) -> Result<Option<LidPnMappingEntry>, StoreError> {
    let sql = "SELECT lid, phone_number, created_at, updated_at, learning_source FROM lid_mappings
               WHERE device = ?1 AND lid = ?2";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_row(params![device, lid], read).optional()?)
}

/// The mapping with the latest time, and of equal ones the one stored last.
///
/// Not simply the one stored last: whatsapp-rust gives what it knows to be stale the time 0.
pub(in crate::keys) fn latest_by_phone_number(
    connection: &Connection,
    device: DeviceRow,
    phone_number: &str,
) -> Result<Option<LidPnMappingEntry>, StoreError> {
    let sql = "SELECT lid, phone_number, created_at, updated_at, learning_source FROM lid_mappings
               WHERE device = ?1 AND phone_number = ?2 ORDER BY updated_at DESC, id DESC LIMIT 1";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement
        .query_row(params![device, phone_number], read)
        .optional()?)
}

pub(in crate::keys) fn all(
    connection: &Connection,
    device: DeviceRow,
) -> Result<Vec<LidPnMappingEntry>, StoreError> {
    let sql = "SELECT lid, phone_number, created_at, updated_at, learning_source FROM lid_mappings
               WHERE device = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let entries = statement.query_map([device], read)?;
    Ok(entries.collect::<Result<_, _>>()?)
}

fn read(row: &Row<'_>) -> rusqlite::Result<LidPnMappingEntry> {
    Ok(LidPnMappingEntry {
        lid: row.get(0)?,
        phone_number: row.get(1)?,
        created_at: row.get(2)?,
        updated_at: row.get(3)?,
        learning_source: row.get(4)?,
    })
}
