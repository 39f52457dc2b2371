//! The devices of other users, as the server last listed them.

use rusqlite::Connection;
use wacore::store::traits::DeviceListRecord;

use super::records::DEVICE_LISTS;
use super::{DeviceRow, json};
use crate::sqlite::StoreError;

const WHAT: &str = "a device list";

pub(in crate::keys) fn put(
    tx: &Connection,
    device: DeviceRow,
    record: &DeviceListRecord,
) -> Result<(), StoreError> {
    DEVICE_LISTS.put(tx, device, &record.user, &json::encode(WHAT, record)?)
}

pub(in crate::keys) fn get(
    connection: &Connection,
    device: DeviceRow,
    user: &str,
) -> Result<Option<DeviceListRecord>, StoreError> {
    let record = DEVICE_LISTS.get(connection, device, user)?;
    record.map(|record| json::decode(WHAT, &record)).transpose()
}

pub(in crate::keys) fn delete(tx: &Connection, device: DeviceRow, user: &str) -> Result<(), StoreError> {
    DEVICE_LISTS.delete(tx, device, user)
}
