//! Finding times in tables that are kept in another order, which is nearly that of time.

use rusqlite::Connection;

use crate::StoreError;

/// How far times may disagree with the order of the rows: requests queue up, and clocks are set.
pub(super) const DISORDER_MS: i64 = 3_600_000;

/// The first message made at or after `at`, or the place after the last.
pub(super) fn first_message_since(connection: &Connection, at: i64) -> Result<i64, StoreError> {
    first_since(
        connection,
        "SELECT max(seq) FROM messages",
        "SELECT seq, created_at FROM messages WHERE seq >= ?1 ORDER BY seq LIMIT 1",
        at,
    )
}

/// The first event made at or after `at`, or the place after the last.
pub(super) fn first_event_since(connection: &Connection, at: i64) -> Result<i64, StoreError> {
    first_since(
        connection,
        "SELECT max(seq) FROM events",
        "SELECT seq, at FROM events WHERE seq >= ?1 ORDER BY seq LIMIT 1",
        at,
    )
}

/// Found by halving.
fn first_since(connection: &Connection, last: &str, next: &str, at: i64) -> Result<i64, StoreError> {
    let mut statement = connection.prepare_cached(next)?;
    let last: Option<i64> = connection.prepare_cached(last)?.query_row([], |row| row.get(0))?;
    let Some(last) = last else {
        return Ok(0);
    };
    let (mut low, mut high) = (0, last + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        let (seq, time): (i64, i64) = statement.query_row([middle], |row| Ok((row.get(0)?, row.get(1)?)))?;
        if time >= at {
            high = middle;
        } else {
            low = seq + 1;
        }
    }
    Ok(low)
}
