//! The secrets of messages, each with the time until which it is wanted.

use rusqlite::{Connection, OptionalExtension, params};
use wacore::store::traits::MsgSecretEntry;

use super::{DeviceRow, count, execute};
use crate::sqlite::StoreError;

/// Stores a secret; a deadline that is there already only moves later, and 0 is the latest of all.
pub(in crate::keys) fn merge(
    tx: &Connection,
    device: DeviceRow,
    entry: &MsgSecretEntry,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO msg_secrets (device, chat, sender, message_id, secret, expires_at, message_ts)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
               ON CONFLICT (device, chat, sender, message_id) DO UPDATE
               SET secret = excluded.secret,
                   expires_at = CASE WHEN expires_at = 0 OR excluded.expires_at = 0 THEN 0
                                     ELSE max(expires_at, excluded.expires_at) END,
                   message_ts = max(message_ts, excluded.message_ts)";
    let MsgSecretEntry {
        chat,
        sender,
        msg_id,
        secret,
        expires_at,
        message_ts,
    } = entry;
    execute(
        tx,
        sql,
        params![device, chat, sender, msg_id, secret, expires_at, message_ts],
    )?;
    Ok(())
}

/// The secret and the time of its message, 0 when that is unknown.
pub(in crate::keys) fn get(
    connection: &Connection,
    device: DeviceRow,
    chat: &str,
    sender: &str,
    message_id: &str,
) -> Result<Option<(Vec<u8>, i64)>, StoreError> {
    let sql = "SELECT secret, message_ts FROM msg_secrets
               WHERE device = ?1 AND chat = ?2 AND sender = ?3 AND message_id = ?4";
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_row(params![device, chat, sender, message_id], |row| {
        Ok((row.get(0)?, row.get(1)?))
    });
    Ok(found.optional()?)
}

pub(in crate::keys) fn delete_expired(
    tx: &Connection,
    device: DeviceRow,
    cutoff: i64,
) -> Result<u32, StoreError> {
    let sql = "DELETE FROM msg_secrets WHERE device = ?1 AND expires_at <> 0 AND expires_at <= ?2";
    Ok(count(execute(tx, sql, params![device, cutoff])?))
}
