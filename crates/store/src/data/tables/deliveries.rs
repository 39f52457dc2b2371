//! What endpoints have still to get although their position is past it: what failed, what is held back, what is sent again.

use postern_domain::{DeviceId, Timestamp, WebhookId};
use rusqlite::{Connection, OptionalExtension as _};

use super::columns::{place, rows, time};
use crate::StoreError;
use crate::data::records::{DueDelivery, Waiting};

/// How an event waits. The numbers are stored, and stand in the SQL as they do in the indexes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(in crate::data) enum State {
    /// For its time.
    Due = 1,
    /// For somebody who asks for it again.
    Parked = 2,
    /// For an earlier event of its device.
    Held = 3,
}

/// Keeps an event for an endpoint, or changes how it is kept.
pub(in crate::data) fn put(
    tx: &Connection,
    webhook: WebhookId,
    (seq, device): (u64, Option<DeviceId>),
    tries: u32,
    (state, due_at): (State, Timestamp),
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO deliveries (webhook_id, event_seq, device_id, tries, state, due_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT DO UPDATE SET tries = excluded.tries, state = excluded.state, due_at = excluded.due_at",
    )?
    .execute((
        webhook.to_bytes(),
        place(seq),
        device.map(DeviceId::to_bytes),
        tries,
        state as u8,
        due_at.as_millis(),
    ))?;
    Ok(())
}

/// How an event is kept for an endpoint, if it is.
pub(in crate::data) fn state(
    tx: &Connection,
    webhook: WebhookId,
    seq: u64,
) -> Result<Option<State>, StoreError> {
    let number: Option<u8> = tx
        .prepare_cached("SELECT state FROM deliveries WHERE webhook_id = ?1 AND event_seq = ?2")?
        .query_row((webhook.to_bytes(), place(seq)), |row| row.get(0))
        .optional()?;
    Ok(number.map(|number| match number {
        2 => State::Parked,
        3 => State::Held,
        _ => State::Due,
    }))
}

/// Keeps an event no longer.
pub(in crate::data) fn delete(tx: &Connection, webhook: WebhookId, seq: u64) -> Result<(), StoreError> {
    tx.prepare_cached("DELETE FROM deliveries WHERE webhook_id = ?1 AND event_seq = ?2")?
        .execute((webhook.to_bytes(), place(seq)))?;
    Ok(())
}

/// Lets the first event go that an event of this device held back.
pub(in crate::data) fn release_next(
    tx: &Connection,
    webhook: WebhookId,
    device: DeviceId,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE deliveries SET state = 1, due_at = ?3 WHERE webhook_id = ?1 AND event_seq = (
             SELECT event_seq FROM deliveries INDEXED BY deliveries_of_device
             WHERE webhook_id = ?1 AND device_id = ?2 AND state <> 2 AND state = 3 ORDER BY event_seq LIMIT 1)",
    )?
    .execute((webhook.to_bytes(), device.to_bytes(), now.as_millis()))?;
    Ok(())
}

/// Lets some of those go that were held back; whether there may be more of them.
pub(in crate::data) fn release_some(
    tx: &Connection,
    webhook: WebhookId,
    now: Timestamp,
    limit: usize,
) -> Result<bool, StoreError> {
    let released = tx
        .prepare_cached(
            "UPDATE deliveries SET state = 1, due_at = ?2 WHERE webhook_id = ?1 AND event_seq IN (
                 SELECT event_seq FROM deliveries WHERE webhook_id = ?1 AND state = 3 LIMIT ?3)",
        )?
        .execute((webhook.to_bytes(), now.as_millis(), rows(limit)))?;
    Ok(released == limit)
}

/// Whether an event of this device waits for its time or is held back.
pub(in crate::data) fn holds(
    connection: &Connection,
    webhook: WebhookId,
    device: DeviceId,
) -> Result<bool, StoreError> {
    Ok(connection
        .prepare_cached(
            "SELECT 1 FROM deliveries INDEXED BY deliveries_of_device
             WHERE webhook_id = ?1 AND device_id = ?2 AND state <> 2 LIMIT 1",
        )?
        .exists((webhook.to_bytes(), device.to_bytes()))?)
}

/// Those whose time has come, the earliest first, without their events.
pub(in crate::data) fn due(
    connection: &Connection,
    webhook: WebhookId,
    until: Timestamp,
    limit: usize,
) -> Result<Vec<DueDelivery>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT event_seq, device_id, tries, due_at FROM deliveries INDEXED BY deliveries_due
         WHERE webhook_id = ?1 AND state = 1 AND due_at <= ?2 ORDER BY due_at LIMIT ?3",
    )?;
    let mut found = statement.query((webhook.to_bytes(), until.as_millis(), rows(limit)))?;
    let mut due = Vec::new();
    while let Some(row) = found.next()? {
        due.push(DueDelivery {
            seq: row.get::<_, i64>(0)?.cast_unsigned(),
            device: row.get::<_, Option<_>>(1)?.map(DeviceId::from_bytes),
            tries: row.get(2)?,
            due_at: time(row, 3)?,
            event: None,
        });
    }
    Ok(due)
}

/// When the first of them is due after a time.
pub(in crate::data) fn next_due(
    connection: &Connection,
    webhook: WebhookId,
    after: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    Ok(connection
        .prepare_cached(
            "SELECT due_at FROM deliveries INDEXED BY deliveries_due
             WHERE webhook_id = ?1 AND state = 1 AND due_at > ?2 ORDER BY due_at LIMIT 1",
        )?
        .query_row((webhook.to_bytes(), after.as_millis()), |row| row.get(0))
        .optional()?
        .map(Timestamp::from_millis))
}

/// All that waits for its time or is held back.
pub(in crate::data) fn waiting(
    connection: &Connection,
    webhook: WebhookId,
    position: u64,
) -> Result<Waiting, StoreError> {
    let of_webhook = webhook.to_bytes();
    let count: i64 = connection
        .prepare_cached(
            "SELECT count(*) FROM deliveries INDEXED BY deliveries_of_device WHERE webhook_id = ?1 AND state <> 2",
        )?
        .query_row([of_webhook], |row| row.get(0))?;
    let held = connection
        .prepare_cached("SELECT 1 FROM deliveries WHERE webhook_id = ?1 AND state = 3 LIMIT 1")?
        .exists([of_webhook])?;
    let mut statement = connection.prepare_cached(
        "SELECT device_id, count(*) FROM deliveries INDEXED BY deliveries_of_device
         WHERE webhook_id = ?1 AND state <> 2 AND device_id IS NOT NULL GROUP BY device_id",
    )?;
    let devices = statement.query_map([of_webhook], |row| {
        let count: i64 = row.get(1)?;
        Ok((
            DeviceId::from_bytes(row.get(0)?),
            usize::try_from(count).unwrap_or(usize::MAX),
        ))
    })?;
    let devices = devices.collect::<Result<_, _>>()?;
    let mut statement = connection
        .prepare_cached("SELECT event_seq FROM deliveries WHERE webhook_id = ?1 AND event_seq > ?2")?;
    let ahead = statement.query_map((of_webhook, place(position)), |row| {
        Ok(row.get::<_, i64>(0)?.cast_unsigned())
    })?;
    Ok(Waiting {
        count: usize::try_from(count).unwrap_or(usize::MAX),
        held,
        devices,
        ahead: ahead.collect::<Result<_, _>>()?,
    })
}

/// The given-up ones after a place and up to another, the first `limit` of them.
pub(in crate::data) fn parked(
    connection: &Connection,
    webhook: WebhookId,
    (after, last): (u64, u64),
    limit: usize,
) -> Result<Vec<(u64, Option<DeviceId>)>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT event_seq, device_id FROM deliveries INDEXED BY deliveries_parked
         WHERE webhook_id = ?1 AND state = 2 AND event_seq > ?2 AND event_seq <= ?3 ORDER BY event_seq LIMIT ?4",
    )?;
    let found = statement.query_map(
        (webhook.to_bytes(), place(after), place(last), rows(limit)),
        |row| {
            let device: Option<[u8; 16]> = row.get(1)?;
            Ok((
                row.get::<_, i64>(0)?.cast_unsigned(),
                device.map(DeviceId::from_bytes),
            ))
        },
    )?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// Deletes given-up ones whose events the log has no more; whether there may be more of them.
pub(in crate::data) fn sweep(tx: &Connection, limit: usize) -> Result<bool, StoreError> {
    let deleted = tx
        .prepare_cached(
            "DELETE FROM deliveries WHERE (webhook_id, event_seq) IN (
                 SELECT deliveries.webhook_id, deliveries.event_seq FROM webhooks
                 CROSS JOIN deliveries INDEXED BY deliveries_parked ON deliveries.webhook_id = webhooks.id
                 WHERE deliveries.state = 2 AND deliveries.event_seq < (SELECT min(seq) FROM events) LIMIT ?1)",
        )?
        .execute([rows(limit)])?;
    Ok(deleted == limit)
}
