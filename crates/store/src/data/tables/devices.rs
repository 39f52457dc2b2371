//! Devices: what the operator wants of each, what is observed, and what is on show.

mod rows;

use std::collections::HashMap;
use std::time::Duration;

use postern_domain::port::Secret;
use postern_domain::{
    Account, DeviceId, DeviceReason, DeviceState, DeviceStatus, Intent, Pacing, ParkReason, PhoneNumber,
    Timestamp, WorkspaceId,
};
use rusqlite::{Connection, OptionalExtension as _};

pub(super) use self::rows::park_reason;
use self::rows::{SELECT, device, devices, status};
use super::columns::{id, lid_column, number, optional_phone, phone_column, rows, time, unreadable};
use crate::StoreError;
use crate::data::records::{CodeKind, Device, ShownCode};
use crate::data::tally::News;

/// Stores a device that was never paired.
pub(in crate::data) fn insert(
    tx: &Connection,
    workspace: WorkspaceId,
    id: DeviceId,
    name: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO devices (id, workspace_id, name, intent, state, reason, since, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)",
    )?
    .execute((
        id.to_bytes(),
        workspace.to_bytes(),
        name,
        Intent::Linked.number(),
        DeviceState::Unlinked.number(),
        DeviceReason::New.number(),
        now.as_millis(),
    ))?;
    Ok(())
}

/// Deletes a device.
pub(in crate::data) fn delete(tx: &Connection, id: DeviceId) -> Result<(), StoreError> {
    tx.prepare_cached("DELETE FROM devices WHERE id = ?1")?
        .execute([id.to_bytes()])?;
    Ok(())
}

/// One device, whatever its workspace and intent.
pub(in crate::data) fn find(connection: &Connection, id: DeviceId) -> Result<Option<Device>, StoreError> {
    let mut statement = connection.prepare_cached(&format!("{SELECT} WHERE id = ?1"))?;
    let mut found = statement.query([id.to_bytes()])?;
    found.next()?.map(device).transpose()
}

/// One device of a workspace, unless it is to be removed.
pub(in crate::data) fn find_visible(
    connection: &Connection,
    workspace: WorkspaceId,
    id: DeviceId,
) -> Result<Option<Device>, StoreError> {
    Ok(find(connection, id)?
        .filter(|device| device.workspace == workspace && device.intent != Intent::Removed))
}

/// The devices of a workspace that are not to be removed, newest first.
pub(in crate::data) fn list(
    connection: &Connection,
    workspace: WorkspaceId,
    limit: usize,
    before: Option<DeviceId>,
) -> Result<Vec<Device>, StoreError> {
    let mut statement = connection.prepare_cached(&format!(
        "{SELECT} WHERE workspace_id = ?1 AND id < ?2 AND intent <> 3 ORDER BY id DESC LIMIT ?3"
    ))?;
    // Larger than any id that is made: its time is in the year 10889.
    let before = before.map_or([u8::MAX; 16], DeviceId::to_bytes);
    devices(&mut statement.query((workspace.to_bytes(), before, rows(limit)))?)
}

/// How many devices a workspace has that are not to be removed.
pub(in crate::data) fn count(connection: &Connection, workspace: WorkspaceId) -> Result<u32, StoreError> {
    Ok(connection
        .prepare_cached("SELECT count(*) FROM devices WHERE workspace_id = ?1 AND intent <> 3")?
        .query_row([workspace.to_bytes()], |row| row.get(0))?)
}

/// The ids of all devices of a workspace.
pub(in crate::data) fn of_workspace(
    connection: &Connection,
    workspace: WorkspaceId,
) -> Result<Vec<DeviceId>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT id FROM devices WHERE workspace_id = ?1")?;
    let ids = statement.query_map([workspace.to_bytes()], |row| {
        Ok(DeviceId::from_bytes(row.get(0)?))
    })?;
    Ok(ids.collect::<Result<_, _>>()?)
}

/// Whether the workspace of a device is deactivated.
pub(in crate::data) fn is_held(connection: &Connection, id: DeviceId) -> Result<bool, StoreError> {
    Ok(connection
        .prepare_cached(
            "SELECT 1 FROM devices JOIN workspaces ON workspaces.id = workspace_id
             WHERE devices.id = ?1 AND deactivated_at IS NOT NULL",
        )?
        .exists([id.to_bytes()])?)
}

/// The account a device is linked to now, when its workspace may send.
pub(in crate::data) fn sending_account(tx: &Connection, id: DeviceId) -> Result<Option<i64>, StoreError> {
    Ok(tx
        .prepare_cached(
            "SELECT account_phone FROM devices JOIN workspaces ON workspaces.id = workspace_id
             WHERE devices.id = ?1 AND linked = 1 AND deactivated_at IS NULL",
        )?
        .query_row([id.to_bytes()], |row| row.get(0))
        .optional()?)
}

/// Every device.
pub(in crate::data) fn all(connection: &Connection) -> Result<Vec<Device>, StoreError> {
    let mut statement = connection.prepare_cached(&format!("{SELECT} ORDER BY id"))?;
    devices(&mut statement.query([])?)
}

/// How many devices are in each state.
pub(in crate::data) fn states(connection: &Connection) -> Result<Vec<(DeviceState, u64)>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT state, count(*) FROM devices GROUP BY state")?;
    let mut found = statement.query([])?;
    let mut states = Vec::new();
    while let Some(row) = found.next()? {
        let state = number(row, 0, "a device's state", DeviceState::from_number)?;
        states.push((state, row.get::<_, i64>(1)?.cast_unsigned()));
    }
    Ok(states)
}

/// Every device, with the account it is linked to now.
pub(in crate::data) fn links(
    connection: &Connection,
) -> Result<HashMap<DeviceId, Option<PhoneNumber>>, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT id, iif(linked, account_phone, NULL) FROM devices")?;
    let mut found = statement.query([])?;
    let mut links = HashMap::new();
    while let Some(row) = found.next()? {
        links.insert(id(row, 0, DeviceId::from_bytes)?, optional_phone(row, 1)?);
    }
    Ok(links)
}

/// What an acceptance has to know of its device.
pub(in crate::data) struct Sender {
    pub(in crate::data) status: DeviceStatus,
    /// The account it is, or was last, linked to.
    pub(in crate::data) account: Option<i64>,
}

/// The device a message is to be sent from, if the workspace has it.
pub(in crate::data) fn sender(
    tx: &Connection,
    workspace: WorkspaceId,
    id: DeviceId,
) -> Result<Option<Sender>, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT state, reason, since, retry_at, account_phone FROM devices
         WHERE id = ?1 AND workspace_id = ?2 AND intent <> 3",
    )?;
    let mut found = statement.query((id.to_bytes(), workspace.to_bytes()))?;
    let Some(row) = found.next()? else {
        return Ok(None);
    };
    Ok(Some(Sender {
        status: status(row, 0)?,
        account: row.get(4)?,
    }))
}

/// The workspace of a device.
pub(in crate::data) fn workspace(tx: &Connection, id: DeviceId) -> Result<Option<WorkspaceId>, StoreError> {
    Ok(tx
        .prepare_cached("SELECT workspace_id FROM devices WHERE id = ?1")?
        .query_row([id.to_bytes()], |row| row.get(0))
        .optional()?
        .map(WorkspaceId::from_bytes))
}

/// The account a device is linked to now.
pub(in crate::data) fn linked_account(tx: &Connection, id: DeviceId) -> Result<Option<i64>, StoreError> {
    Ok(tx
        .prepare_cached("SELECT account_phone FROM devices WHERE id = ?1 AND linked = 1")?
        .query_row([id.to_bytes()], |row| row.get(0))
        .optional()?)
}

/// The account a device is, or was last, linked to.
pub(in crate::data) fn last_account(tx: &Connection, id: DeviceId) -> Result<Option<i64>, StoreError> {
    Ok(tx
        .prepare_cached("SELECT account_phone FROM devices WHERE id = ?1")?
        .query_row([id.to_bytes()], |row| row.get(0))
        .optional()?
        .flatten())
}

/// The device of a workspace that is linked to an account.
pub(in crate::data) fn linked_to(
    tx: &Connection,
    workspace: WorkspaceId,
    account: PhoneNumber,
) -> Result<Option<DeviceId>, StoreError> {
    Ok(tx
        .prepare_cached(
            "SELECT id FROM devices
             WHERE workspace_id = ?1 AND account_phone = ?2 AND linked = 1 AND intent <> 3",
        )?
        .query_row((workspace.to_bytes(), phone_column(account)), |row| row.get(0))
        .optional()?
        .map(DeviceId::from_bytes))
}

/// Writes what the operator wants.
pub(in crate::data) fn set_intent(tx: &Connection, id: DeviceId, intent: Intent) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE devices SET intent = ?2 WHERE id = ?1")?
        .execute((id.to_bytes(), intent.number()))?;
    Ok(())
}

/// Writes what a device is called.
pub(in crate::data) fn set_name(tx: &Connection, id: DeviceId, name: &str) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE devices SET name = ?2 WHERE id = ?1")?
        .execute((id.to_bytes(), name))?;
    Ok(())
}

/// Writes how fast a device may send.
pub(in crate::data) fn set_pacing(
    tx: &Connection,
    id: DeviceId,
    pacing: Option<Pacing>,
) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE devices SET pacing = ?2 WHERE id = ?1")?
        .execute((id.to_bytes(), pacing.map(|pacing| pacing.encode())))?;
    Ok(())
}

/// Writes until when pacing keeps a device from sending, and the gap between messages from then on.
pub(in crate::data) fn set_paced(
    tx: &Connection,
    id: DeviceId,
    paced: Option<(Timestamp, Duration)>,
) -> Result<(), StoreError> {
    let millis = |gap: Duration| i64::try_from(gap.as_millis()).unwrap_or(i64::MAX);
    tx.prepare_cached("UPDATE devices SET paced_until = ?2, paced_gap = ?3 WHERE id = ?1")?
        .execute((
            id.to_bytes(),
            paced.map(|(until, _)| until.as_millis()),
            paced.map(|(_, gap)| millis(gap)),
        ))?;
    Ok(())
}

/// Until when pacing keeps a device from sending, and the gap between messages from then on.
pub(in crate::data) fn paced(
    connection: &Connection,
    id: DeviceId,
) -> Result<Option<(Timestamp, Duration)>, StoreError> {
    let found: Option<(i64, i64)> = connection
        .prepare_cached(
            "SELECT paced_until, paced_gap FROM devices WHERE id = ?1 AND paced_until IS NOT NULL",
        )?
        .query_row([id.to_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(found.map(|(until, gap)| {
        let gap = Duration::from_millis(gap.try_into().unwrap_or(0));
        (Timestamp::from_millis(until), gap)
    }))
}

/// How many people were written to for the first time on the day that ends at `until`.
pub(in crate::data) fn first_contacts(
    tx: &Connection,
    id: DeviceId,
    until: Timestamp,
) -> Result<u32, StoreError> {
    Ok(tx
        .prepare_cached("SELECT iif(first_until = ?2, first_count, 0) FROM devices WHERE id = ?1")?
        .query_row((id.to_bytes(), until.as_millis()), |row| row.get(0))?)
}

/// Writes how many people were written to for the first time on the day that ends at `until`.
pub(in crate::data) fn set_first_contacts(
    tx: &Connection,
    id: DeviceId,
    count: u32,
    until: Timestamp,
) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE devices SET first_count = ?2, first_until = ?3 WHERE id = ?1")?
        .execute((id.to_bytes(), count, until.as_millis()))?;
    Ok(())
}

/// Writes what is observed.
pub(in crate::data) fn set_status(
    tx: &Connection,
    id: DeviceId,
    status: DeviceStatus,
) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE devices SET state = ?2, reason = ?3, since = ?4, retry_at = ?5 WHERE id = ?1")?
        .execute((
            id.to_bytes(),
            status.state.number(),
            status.reason.number(),
            status.since.as_millis(),
            status.retry_at.map(Timestamp::as_millis),
        ))?;
    Ok(())
}

/// Asks for pairing and takes the code of an earlier request off show; answers the request's number.
pub(in crate::data) fn request_pairing(
    tx: &Connection,
    id: DeviceId,
    phone: Option<PhoneNumber>,
) -> Result<u64, StoreError> {
    let number: i64 = tx
        .prepare_cached(
            "UPDATE devices SET intent = 1, pairing_wanted = ?2, pairing_phone = ?3,
                                pairing_request = pairing_request + 1,
                                shown_kind = NULL, shown_code = NULL, shown_until = NULL
             WHERE id = ?1 RETURNING pairing_request",
        )?
        .query_row(
            (
                id.to_bytes(),
                if phone.is_some() { 2 } else { 1 },
                phone.map(phone_column),
            ),
            |row| row.get(0),
        )?;
    Ok(number.cast_unsigned())
}

/// Forgets that pairing was asked for; `false` when it was asked for again since request `number`.
pub(in crate::data) fn end_pairing(tx: &Connection, id: DeviceId, number: u64) -> Result<bool, StoreError> {
    let ended = tx
        .prepare_cached(
            "UPDATE devices SET pairing_wanted = 0, pairing_phone = NULL
             WHERE id = ?1 AND pairing_request = ?2",
        )?
        .execute((id.to_bytes(), number.cast_signed()))?;
    Ok(ended == 1)
}

/// Asks for a new connection.
pub(in crate::data) fn request_reconnect(tx: &Connection, id: DeviceId) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE devices SET reconnect_request = reconnect_request + 1 WHERE id = ?1")?
        .execute([id.to_bytes()])?;
    Ok(())
}

/// A new connection is being opened, as was asked.
pub(in crate::data) fn serve_reconnect(tx: &Connection, id: DeviceId) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE devices SET reconnect_served = reconnect_request WHERE id = ?1")?
        .execute([id.to_bytes()])?;
    Ok(())
}

/// Says that the history goes with the device.
pub(in crate::data) fn set_purge(tx: &Connection, id: DeviceId) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE devices SET purge = 1 WHERE id = ?1")?
        .execute([id.to_bytes()])?;
    Ok(())
}

/// Says why the waiting messages are being parked, or that they are.
pub(in crate::data) fn set_parking(
    tx: &Connection,
    id: DeviceId,
    reason: Option<ParkReason>,
) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE devices SET parking = ?2 WHERE id = ?1")?
        .execute((id.to_bytes(), reason.map(ParkReason::number)))?;
    Ok(())
}

/// Corrects the number of parked messages.
pub(in crate::data) fn count_parked(tx: &Connection, id: DeviceId, change: i64) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE devices SET parked = parked + ?2 WHERE id = ?1")?
        .execute((id.to_bytes(), change))?;
    Ok(())
}

/// Whose device it is, and the number of its last event.
pub(in crate::data) fn last_event(
    tx: &Connection,
    id: DeviceId,
) -> Result<Option<(WorkspaceId, i64)>, StoreError> {
    Ok(tx
        .prepare_cached("SELECT workspace_id, event_seq FROM devices WHERE id = ?1")?
        .query_row([id.to_bytes()], |row| {
            Ok((WorkspaceId::from_bytes(row.get(0)?), row.get(1)?))
        })
        .optional()?)
}

/// Writes the number of the last event, if there was one, and adds what was heard of WhatsApp.
pub(in crate::data) fn set_counted(
    tx: &Connection,
    id: DeviceId,
    last_event: Option<i64>,
    news: &News,
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE devices SET event_seq = coalesce(?2, event_seq),
                            heard_at = coalesce(max(coalesce(heard_at, 0), ?3), heard_at),
                            reconnects = reconnects + ?4, sent = sent + ?5, received = received + ?6
         WHERE id = ?1",
    )?
    .execute((
        id.to_bytes(),
        last_event,
        news.heard_at.map(Timestamp::as_millis),
        news.counted.reconnects.cast_signed(),
        news.counted.sent.cast_signed(),
        news.counted.received.cast_signed(),
    ))?;
    Ok(())
}

/// Records the account a device is linked to from now on; what pairing was asked for is answered.
pub(in crate::data) fn link(tx: &Connection, id: DeviceId, account: &Account) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE devices SET linked = 1, account_phone = ?2, account_lid = ?3, account_companion = ?4,
                            push_name = ?5, platform = ?6, pairing_wanted = 0, pairing_phone = NULL
         WHERE id = ?1",
    )?
    .execute((
        id.to_bytes(),
        phone_column(account.phone),
        account.lid.map(lid_column).transpose()?,
        account.companion,
        &account.push_name,
        &account.platform,
    ))?;
    Ok(())
}

/// Records that a device is linked no more; its last account stays known.
pub(in crate::data) fn unlink(tx: &Connection, id: DeviceId) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE devices SET linked = 0 WHERE id = ?1")?
        .execute([id.to_bytes()])?;
    Ok(())
}

/// Records the account's display name.
pub(in crate::data) fn set_push_name(tx: &Connection, id: DeviceId, name: &str) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE devices SET push_name = ?2 WHERE id = ?1")?
        .execute((id.to_bytes(), name))?;
    Ok(())
}

/// Puts a code on show, or takes it off.
pub(in crate::data) fn set_shown_code(
    tx: &Connection,
    id: DeviceId,
    code: Option<&ShownCode>,
) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE devices SET shown_kind = ?2, shown_code = ?3, shown_until = ?4 WHERE id = ?1")?
        .execute((
            id.to_bytes(),
            code.map(|code| match code.kind {
                CodeKind::Qr => 1,
                CodeKind::PairingCode => 2,
            }),
            code.map(|code| code.code.expose()),
            code.map(|code| code.expires_at.as_millis()),
        ))?;
    Ok(())
}

/// The code on show that is valid at `now`.
pub(in crate::data) fn shown_code(
    connection: &Connection,
    workspace: WorkspaceId,
    id: DeviceId,
    now: Timestamp,
) -> Result<Option<ShownCode>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT shown_kind, shown_code, shown_until FROM devices
         WHERE id = ?1 AND workspace_id = ?2 AND intent <> 3 AND shown_until > ?3",
    )?;
    let mut found = statement.query((id.to_bytes(), workspace.to_bytes(), now.as_millis()))?;
    let Some(row) = found.next()? else {
        return Ok(None);
    };
    Ok(Some(ShownCode {
        kind: match row.get(0)? {
            1 => CodeKind::Qr,
            2 => CodeKind::PairingCode,
            _ => return Err(unreadable("the kind of a code on show")),
        },
        code: Secret::new(row.get(1)?),
        expires_at: time(row, 2)?,
    }))
}
