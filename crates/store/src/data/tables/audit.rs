//! The audit trail: appended to, read newest first, never changed.

use postern_domain::WorkspaceId;
use rusqlite::Connection;

use super::columns::{place, rows, time};
use crate::StoreError;
use crate::data::audit::{Act, AuditEntry};

/// Appends an act; once, although some take several transactions, and although the form of a message, which is accepted
/// once, may arrive twice.
pub(in crate::data) fn append(tx: &Connection, act: &Act) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO audit (workspace_id, at, actor, actor_name, action, target, details)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 WHERE NOT EXISTS (
             SELECT 1 FROM (
                 SELECT at, actor, action, target FROM audit WHERE workspace_id = ?1 ORDER BY seq DESC LIMIT 1)
             WHERE actor = ?3 AND action = ?5 AND target = ?6 AND (at = ?2 OR action = 'message.send'))",
    )?
    .execute((
        act.workspace.to_bytes(),
        act.at.as_millis(),
        act.actor.to_bytes(),
        &act.actor_name,
        act.action,
        &act.target,
        &act.details,
    ))?;
    Ok(())
}

/// Newest first, from before `before` on; and where the next page starts.
pub(in crate::data) fn page(
    connection: &Connection,
    workspace: WorkspaceId,
    limit: usize,
    before: Option<u64>,
) -> Result<(Vec<AuditEntry>, Option<u64>), StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT seq, at, actor_name, action, target, details FROM audit
         WHERE workspace_id = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT ?3",
    )?;
    let before = place(before.unwrap_or(u64::MAX));
    let mut found = statement.query((workspace.to_bytes(), before, rows(limit.saturating_add(1))))?;
    let (mut entries, mut last) = (Vec::new(), None);
    while let Some(row) = found.next()? {
        if entries.len() == limit {
            return Ok((entries, last));
        }
        last = Some(row.get::<_, i64>(0)?.cast_unsigned());
        entries.push(AuditEntry {
            at: time(row, 1)?,
            actor_name: row.get(2)?,
            action: row.get(3)?,
            target: row.get(4)?,
            details: row.get(5)?,
        });
    }
    Ok((entries, None))
}
