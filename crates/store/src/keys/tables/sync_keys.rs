//! The keys that app state is encrypted with.

use rusqlite::{Connection, OptionalExtension, params};
use wacore::store::traits::AppStateSyncKey;

use super::{DeviceRow, execute};
use crate::sqlite::StoreError;

/// Makes the key the latest one, also when it was there before.
pub(in crate::keys) fn put(
    tx: &Connection,
    device: DeviceRow,
    id: &[u8],
    key: &AppStateSyncKey,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO sync_keys (device, id, value, fingerprint, timestamp, stored)
               VALUES (?1, ?2, ?3, ?4, ?5,
                       (SELECT coalesce(max(stored), 0) + 1 FROM sync_keys WHERE device = ?1))
               ON CONFLICT (device, id) DO UPDATE
               SET value = excluded.value, fingerprint = excluded.fingerprint,
                   timestamp = excluded.timestamp, stored = excluded.stored";
    execute(
        tx,
        sql,
        params![device, id, key.key_data, key.fingerprint, key.timestamp],
    )?;
    Ok(())
}

pub(in crate::keys) fn get(
    connection: &Connection,
    device: DeviceRow,
    id: &[u8],
) -> Result<Option<AppStateSyncKey>, StoreError> {
    let sql = "SELECT value, fingerprint, timestamp FROM sync_keys WHERE device = ?1 AND id = ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let key = statement.query_row(params![device, id], |row| {
        Ok(AppStateSyncKey {
            key_data: row.get(0)?,
            fingerprint: row.get(1)?,
            timestamp: row.get(2)?,
        })
    });
    Ok(key.optional()?)
}

/// The id of the key that was stored last. A device has a handful of keys, so looking at all is cheap.
pub(in crate::keys) fn latest_id(
    connection: &Connection,
    device: DeviceRow,
) -> Result<Option<Vec<u8>>, StoreError> {
    let sql = "SELECT id FROM sync_keys WHERE device = ?1 ORDER BY stored DESC LIMIT 1";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_row([device], |row| row.get(0)).optional()?)
}
