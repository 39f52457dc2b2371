//! Questions about identities and sessions that are more than a look-up.

use rusqlite::{Connection, params};

use super::DeviceRow;
use super::records::IDENTITIES;
use crate::sqlite::StoreError;

pub(in crate::keys) fn identity(
    connection: &Connection,
    device: DeviceRow,
    address: &str,
) -> Result<Option<[u8; 32]>, StoreError> {
    let Some(key) = IDENTITIES.get(connection, device, address)? else {
        return Ok(None);
    };
    let key = <[u8; 32]>::try_from(key).map_err(|key| StoreError::Invalid {
        what: "an identity key",
        reason: format!("it has {} bytes", key.len()),
    })?;
    Ok(Some(key))
}

/// Whether there is a session or an identity of any of the user's devices.
///
/// Addresses are `user@server` and `user:device@server`. The two ranges are all texts that start with `user@`
/// and `user:`; the upper bounds use the characters that follow `@` and `:`.
pub(in crate::keys) fn has_state_for_user(
    connection: &Connection,
    device: DeviceRow,
    user: &str,
) -> Result<bool, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT 1 FROM sessions WHERE device = ?1 AND name >= ?2 AND name < ?3 UNION ALL
         SELECT 1 FROM sessions WHERE device = ?1 AND name >= ?4 AND name < ?5 UNION ALL
         SELECT 1 FROM identities WHERE device = ?1 AND name >= ?2 AND name < ?3 UNION ALL
         SELECT 1 FROM identities WHERE device = ?1 AND name >= ?4 AND name < ?5",
    )?;
    let (at, after_at) = (format!("{user}@"), format!("{user}A"));
    let (colon, after_colon) = (format!("{user}:"), format!("{user};"));
    Ok(statement.exists(params![device, at, after_at, colon, after_colon])?)
}
