//! Sent messages, kept a while for peers that ask for one again.

use rusqlite::{Connection, OptionalExtension, params};

use super::{DeviceRow, count, execute};
use crate::sqlite::StoreError;

pub(in crate::keys) fn put(
    tx: &Connection,
    device: DeviceRow,
    chat: &str,
    message_id: &str,
    payload: &[u8],
    now: i64,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO sent_messages (device, chat, message_id, payload, stored_at)
               VALUES (?1, ?2, ?3, ?4, ?5)
               ON CONFLICT (device, chat, message_id) DO UPDATE
               SET payload = excluded.payload, stored_at = excluded.stored_at";
    execute(tx, sql, params![device, chat, message_id, payload, now])?;
    Ok(())
}

/// Reads and deletes in one statement, so that of two that ask only one gets it.
pub(in crate::keys) fn take(
    tx: &Connection,
    device: DeviceRow,
    chat: &str,
    message_id: &str,
) -> Result<Option<Vec<u8>>, StoreError> {
    let sql =
        "DELETE FROM sent_messages WHERE device = ?1 AND chat = ?2 AND message_id = ?3 RETURNING payload";
    let mut statement = tx.prepare_cached(sql)?;
    Ok(statement
        .query_row(params![device, chat, message_id], |row| row.get(0))
        .optional()?)
}

pub(in crate::keys) fn delete_expired(
    tx: &Connection,
    device: DeviceRow,
    cutoff: i64,
) -> Result<u32, StoreError> {
    let sql = "DELETE FROM sent_messages WHERE device = ?1 AND stored_at < ?2";
    Ok(count(execute(tx, sql, params![device, cutoff])?))
}
