//! The record of the device itself: its keys, its account, what a login needs.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, params};
use wacore::store::Device;
use wacore::store::device::DEVICE_PROPS;

use super::{DeviceRow, execute, json};
use crate::sqlite::StoreError;

const WHAT: &str = "a device record";

pub(in crate::keys) fn put(tx: &Connection, device: DeviceRow, record: &Device) -> Result<(), StoreError> {
    let sql = "INSERT INTO device_records (device, value) VALUES (?1, ?2)
               ON CONFLICT (device) DO UPDATE SET value = excluded.value";
    execute(tx, sql, params![device, json::encode(WHAT, record)?])?;
    Ok(())
}

/// The record, with what wacore does not store as it is in a new [`Device`].
pub(in crate::keys) fn get(connection: &Connection, device: DeviceRow) -> Result<Option<Device>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT value FROM device_records WHERE device = ?1")?;
    let value: Option<Vec<u8>> = statement.query_row([device], |row| row.get(0)).optional()?;
    let Some(value) = value else {
        return Ok(None);
    };
    let mut record: Device = json::decode(WHAT, &value)?;
    // Left to serde these would be empty, and so would be what an unpaired device tells the server of itself.
    record.device_props = Arc::new(DEVICE_PROPS.clone());
    Ok(Some(record))
}

pub(in crate::keys) fn exists(connection: &Connection, device: DeviceRow) -> Result<bool, StoreError> {
    Ok(connection
        .prepare_cached("SELECT 1 FROM device_records WHERE device = ?1")?
        .exists([device])?)
}

/// Makes the keys of a new device unless there are some, and answers the number of the device.
pub(in crate::keys) fn create(tx: &Connection, device: DeviceRow) -> Result<i32, StoreError> {
    if !exists(tx, device)? {
        put(tx, device, &Device::new())?;
    }
    i32::try_from(device.0).map_err(|error| StoreError::Invalid {
        what: "a device's number",
        reason: error.to_string(),
    })
}
