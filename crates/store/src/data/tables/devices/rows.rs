//! A device as its row is read.

use postern_domain::{
    Account, DeviceCounters, DeviceId, DeviceReason, DeviceState, DeviceStatus, Intent, Pacing, ParkReason,
    WorkspaceId,
};
use rusqlite::Row;

use crate::StoreError;
use crate::data::records::{Device, PairingRequest};
use crate::data::tables::columns::{
    id, number, optional_lid, optional_phone, optional_time, time, unreadable,
};

/// The columns that [`device`] reads.
pub(super) const SELECT: &str = "SELECT id, workspace_id, name, intent, state, reason, since, retry_at, linked, account_phone,
    account_lid, account_companion, push_name, platform, pairing_wanted, pairing_phone, pairing_request, created_at,
    reconnect_request, reconnect_served, purge, parking, heard_at, reconnects, sent, received, parked, pacing,
    EXISTS (SELECT 1 FROM workspaces WHERE workspaces.id = workspace_id AND deactivated_at IS NOT NULL)
    FROM devices";

pub(super) fn devices(found: &mut rusqlite::Rows<'_>) -> Result<Vec<Device>, StoreError> {
    let mut devices = Vec::new();
    while let Some(row) = found.next()? {
        devices.push(device(row)?);
    }
    Ok(devices)
}

pub(super) fn device(row: &Row<'_>) -> Result<Device, StoreError> {
    Ok(Device {
        id: id(row, 0, DeviceId::from_bytes)?,
        workspace: id(row, 1, WorkspaceId::from_bytes)?,
        name: row.get(2)?,
        intent: number(row, 3, "a stored intent", Intent::from_number)?,
        status: status(row, 4)?,
        linked: row.get(8)?,
        account: account(row)?,
        pairing: pairing(row)?,
        created_at: time(row, 17)?,
        reconnect: reconnect(row)?,
        purge: row.get(20)?,
        parking: row.get::<_, Option<u8>>(21)?.map(park_reason).transpose()?,
        pacing: pacing(row)?,
        held: row.get(28)?,
        heard_at: optional_time(row, 22)?,
        counters: DeviceCounters {
            reconnects: row.get::<_, i64>(23)?.cast_unsigned(),
            sent: row.get::<_, i64>(24)?.cast_unsigned(),
            received: row.get::<_, i64>(25)?.cast_unsigned(),
            parked: row.get::<_, i64>(26)?.cast_unsigned(),
        },
    })
}

pub(super) fn pacing(row: &Row<'_>) -> Result<Option<Pacing>, StoreError> {
    let stored: Option<Vec<u8>> = row.get(27)?;
    stored
        .map(|bytes| Pacing::decode(&bytes).ok_or_else(|| unreadable("a stored pacing")))
        .transpose()
}

/// The reason behind its stored number.
pub(in crate::data::tables) fn park_reason(number: u8) -> Result<ParkReason, StoreError> {
    ParkReason::from_number(number).ok_or_else(|| unreadable("why a message is parked"))
}

/// The request that was not served yet.
pub(super) fn reconnect(row: &Row<'_>) -> Result<Option<u64>, StoreError> {
    let (request, served): (i64, i64) = (row.get(18)?, row.get(19)?);
    Ok((request > served).then_some(request.cast_unsigned()))
}

/// Four columns from `first` on.
pub(super) fn status(row: &Row<'_>, first: usize) -> Result<DeviceStatus, StoreError> {
    Ok(DeviceStatus {
        state: number(row, first, "a stored device state", DeviceState::from_number)?,
        reason: number(
            row,
            first + 1,
            "a stored device reason",
            DeviceReason::from_number,
        )?,
        since: time(row, first + 2)?,
        retry_at: optional_time(row, first + 3)?,
    })
}

pub(super) fn account(row: &Row<'_>) -> Result<Option<Account>, StoreError> {
    let Some(phone) = optional_phone(row, 9)? else {
        return Ok(None);
    };
    Ok(Some(Account {
        phone,
        lid: optional_lid(row, 10)?,
        companion: row.get(11)?,
        push_name: row.get(12)?,
        platform: row.get(13)?,
    }))
}

pub(super) fn pairing(row: &Row<'_>) -> Result<Option<PairingRequest>, StoreError> {
    if row.get::<_, i64>(14)? == 0 {
        return Ok(None);
    }
    Ok(Some(PairingRequest {
        number: row.get::<_, i64>(16)?.cast_unsigned(),
        phone: optional_phone(row, 15)?,
    }))
}
