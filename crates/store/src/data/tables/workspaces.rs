//! Workspaces, the tenants.

use postern_domain::{Timestamp, WorkspaceId};
use rusqlite::{Connection, OptionalExtension as _};

use crate::StoreError;

/// The workspace that was made first.
pub(in crate::data) fn first(connection: &Connection) -> Result<Option<WorkspaceId>, StoreError> {
    Ok(connection
        .prepare_cached("SELECT id FROM workspaces ORDER BY id LIMIT 1")?
        .query_row([], |row| row.get(0))
        .optional()?
        .map(WorkspaceId::from_bytes))
}

/// Stores a workspace.
pub(in crate::data) fn insert(
    tx: &Connection,
    id: WorkspaceId,
    name: &str,
    plan: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.prepare_cached("INSERT INTO workspaces (id, name, plan, created_at) VALUES (?1, ?2, ?3, ?4)")?
        .execute((id.to_bytes(), name, plan, now.as_millis()))?;
    Ok(())
}

/// Writes the first workspace as it is, so that a commit has something to put on the disk.
pub(in crate::data) fn touch(tx: &Connection) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE workspaces SET plan = plan WHERE id = (SELECT id FROM workspaces ORDER BY id LIMIT 1)",
    )?
    .execute([])?;
    Ok(())
}
