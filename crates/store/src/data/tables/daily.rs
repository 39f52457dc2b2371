//! The numbers of each day: how many messages of each status, and how long they took.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use postern_domain::{Day, DeviceId, Latencies, MessageStatus, WorkspaceId, proto};
use prost::Message as _;
use rusqlite::{Connection, OptionalExtension as _, named_params};

use super::columns::{id, number, unreadable};
use crate::StoreError;
use crate::data::tally::{Changes, Place};

/// Applies what a write changed at one place.
pub(in crate::data) fn change(tx: &Connection, place: Place, changes: &Changes) -> Result<(), StoreError> {
    for (status, by) in MessageStatus::ALL.into_iter().zip(changes.counts) {
        if by != 0 {
            count(tx, place, status, by)?;
        }
    }
    if changes.sent.is_empty() && changes.delivered.is_empty() {
        return Ok(());
    }
    let (mut sent, mut delivered) = latencies(tx, place)?.unwrap_or_default();
    sent.merge(&changes.sent);
    delivered.merge(&changes.delivered);
    let stored = proto::Latencies {
        sent: sent.counts().to_vec(),
        delivered: delivered.counts().to_vec(),
    };
    tx.prepare_cached(
        "INSERT INTO daily_latencies (workspace_id, day, device_id, latencies) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT DO UPDATE SET latencies = excluded.latencies",
    )?
    .execute((
        place.workspace.to_bytes(),
        place.day.number(),
        place.device.to_bytes(),
        stored.encode_to_vec(),
    ))?;
    Ok(())
}

fn count(tx: &Connection, place: Place, status: MessageStatus, by: i64) -> Result<(), StoreError> {
    let values = (
        place.workspace.to_bytes(),
        place.day.number(),
        place.device.to_bytes(),
        status.number(),
        by,
    );
    // Nearly always the row is there.
    let changed = tx
        .prepare_cached(
            "UPDATE daily_counts SET count = count + ?5
             WHERE workspace_id = ?1 AND day = ?2 AND device_id = ?3 AND status = ?4",
        )?
        .execute(values)?;
    if changed == 0 {
        tx.prepare_cached(
            "INSERT INTO daily_counts (workspace_id, day, device_id, status, count) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(values)?;
    }
    Ok(())
}

fn latencies(tx: &Connection, place: Place) -> Result<Option<(Latencies, Latencies)>, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT latencies FROM daily_latencies WHERE workspace_id = ?1 AND day = ?2 AND device_id = ?3",
    )?;
    let stored: Option<Vec<u8>> = statement
        .query_row(
            (
                place.workspace.to_bytes(),
                place.day.number(),
                place.device.to_bytes(),
            ),
            |row| row.get(0),
        )
        .optional()?;
    stored.map(|stored| decode(&stored)).transpose()
}

fn decode(stored: &[u8]) -> Result<(Latencies, Latencies), StoreError> {
    let stored = proto::Latencies::decode(stored).map_err(|_not_latencies| unreadable("stored latencies"))?;
    Ok((stored.sent.into(), stored.delivered.into()))
}

/// How many messages were counted, at every place and by the number of their status.
pub(in crate::data) fn all(connection: &Connection) -> Result<BTreeMap<(Place, u8), i64>, StoreError> {
    let mut statement =
        connection.prepare("SELECT workspace_id, day, device_id, status, count FROM daily_counts")?;
    let found = statement.query_map([], |row| {
        let place = Place {
            workspace: WorkspaceId::from_bytes(row.get(0)?),
            day: Day::from_number(row.get(1)?),
            device: DeviceId::from_bytes(row.get(2)?),
        };
        Ok(((place, row.get(3)?), row.get(4)?))
    })?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// Passes on how many messages there were of each status, at every place of a workspace, in the order of the days.
pub(in crate::data) fn each_count(
    connection: &Connection,
    workspace: WorkspaceId,
    device: Option<DeviceId>,
    days: &RangeInclusive<Day>,
    mut pass: impl FnMut(Place, MessageStatus, u64),
) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT day, device_id, status, count FROM daily_counts
         WHERE workspace_id = :workspace AND day BETWEEN :from AND :until
             AND (:device IS NULL OR device_id = :device) AND count > 0",
    )?;
    let mut found = statement.query(named_params! {
        ":workspace": workspace.to_bytes(),
        ":from": days.start().number(),
        ":until": days.end().number(),
        ":device": device.map(DeviceId::to_bytes),
    })?;
    while let Some(row) = found.next()? {
        let place = Place {
            workspace,
            day: Day::from_number(row.get(0)?),
            device: id(row, 1, DeviceId::from_bytes)?,
        };
        let status = number(row, 2, "a counted status", MessageStatus::from_number)?;
        pass(place, status, row.get::<_, i64>(3)?.cast_unsigned());
    }
    Ok(())
}

/// Passes on how long messages took, in the same way: to the server, and to the recipient.
pub(in crate::data) fn each_latency(
    connection: &Connection,
    workspace: WorkspaceId,
    device: Option<DeviceId>,
    days: &RangeInclusive<Day>,
    mut pass: impl FnMut(Place, &Latencies, &Latencies),
) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT day, device_id, latencies FROM daily_latencies
         WHERE workspace_id = :workspace AND day BETWEEN :from AND :until
             AND (:device IS NULL OR device_id = :device)",
    )?;
    let mut found = statement.query(named_params! {
        ":workspace": workspace.to_bytes(),
        ":from": days.start().number(),
        ":until": days.end().number(),
        ":device": device.map(DeviceId::to_bytes),
    })?;
    while let Some(row) = found.next()? {
        let place = Place {
            workspace,
            day: Day::from_number(row.get(0)?),
            device: id(row, 1, DeviceId::from_bytes)?,
        };
        let stored = row
            .get_ref(2)?
            .as_blob()
            .map_err(|_not_a_blob| unreadable("stored latencies"))?;
        let (sent, delivered) = decode(stored)?;
        pass(place, &sent, &delivered);
    }
    Ok(())
}
