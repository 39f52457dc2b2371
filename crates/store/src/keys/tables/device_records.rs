//! The record of the device itself: its keys, its account, what a login needs.

use std::collections::HashMap;
use std::sync::Arc;

use postern_domain::{Account, DeviceId, Lid, PhoneNumber};
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

/// The account that the keys of a record log in to; `None` before they are linked.
pub(in crate::keys) fn account(record: &Device) -> Option<Account> {
    let jid = record.pn.as_ref()?;
    let lid = record.lid.as_ref();
    Some(Account {
        phone: PhoneNumber::from_digits(jid.user_base()).ok()?,
        lid: lid.and_then(|lid| Lid::from_digits(lid.user_base()).ok()),
        companion: jid.device,
        push_name: Some(record.push_name.clone()).filter(|name| !name.is_empty()),
        platform: None,
    })
}

/// Every device that is known here, with the account its keys log in to.
pub(in crate::keys) fn accounts(
    connection: &Connection,
) -> Result<HashMap<DeviceId, Option<PhoneNumber>>, StoreError> {
    let sql = "SELECT devices.device, value FROM devices LEFT JOIN device_records ON device_records.device = devices.id";
    let mut statement = connection.prepare_cached(sql)?;
    let mut found = statement.query([])?;
    let mut accounts = HashMap::new();
    while let Some(row) = found.next()? {
        let record = row.get::<_, Option<Vec<u8>>>(1)?;
        let record: Option<Device> = record.map(|value| json::decode(WHAT, &value)).transpose()?;
        let account = record.as_ref().and_then(account);
        accounts.insert(
            DeviceId::from_bytes(row.get(0)?),
            account.map(|account| account.phone),
        );
    }
    Ok(accounts)
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
