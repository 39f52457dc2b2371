//! Batches: what is known of messages that were accepted together beyond the messages themselves.

use postern_domain::{BatchId, MessageStatus, Timestamp, WorkspaceId};
use rusqlite::{Connection, OptionalExtension as _};

use super::columns::{number, place, rows};
use crate::StoreError;
use crate::data::records::Batch;

/// Stores a batch.
pub(in crate::data) fn insert(
    tx: &Connection,
    workspace: WorkspaceId,
    batch: &Batch,
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO batches (id, workspace_id, total, refused, created_at) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute((
        batch.id.to_bytes(),
        workspace.to_bytes(),
        batch.total,
        batch.refused,
        batch.created_at.as_millis(),
    ))?;
    Ok(())
}

/// A batch of a workspace, with the statuses of its messages.
pub(in crate::data) fn find(
    connection: &Connection,
    workspace: WorkspaceId,
    id: BatchId,
) -> Result<Option<Batch>, StoreError> {
    let found = connection
        .prepare_cached("SELECT total, refused, created_at FROM batches WHERE id = ?1 AND workspace_id = ?2")?
        .query_row((id.to_bytes(), workspace.to_bytes()), |row| {
            Ok(Batch {
                id,
                total: row.get(0)?,
                refused: row.get(1)?,
                created_at: Timestamp::from_millis(row.get(2)?),
                counts: Vec::new(),
            })
        })
        .optional()?;
    let Some(mut batch) = found else {
        return Ok(None);
    };
    batch.counts = counts(connection, id)?;
    Ok(Some(batch))
}

/// Whether the workspace has this batch.
pub(in crate::data) fn exists(
    connection: &Connection,
    workspace: WorkspaceId,
    id: BatchId,
) -> Result<bool, StoreError> {
    Ok(connection
        .prepare_cached("SELECT 1 FROM batches WHERE id = ?1 AND workspace_id = ?2")?
        .exists((id.to_bytes(), workspace.to_bytes()))?)
}

/// Deletes those without a message among the next `limit` batches from `from` on, if they were accepted before `before`;
/// answers where to go on, `None` when what follows is younger.
pub(in crate::data) fn sweep(
    tx: &Connection,
    before: Timestamp,
    from: u64,
    limit: usize,
) -> Result<Option<u64>, StoreError> {
    let mut statement =
        tx.prepare_cached("SELECT seq, id, created_at FROM batches WHERE seq >= ?1 ORDER BY seq LIMIT ?2")?;
    let found = statement.query_map((place(from), rows(limit)), |row| {
        Ok((
            row.get::<_, i64>(0)?,
            row.get::<_, [u8; 16]>(1)?,
            row.get::<_, i64>(2)?,
        ))
    })?;
    let mut next = None;
    for (seen, batch) in found.collect::<Result<Vec<_>, _>>()?.into_iter().enumerate() {
        let (seq, id, created_at) = batch;
        if created_at >= before.as_millis() {
            return Ok(None);
        }
        tx.prepare_cached(
            "DELETE FROM batches WHERE seq = ?1
             AND NOT EXISTS (SELECT 1 FROM messages INDEXED BY messages_by_batch WHERE batch_id = ?2)",
        )?
        .execute((seq, id))?;
        next = (seen + 1 == limit).then_some(seq.cast_unsigned() + 1);
    }
    Ok(next)
}

/// Counted from the messages: they lie side by side, and a count that is kept would cost every change of a status.
fn counts(connection: &Connection, id: BatchId) -> Result<Vec<(MessageStatus, u32)>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT status, count(*) FROM messages INDEXED BY messages_by_batch WHERE batch_id = ?1 GROUP BY status",
    )?;
    let mut found = statement.query([id.to_bytes()])?;
    let mut counts = Vec::new();
    while let Some(row) = found.next()? {
        let status = number(row, 0, "a stored status", MessageStatus::from_number)?;
        counts.push((status, row.get(1)?));
    }
    Ok(counts)
}
