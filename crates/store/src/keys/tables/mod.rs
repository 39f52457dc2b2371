//! The SQL of `keys.db`, each table in a file of its own.

pub(super) mod base_keys;
pub(super) mod device_lists;
pub(super) mod device_records;
pub(super) mod devices;
pub(super) mod json;
pub(super) mod lid_mappings;
pub(super) mod msg_secrets;
pub(super) mod mutation_macs;
pub(super) mod pending_inbound;
pub(super) mod prekeys;
pub(super) mod records;
pub(super) mod sender_key_devices;
pub(super) mod sent_messages;
pub(super) mod signal;
pub(super) mod sync_keys;
pub(super) mod tc_tokens;

use rusqlite::{Connection, Params};

pub(super) use self::devices::DeviceRow;
use crate::sqlite::StoreError;

/// Runs one statement and tells how many rows it changed.
fn execute(connection: &Connection, sql: &str, params: impl Params) -> Result<usize, StoreError> {
    Ok(connection.prepare_cached(sql)?.execute(params)?)
}

/// The count as whatsapp-rust wants it.
fn count(rows: usize) -> u32 {
    u32::try_from(rows).unwrap_or(u32::MAX)
}
