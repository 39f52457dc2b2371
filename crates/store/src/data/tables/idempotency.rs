//! The first answer to every request that carried an idempotency key.

use postern_domain::{Timestamp, WorkspaceId};
use rusqlite::{Connection, OptionalExtension as _};

use super::columns::rows;
use crate::StoreError;
use crate::data::records::IdempotencyKey;

/// What is remembered of a request.
pub(in crate::data) struct Record {
    pub(in crate::data) fingerprint: [u8; 32],
    pub(in crate::data) http_status: u16,
    pub(in crate::data) body: Vec<u8>,
}

/// The record of a key that was made after `since`.
pub(in crate::data) fn find(
    tx: &Connection,
    workspace: WorkspaceId,
    key: &IdempotencyKey,
    since: Timestamp,
) -> Result<Option<Record>, StoreError> {
    Ok(tx
        .prepare_cached(
            "SELECT fingerprint, http_status, body FROM idempotency
             WHERE workspace_id = ?1 AND endpoint = ?2 AND key = ?3 AND created_at >= ?4",
        )?
        .query_row(
            (workspace.to_bytes(), key.endpoint, &key.key, since.as_millis()),
            |row| {
                Ok(Record {
                    fingerprint: row.get(0)?,
                    http_status: row.get(1)?,
                    body: row.get(2)?,
                })
            },
        )
        .optional()?)
}

/// Remembers a request with its answer; an expired record of the same key gives way.
pub(in crate::data) fn insert(
    tx: &Connection,
    workspace: WorkspaceId,
    key: &IdempotencyKey,
    body: &[u8],
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT OR REPLACE INTO idempotency
             (workspace_id, endpoint, key, fingerprint, http_status, body, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute((
        workspace.to_bytes(),
        key.endpoint,
        &key.key,
        key.fingerprint,
        key.http_status,
        body,
        now.as_millis(),
    ))?;
    Ok(())
}

/// Deletes the records made before `before` among the oldest `limit`; answers how many.
pub(in crate::data) fn sweep(tx: &Connection, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
    // Rows are in the order of time but for what clocks do, so the oldest stand in front and no index is needed.
    Ok(tx
        .prepare_cached(
            "DELETE FROM idempotency WHERE seq IN (
                 SELECT seq FROM (SELECT seq, created_at FROM idempotency ORDER BY seq LIMIT ?2)
                 WHERE created_at < ?1)",
        )?
        .execute((before.as_millis(), rows(limit)))?)
}
