//! The tries to reach an endpoint, as the engine writes them and the API reads them.
//!
//! A list is read backwards along the index of its endpoint. Filters are applied on the way, and the way is bounded: a
//! page that has looked at [`MOST_EXAMINED`] rows ends there, however few it found, and says where the next one starts.
//! The tries of one event are few, and have an index of their own.

use std::time::Duration;

use postern_domain::webhook::{AttemptFailure, AttemptOutcome};
use postern_domain::{EventId, EventType, Timestamp, WebhookId};
use rusqlite::{Connection, OptionalExtension as _, Row, named_params};

use super::columns::{id, number, optional_time, place, rows, unreadable};
use crate::StoreError;
use crate::data::records::{Attempt, AttemptFilter, Page, PageStart};

/// The most rows one page looks at.
const MOST_EXAMINED: i64 = 10_000;

/// A page of the tries to reach an endpoint, newest first.
pub(in crate::data) fn page(
    connection: &Connection,
    webhook: WebhookId,
    filter: AttemptFilter,
    limit: usize,
    start: Option<PageStart>,
) -> Result<Page<Attempt>, StoreError> {
    let before = start.map_or(i64::MAX, |start| place(start.0));
    let range = match (filter.event, filter.failed) {
        (Some(_), _) => "attempts INDEXED BY attempts_by_event WHERE event_id = :event",
        (None, Some(true)) => "attempts INDEXED BY attempts_failed WHERE failure IS NOT NULL",
        (None, Some(false) | None) => "attempts INDEXED BY attempts_by_webhook WHERE 1",
    };
    let floor = match filter.event {
        Some(_) => None,
        None => last_examined(connection, range, webhook, before)?,
    };
    let outcome = match filter.failed {
        Some(true) => "AND failure IS NOT NULL",
        Some(false) => "AND failure IS NULL",
        None => "",
    };
    let mut statement = connection.prepare_cached(&format!(
        "SELECT seq, event_id, kind, number, at, duration_ms, status, failure, excerpt, next_at FROM {range}
         AND webhook_id = :webhook AND seq < :before AND seq >= :floor {outcome}
         AND (:event IS NULL OR event_id = :event)
         ORDER BY seq DESC LIMIT :limit"
    ))?;
    let mut found = statement.query(named_params! {
        ":webhook": webhook.to_bytes(),
        ":before": before,
        ":floor": floor.unwrap_or(0),
        ":event": filter.event.map(EventId::to_bytes),
        ":limit": rows(limit.saturating_add(1)),
    })?;
    let mut attempts = Vec::new();
    while let Some(row) = found.next()? {
        attempts.push(attempt(row)?);
    }
    let next = if attempts.len() > limit {
        attempts.truncate(limit);
        attempts.last().map(|attempt| PageStart(attempt.seq))
    } else {
        floor.map(|floor| PageStart(floor.cast_unsigned()))
    };
    Ok(Page { rows: attempts, next })
}

/// The last row a page may look at, if there are more.
fn last_examined(
    connection: &Connection,
    range: &str,
    webhook: WebhookId,
    before: i64,
) -> Result<Option<i64>, StoreError> {
    Ok(connection
        .prepare_cached(&format!(
            "SELECT seq FROM {range} AND webhook_id = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT 1 OFFSET ?3"
        ))?
        .query_row((webhook.to_bytes(), before, MOST_EXAMINED - 1), |row| row.get(0))
        .optional()?)
}

fn attempt(row: &Row<'_>) -> Result<Attempt, StoreError> {
    let failure: Option<u8> = row.get(7)?;
    let known = |number| {
        AttemptFailure::from_number(number).ok_or_else(|| unreadable("why a try to reach an endpoint failed"))
    };
    Ok(Attempt {
        seq: row.get::<_, i64>(0)?.cast_unsigned(),
        event: id(row, 1, EventId::from_bytes)?,
        kind: number(row, 2, "a stored event's kind", EventType::from_number)?,
        number: row.get(3)?,
        at: Timestamp::from_millis(row.get(4)?),
        duration: Duration::from_millis(row.get::<_, i64>(5)?.cast_unsigned()),
        status: row.get(6)?,
        failure: failure.map(known).transpose()?,
        excerpt: row.get::<_, Option<Vec<u8>>>(8)?.unwrap_or_default(),
        next_at: optional_time(row, 9)?,
    })
}

/// Writes a try down.
pub(in crate::data) fn insert(
    tx: &Connection,
    webhook: WebhookId,
    (event, kind): (EventId, EventType),
    tries: u32,
    outcome: &AttemptOutcome,
    next_at: Option<Timestamp>,
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO attempts (webhook_id, event_id, kind, number, at, duration_ms, status, failure, excerpt, next_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?
    .execute((
        webhook.to_bytes(),
        event.to_bytes(),
        kind.number(),
        tries,
        outcome.at.as_millis(),
        i64::try_from(outcome.duration.as_millis()).unwrap_or(i64::MAX),
        outcome.status,
        outcome.failure.map(AttemptFailure::number),
        Some(outcome.excerpt.as_slice()).filter(|excerpt| !excerpt.is_empty()),
        next_at.map(Timestamp::as_millis),
    ))?;
    Ok(())
}

/// Deletes the oldest tries made before `before`; whether there may be more of them.
pub(in crate::data) fn sweep(tx: &Connection, before: Timestamp, limit: usize) -> Result<bool, StoreError> {
    let deleted = tx
        .prepare_cached(
            "DELETE FROM attempts WHERE at < ?1 AND seq IN (SELECT seq FROM attempts ORDER BY seq LIMIT ?2)",
        )?
        .execute((before.as_millis(), rows(limit)))?;
    Ok(deleted == limit)
}
