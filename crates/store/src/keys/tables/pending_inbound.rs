//! Decrypted messages that the gateway has not committed yet, so that a kill before that loses none.

use rusqlite::{Connection, OptionalExtension, params};

use super::{DeviceRow, count, execute};
use crate::sqlite::StoreError;

/// A stanza id is unique only within a chat and a sender.
pub(in crate::keys) struct Key {
    chat: String,
    sender: String,
    id: String,
}

impl Key {
    pub(in crate::keys) fn new(chat: &str, sender: &str, id: &str) -> Self {
        Self {
            chat: chat.to_owned(),
            sender: sender.to_owned(),
            id: id.to_owned(),
        }
    }
}

pub(in crate::keys) fn put(
    tx: &Connection,
    device: DeviceRow,
    key: &Key,
    message: &[u8],
    now: i64,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO pending_inbound (device, chat, sender, id, message, stored_at)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6)
               ON CONFLICT (device, chat, sender, id) DO UPDATE
               SET message = excluded.message, stored_at = excluded.stored_at";
    execute(
        tx,
        sql,
        params![device, key.chat, key.sender, key.id, message, now],
    )?;
    Ok(())
}

pub(in crate::keys) fn get(
    connection: &Connection,
    device: DeviceRow,
    key: &Key,
) -> Result<Option<Vec<u8>>, StoreError> {
    let sql =
        "SELECT message FROM pending_inbound WHERE device = ?1 AND chat = ?2 AND sender = ?3 AND id = ?4";
    let mut statement = connection.prepare_cached(sql)?;
    let message = statement.query_row(params![device, key.chat, key.sender, key.id], |row| row.get(0));
    Ok(message.optional()?)
}

pub(in crate::keys) fn delete(tx: &Connection, device: DeviceRow, key: &Key) -> Result<(), StoreError> {
    let sql = "DELETE FROM pending_inbound WHERE device = ?1 AND chat = ?2 AND sender = ?3 AND id = ?4";
    execute(tx, sql, params![device, key.chat, key.sender, key.id])?;
    Ok(())
}

pub(in crate::keys) fn delete_expired(
    tx: &Connection,
    device: DeviceRow,
    cutoff: i64,
) -> Result<u32, StoreError> {
    let sql = "DELETE FROM pending_inbound WHERE device = ?1 AND stored_at < ?2";
    Ok(count(execute(tx, sql, params![device, cutoff])?))
}
