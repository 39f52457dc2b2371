//! The tables that keep one value by name: identities, sessions, sender keys, and the like.

use rusqlite::{Connection, OptionalExtension, params};

use super::{DeviceRow, execute};
use crate::sqlite::StoreError;

/// A table with the columns `device`, `name` and `value`.
pub(in crate::keys) struct Records {
    put: &'static str,
    get: &'static str,
    delete: &'static str,
}

macro_rules! records {
    ($table:literal) => {
        Records {
            put: concat!(
                "INSERT INTO ",
                $table,
                " (device, name, value) VALUES (?1, ?2, ?3)
                 ON CONFLICT (device, name) DO UPDATE SET value = excluded.value"
            ),
            get: concat!("SELECT value FROM ", $table, " WHERE device = ?1 AND name = ?2"),
            delete: concat!("DELETE FROM ", $table, " WHERE device = ?1 AND name = ?2"),
        }
    };
}

/// Public identity keys by address.
pub(in crate::keys) const IDENTITIES: Records = records!("identities");
/// Sessions by address.
pub(in crate::keys) const SESSIONS: Records = records!("sessions");
/// Sender keys by group and address.
pub(in crate::keys) const SENDER_KEYS: Records = records!("sender_keys");
/// Versions of app state by collection.
pub(in crate::keys) const APP_STATE_VERSIONS: Records = records!("app_state_versions");
/// Device lists by user.
pub(in crate::keys) const DEVICE_LISTS: Records = records!("device_lists");
/// Opaque group metadata by group.
pub(in crate::keys) const GROUP_METADATA: Records = records!("group_metadata");

impl Records {
    pub(in crate::keys) fn put(
        &self,
        tx: &Connection,
        device: DeviceRow,
        name: &str,
        value: &[u8],
    ) -> Result<(), StoreError> {
        execute(tx, self.put, params![device, name, value])?;
        Ok(())
    }

    pub(in crate::keys) fn get(
        &self,
        connection: &Connection,
        device: DeviceRow,
        name: &str,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let mut statement = connection.prepare_cached(self.get)?;
        Ok(statement
            .query_row(params![device, name], |row| row.get(0))
            .optional()?)
    }

    pub(in crate::keys) fn contains(
        &self,
        connection: &Connection,
        device: DeviceRow,
        name: &str,
    ) -> Result<bool, StoreError> {
        Ok(connection
            .prepare_cached(self.get)?
            .exists(params![device, name])?)
    }

    pub(in crate::keys) fn delete(
        &self,
        tx: &Connection,
        device: DeviceRow,
        name: &str,
    ) -> Result<(), StoreError> {
        execute(tx, self.delete, params![device, name])?;
        Ok(())
    }
}
