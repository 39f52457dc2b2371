//! The outbox: accepted messages that have not reached the server, in lanes that say who may go next.
//!
//! `Ready` rows go in the order of acceptance. A claimed row is `InFlight` until the server's word or its
//! deadline. A row that failed becomes `Waiting`, and later rows of its chat that are met meanwhile step
//! `Behind` it, one at a time and only when met: nothing ever moves a whole backlog. They come forward
//! one by one, each when the one before it has gone; so a chat with rows behind always has exactly one
//! `Waiting`, and that is its first. `Parked` rows do not move until somebody releases or cancels them.

use std::ops::ControlFlow;

use postern_domain::{DeviceId, ParkReason, Timestamp, WorkspaceId};
use rusqlite::{Connection, OptionalExtension as _, Row};

use super::columns::{rows, time, unreadable};
use super::devices;
use crate::StoreError;

/// When a row is due that waits for nothing but its turn: now, even if the clock is turned back.
pub(in crate::data) const ANY_TIME: Timestamp = Timestamp::from_millis(0);

/// Where a row stands. The numbers are stored, and stand as such in the SQL and its indexes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(in crate::data) enum Lane {
    Ready = 0,
    Scheduled = 1,
    InFlight = 2,
    Waiting = 3,
    Behind = 4,
    Parked = 5,
}

impl Lane {
    const ALL: [Self; 6] = [
        Self::Ready,
        Self::Scheduled,
        Self::InFlight,
        Self::Waiting,
        Self::Behind,
        Self::Parked,
    ];

    /// What operators call it.
    const fn name(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Scheduled => "scheduled",
            Self::InFlight => "in_flight",
            Self::Waiting => "waiting",
            Self::Behind => "behind",
            Self::Parked => "parked",
        }
    }

    fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|lane| *lane as u8 == number)
    }
}

/// A row of the outbox.
#[derive(Debug, Clone)]
pub(in crate::data) struct Entry {
    pub(in crate::data) seq: i64,
    pub(in crate::data) lane: Lane,
    pub(in crate::data) chat: String,
    pub(in crate::data) due_at: Timestamp,
    /// The account it may leave from; any when `None`.
    pub(in crate::data) account: Option<i64>,
}

/// Stores a row.
pub(in crate::data) fn insert(tx: &Connection, device: DeviceId, entry: &Entry) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO outbox (device_id, lane, seq, chat, due_at, account) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute((
        device.to_bytes(),
        entry.lane as u8,
        entry.seq,
        &entry.chat,
        entry.due_at.as_millis(),
        entry.account,
    ))?;
    Ok(())
}

/// How many rows of all devices are in each lane, by its name; looks at no more than `most` rows.
pub(in crate::data) fn in_lanes(
    connection: &Connection,
    most: u32,
) -> Result<[(&'static str, u64); Lane::ALL.len()], StoreError> {
    let mut lanes = Lane::ALL.map(|lane| (lane.name(), 0));
    let mut statement = connection
        .prepare_cached("SELECT lane, count(*) FROM (SELECT lane FROM outbox LIMIT ?1) GROUP BY lane")?;
    let mut found = statement.query([most])?;
    while let Some(row) = found.next()? {
        let lane = Lane::from_number(row.get(0)?).ok_or_else(|| unreadable("a lane"))?;
        lanes[lane as usize].1 = row.get::<_, i64>(1)?.cast_unsigned();
    }
    Ok(lanes)
}

/// The first ready rows, in the order of acceptance.
pub(in crate::data) fn ready(
    connection: &Connection,
    device: DeviceId,
    limit: usize,
) -> Result<Vec<Entry>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT seq, lane, chat, due_at, account FROM outbox
         WHERE device_id = ?1 AND lane = 0 ORDER BY seq LIMIT ?2",
    )?;
    entries(&mut statement.query((device.to_bytes(), rows(limit)))?)
}

/// Rows in flight whose deadline has passed and waiting rows whose time has come, the most overdue first.
pub(in crate::data) fn due(
    connection: &Connection,
    device: DeviceId,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<Entry>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT seq, lane, chat, due_at, account FROM outbox
         WHERE device_id = ?1 AND lane IN (2, 3) AND due_at <= ?2 ORDER BY due_at, lane, seq LIMIT ?3",
    )?;
    entries(&mut statement.query((device.to_bytes(), now.as_millis(), rows(limit)))?)
}

/// When something of the device can be claimed first; [`ANY_TIME`] when something is ready.
pub(in crate::data) fn next_due(
    connection: &Connection,
    device: DeviceId,
) -> Result<Option<Timestamp>, StoreError> {
    let first = |sql: &str| -> Result<Option<i64>, StoreError> {
        Ok(connection
            .prepare_cached(sql)?
            .query_row([device.to_bytes()], |row| row.get(0))
            .optional()?)
    };
    if first("SELECT seq FROM outbox WHERE device_id = ?1 AND lane = 0 LIMIT 1")?.is_some() {
        return Ok(Some(ANY_TIME));
    }
    let due =
        first("SELECT due_at FROM outbox WHERE device_id = ?1 AND lane IN (2, 3) ORDER BY due_at LIMIT 1")?;
    Ok(due.map(Timestamp::from_millis))
}

/// Until when a row waits, if it does.
pub(in crate::data) fn waits_until(
    connection: &Connection,
    device: DeviceId,
    seq: i64,
) -> Result<Option<Timestamp>, StoreError> {
    let due_at: Option<i64> = connection
        .prepare_cached("SELECT due_at FROM outbox WHERE device_id = ?1 AND lane = 3 AND seq = ?2")?
        .query_row((device.to_bytes(), seq), |row| row.get(0))
        .optional()?;
    Ok(due_at.map(Timestamp::from_millis))
}

/// How many ready rows stand before one; counts no further than 10 000.
pub(in crate::data) fn ready_before(
    connection: &Connection,
    device: DeviceId,
    seq: i64,
) -> Result<u32, StoreError> {
    Ok(connection
        .prepare_cached(
            "SELECT count(*) FROM (
                 SELECT 1 FROM outbox WHERE device_id = ?1 AND lane = 0 AND seq < ?2 LIMIT 10000)",
        )?
        .query_row((device.to_bytes(), seq), |row| row.get(0))?)
}

/// Whether the device has any row, in whatever lane.
pub(in crate::data) fn any(connection: &Connection, device: DeviceId) -> Result<bool, StoreError> {
    Ok(connection
        .prepare_cached("SELECT 1 FROM outbox WHERE device_id = ?1 LIMIT 1")?
        .exists([device.to_bytes()])?)
}

/// Whether any chat of the device is held back.
pub(in crate::data) fn any_held(connection: &Connection, device: DeviceId) -> Result<bool, StoreError> {
    Ok(connection
        .prepare_cached("SELECT 1 FROM outbox WHERE device_id = ?1 AND lane IN (3, 4) LIMIT 1")?
        .exists([device.to_bytes()])?)
}

/// The first waiting row of a chat: later ones are held back by it.
pub(in crate::data) fn first_held(
    connection: &Connection,
    device: DeviceId,
    chat: &str,
) -> Result<Option<Entry>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT seq, lane, chat, due_at, account FROM outbox
         WHERE device_id = ?1 AND chat = ?2 AND lane IN (3, 4) ORDER BY seq LIMIT 1",
    )?;
    let mut found = statement.query((device.to_bytes(), chat))?;
    found.next()?.map(entry).transpose()
}

/// The scheduled rows of all devices whose time has come, the most overdue first.
pub(in crate::data) fn scheduled_until(
    connection: &Connection,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<(DeviceId, i64)>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT device_id, seq FROM outbox WHERE lane = 1 AND due_at <= ?1 ORDER BY due_at LIMIT ?2",
    )?;
    let found = statement.query_map((now.as_millis(), rows(limit)), |row| {
        Ok((DeviceId::from_bytes(row.get(0)?), row.get(1)?))
    })?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// The first rows of a device, whatever their lanes.
pub(in crate::data) fn first_of(
    connection: &Connection,
    device: DeviceId,
    limit: usize,
) -> Result<Vec<Entry>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT seq, lane, chat, due_at, account FROM outbox WHERE device_id = ?1 ORDER BY lane, seq LIMIT ?2",
    )?;
    entries(&mut statement.query((device.to_bytes(), rows(limit)))?)
}

/// Moves a row to another lane and sets its time.
pub(in crate::data) fn shift(
    tx: &Connection,
    device: DeviceId,
    seq: i64,
    (from, to): (Lane, Lane),
    due_at: Timestamp,
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE outbox SET lane = ?4, due_at = ?5 WHERE device_id = ?1 AND lane = ?2 AND seq = ?3",
    )?
    .execute((device.to_bytes(), from as u8, seq, to as u8, due_at.as_millis()))?;
    Ok(())
}

/// Makes a row in flight wait until `at`, and later ones of its chat with it.
pub(in crate::data) fn hold(
    tx: &Connection,
    device: DeviceId,
    seq: i64,
    chat: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    let lane = match first_held(tx, device, chat)? {
        Some(first) if first.seq < seq => Lane::Behind,
        Some(first) => {
            shift(tx, device, first.seq, (first.lane, Lane::Behind), first.due_at)?;
            Lane::Waiting
        }
        None => Lane::Waiting,
    };
    shift(tx, device, seq, (Lane::InFlight, lane), at)
}

/// Lets the next row of a chat wait at its front, after the one that did has left; answers it.
pub(in crate::data) fn advance(
    tx: &Connection,
    device: DeviceId,
    chat: &str,
) -> Result<Option<Entry>, StoreError> {
    let Some(mut next) = first_held(tx, device, chat)? else {
        return Ok(None);
    };
    if next.lane == Lane::Behind {
        shift(tx, device, next.seq, (Lane::Behind, Lane::Waiting), next.due_at)?;
        next.lane = Lane::Waiting;
    }
    Ok(Some(next))
}

/// Deletes a row, whatever its lane; nothing happens when it is gone already.
pub(in crate::data) fn remove(
    tx: &Connection,
    device: DeviceId,
    seq: i64,
    chat: &str,
) -> Result<(), StoreError> {
    // Nearly always it is in flight.
    let in_flight = tx
        .prepare_cached("DELETE FROM outbox WHERE device_id = ?1 AND lane = 2 AND seq = ?2")?
        .execute((device.to_bytes(), seq))?;
    if in_flight == 1 {
        return Ok(());
    }
    let lane: Option<u8> = tx
        .prepare_cached(
            "DELETE FROM outbox WHERE device_id = ?1 AND lane IN (0, 1, 3, 4, 5) AND seq = ?2 RETURNING lane",
        )?
        .query_row((device.to_bytes(), seq), |row| row.get(0))
        .optional()?;
    match lane.and_then(Lane::from_number) {
        Some(Lane::Waiting) => drop(advance(tx, device, chat)?),
        Some(Lane::Parked) => devices::count_parked(tx, device, -1)?,
        _ => {}
    }
    Ok(())
}

/// Makes everything in flight due; answers how many.
pub(in crate::data) fn release(
    tx: &Connection,
    device: DeviceId,
    now: Timestamp,
) -> Result<usize, StoreError> {
    Ok(tx
        .prepare_cached("UPDATE outbox SET due_at = ?2 WHERE device_id = ?1 AND lane = 2")?
        .execute((device.to_bytes(), now.as_millis()))?)
}

/// Makes everything due that waits for its next attempt; answers how many.
pub(in crate::data) fn hasten(
    tx: &Connection,
    device: DeviceId,
    now: Timestamp,
) -> Result<usize, StoreError> {
    Ok(tx
        .prepare_cached("UPDATE outbox SET due_at = ?2 WHERE device_id = ?1 AND lane = 3 AND due_at > ?2")?
        .execute((device.to_bytes(), now.as_millis()))?)
}

/// The first rows of a device that wait for their turn or for an answer; those behind come before what they wait for.
pub(in crate::data) fn waiting_of(
    connection: &Connection,
    device: DeviceId,
    limit: usize,
) -> Result<Vec<Entry>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT seq, lane, chat, due_at, account FROM outbox
         WHERE device_id = ?1 AND lane IN (0, 2, 3, 4) ORDER BY lane = 3, lane, seq LIMIT ?2",
    )?;
    entries(&mut statement.query((device.to_bytes(), rows(limit)))?)
}

/// Parks a row; from now on it may leave from `account` only, if it could leave from any before.
pub(in crate::data) fn park(
    tx: &Connection,
    device: DeviceId,
    entry: &Entry,
    account: Option<i64>,
    reason: ParkReason,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE outbox SET lane = 5, parked = ?4, due_at = ?5, account = coalesce(account, ?6),
             workspace_id = (SELECT workspace_id FROM devices WHERE id = ?1)
         WHERE device_id = ?1 AND lane = ?2 AND seq = ?3",
    )?
    .execute((
        device.to_bytes(),
        entry.lane as u8,
        entry.seq,
        reason.number(),
        now.as_millis(),
        account,
    ))?;
    devices::count_parked(tx, device, 1)
}

/// Makes a parked row ready.
pub(in crate::data) fn unpark(
    tx: &Connection,
    device: DeviceId,
    seq: i64,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE outbox SET lane = 0, parked = NULL, workspace_id = NULL, due_at = ?3
         WHERE device_id = ?1 AND lane = 5 AND seq = ?2",
    )?
    .execute((device.to_bytes(), seq, now.as_millis()))?;
    devices::count_parked(tx, device, -1)
}

/// Parked rows of a device after `seq`, in the order of acceptance; only those of one account, if one is given.
pub(in crate::data) fn parked_of(
    connection: &Connection,
    device: DeviceId,
    account: Option<i64>,
    seq: i64,
    limit: usize,
) -> Result<Vec<Entry>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT seq, lane, chat, due_at, account FROM outbox
         WHERE device_id = ?1 AND lane = 5 AND seq > ?3 AND (?2 IS NULL OR account IS NULL OR account = ?2)
         ORDER BY seq LIMIT ?4",
    )?;
    entries(&mut statement.query((device.to_bytes(), account, seq, rows(limit)))?)
}

/// Shows the places of the parked messages of a workspace, or of one of its devices, from `least` on and before `before`,
/// newest first, for as long as they are wanted.
pub(in crate::data) fn each_parked(
    connection: &Connection,
    workspace: WorkspaceId,
    device: Option<DeviceId>,
    (least, before): (i64, i64),
    mut show: impl FnMut(i64) -> Result<ControlFlow<()>, StoreError>,
) -> Result<ControlFlow<()>, StoreError> {
    let rows = match device {
        Some(_) => "outbox WHERE device_id = ?2 AND workspace_id = ?1",
        None => "outbox INDEXED BY outbox_parked WHERE workspace_id = ?1 AND ?2 IS NULL",
    };
    let mut statement = connection.prepare_cached(&format!(
        "SELECT seq FROM {rows} AND lane = 5 AND seq >= ?3 AND seq < ?4 ORDER BY seq DESC"
    ))?;
    let device = device.map(DeviceId::to_bytes);
    let mut found = statement.query((workspace.to_bytes(), device, least, before))?;
    while let Some(row) = found.next()? {
        if show(row.get(0)?)?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// One parked row.
pub(in crate::data) fn parked(
    connection: &Connection,
    device: DeviceId,
    seq: i64,
) -> Result<Option<Entry>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT seq, lane, chat, due_at, account FROM outbox WHERE device_id = ?1 AND lane = 5 AND seq = ?2",
    )?;
    let mut found = statement.query((device.to_bytes(), seq))?;
    found.next()?.map(entry).transpose()
}

fn entries(found: &mut rusqlite::Rows<'_>) -> Result<Vec<Entry>, StoreError> {
    let mut entries = Vec::new();
    while let Some(row) = found.next()? {
        entries.push(entry(row)?);
    }
    Ok(entries)
}

fn entry(row: &Row<'_>) -> Result<Entry, StoreError> {
    Ok(Entry {
        seq: row.get(0)?,
        lane: Lane::from_number(row.get(1)?).ok_or_else(|| unreadable("a lane of the outbox"))?,
        chat: row.get(2)?,
        due_at: time(row, 3)?,
        account: row.get(4)?,
    })
}
