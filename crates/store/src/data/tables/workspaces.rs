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

/// Changes the file's header, so that a commit has something to put on the disk: SQLite writes nothing of a row that
/// stays as it is. Nothing else uses this number.
pub(in crate::data) fn touch(tx: &Connection) -> Result<(), StoreError> {
    let number: i32 = tx.pragma_query_value(None, "user_version", |row| row.get(0))?;
    tx.pragma_update(None, "user_version", i32::from(number == 0))?;
    Ok(())
}
