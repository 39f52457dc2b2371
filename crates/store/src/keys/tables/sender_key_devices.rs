//! Which members' devices of a group have our sender key.

use rusqlite::{Connection, params};

use super::{DeviceRow, execute};
use crate::sqlite::StoreError;

pub(in crate::keys) fn put(
    tx: &Connection,
    device: DeviceRow,
    group: &str,
    member: &str,
    has_key: bool,
) -> Result<(), StoreError> {
    let sql =
        "INSERT INTO sender_key_devices (device, group_jid, member_jid, has_key) VALUES (?1, ?2, ?3, ?4)
               ON CONFLICT (device, group_jid, member_jid) DO UPDATE SET has_key = excluded.has_key";
    execute(tx, sql, params![device, group, member, has_key])?;
    Ok(())
}

pub(in crate::keys) fn of_group(
    connection: &Connection,
    device: DeviceRow,
    group: &str,
) -> Result<Vec<(String, bool)>, StoreError> {
    let sql = "SELECT member_jid, has_key FROM sender_key_devices WHERE device = ?1 AND group_jid = ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let members = statement.query_map(params![device, group], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(members.collect::<Result<_, _>>()?)
}

/// Forgets a member's device in all groups.
pub(in crate::keys) fn delete_member(
    tx: &Connection,
    device: DeviceRow,
    member: &str,
) -> Result<(), StoreError> {
    let sql = "DELETE FROM sender_key_devices WHERE device = ?1 AND member_jid = ?2";
    execute(tx, sql, params![device, member])?;
    Ok(())
}

pub(in crate::keys) fn clear_group(
    tx: &Connection,
    device: DeviceRow,
    group: &str,
) -> Result<(), StoreError> {
    let sql = "DELETE FROM sender_key_devices WHERE device = ?1 AND group_jid = ?2";
    execute(tx, sql, params![device, group])?;
    Ok(())
}

pub(in crate::keys) fn clear(tx: &Connection, device: DeviceRow) -> Result<(), StoreError> {
    execute(tx, "DELETE FROM sender_key_devices WHERE device = ?1", [device])?;
    Ok(())
}
