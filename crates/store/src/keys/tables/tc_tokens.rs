//! Trusted contact tokens: the one a contact gave us, and when we last gave it ours.

use rusqlite::{Connection, OptionalExtension, params};
use wacore::store::traits::TcTokenEntry;

use super::{DeviceRow, count, execute};
use crate::sqlite::StoreError;

pub(in crate::keys) fn put(
    tx: &Connection,
    device: DeviceRow,
    jid: &str,
    entry: &TcTokenEntry,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO tc_tokens (device, jid, token, token_timestamp, sender_timestamp)
               VALUES (?1, ?2, ?3, ?4, ?5)
               ON CONFLICT (device, jid) DO UPDATE
               SET token = excluded.token, token_timestamp = excluded.token_timestamp,
                   sender_timestamp = excluded.sender_timestamp";
    execute(
        tx,
        sql,
        params![
            device,
            jid,
            entry.token,
            entry.token_timestamp,
            entry.sender_timestamp
        ],
    )?;
    Ok(())
}

/// Stores a token unless there is a newer one; the sender's side stays as it is.
pub(in crate::keys) fn put_received(
    tx: &Connection,
    device: DeviceRow,
    jid: &str,
    token: &[u8],
    token_timestamp: i64,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO tc_tokens (device, jid, token, token_timestamp) VALUES (?1, ?2, ?3, ?4)
               ON CONFLICT (device, jid) DO UPDATE
               SET token = excluded.token, token_timestamp = excluded.token_timestamp
               WHERE length(token) = 0 OR excluded.token_timestamp >= token_timestamp";
    execute(tx, sql, params![device, jid, token, token_timestamp])?;
    Ok(())
}

/// Moves the sender's timestamp forward, on a placeholder without token if there is no row.
pub(in crate::keys) fn touch_sender(
    tx: &Connection,
    device: DeviceRow,
    jid: &str,
    sender_timestamp: i64,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO tc_tokens (device, jid, token, token_timestamp, sender_timestamp)
               VALUES (?1, ?2, x'', ?3, ?3)
               ON CONFLICT (device, jid) DO UPDATE
               SET sender_timestamp =
                   max(coalesce(sender_timestamp, excluded.sender_timestamp), excluded.sender_timestamp)";
    execute(tx, sql, params![device, jid, sender_timestamp])?;
    Ok(())
}

pub(in crate::keys) fn get(
    connection: &Connection,
    device: DeviceRow,
    jid: &str,
) -> Result<Option<TcTokenEntry>, StoreError> {
    let sql = "SELECT token, token_timestamp, sender_timestamp FROM tc_tokens WHERE device = ?1 AND jid = ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let entry = statement.query_row(params![device, jid], |row| {
        Ok(TcTokenEntry {
            token: row.get(0)?,
            token_timestamp: row.get(1)?,
            sender_timestamp: row.get(2)?,
        })
    });
    Ok(entry.optional()?)
}

pub(in crate::keys) fn jids(connection: &Connection, device: DeviceRow) -> Result<Vec<String>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT jid FROM tc_tokens WHERE device = ?1")?;
    let jids = statement.query_map([device], |row| row.get(0))?;
    Ok(jids.collect::<Result<_, _>>()?)
}

pub(in crate::keys) fn delete(tx: &Connection, device: DeviceRow, jid: &str) -> Result<(), StoreError> {
    execute(
        tx,
        "DELETE FROM tc_tokens WHERE device = ?1 AND jid = ?2",
        params![device, jid],
    )?;
    Ok(())
}

/// Deletes the rows of which neither side is live any more.
pub(in crate::keys) fn delete_expired(
    tx: &Connection,
    device: DeviceRow,
    token_cutoff: i64,
    sender_cutoff: i64,
) -> Result<u32, StoreError> {
    let sql = "DELETE FROM tc_tokens
               WHERE device = ?1
                 AND (length(token) = 0 OR token_timestamp < ?2)
                 AND (sender_timestamp IS NULL OR sender_timestamp < ?3)";
    Ok(count(execute(
        tx,
        sql,
        params![device, token_cutoff, sender_cutoff],
    )?))
}
