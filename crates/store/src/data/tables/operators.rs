//! Operators and their sessions.

use postern_domain::{OperatorId, OperatorName, Role, Timestamp, WorkspaceId};
use rusqlite::{Connection, Row};

use super::columns::{id, number, optional_time, time};
use crate::StoreError;
use crate::data::operators::{NewOperator, Operator, OperatorSession};

/// The columns that [`read`] reads.
const COLUMNS: &str = "operators.id, workspace_id, name, role, operators.created_at, last_seen_at";

/// Whether there is any.
pub(in crate::data) fn any(connection: &Connection) -> Result<bool, StoreError> {
    Ok(connection
        .prepare_cached("SELECT 1 FROM operators LIMIT 1")?
        .exists([])?)
}

/// Stores one.
pub(in crate::data) fn insert(tx: &Connection, new: &NewOperator, now: Timestamp) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO operators (id, workspace_id, name, role, password, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute((
        new.id.to_bytes(),
        new.workspace.to_bytes(),
        new.name.as_str(),
        new.role.number(),
        &new.password,
        now.as_millis(),
    ))?;
    Ok(())
}

/// Those of a workspace, the oldest first.
pub(in crate::data) fn list(
    connection: &Connection,
    workspace: WorkspaceId,
) -> Result<Vec<Operator>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM operators WHERE workspace_id = ?1 ORDER BY id");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([workspace.to_bytes()])?;
    let mut operators = Vec::new();
    while let Some(row) = rows.next()? {
        operators.push(read(row)?);
    }
    Ok(operators)
}

/// One of a workspace.
pub(in crate::data) fn find(
    connection: &Connection,
    workspace: WorkspaceId,
    id: OperatorId,
) -> Result<Option<Operator>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM operators WHERE id = ?1 AND workspace_id = ?2");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([id.to_bytes(), workspace.to_bytes()])?;
    rows.next()?.map(read).transpose()
}

/// The one with this name, and the hash of its password.
pub(in crate::data) fn by_name(
    connection: &Connection,
    name: &OperatorName,
) -> Result<Option<(Operator, String)>, StoreError> {
    let sql = format!("SELECT {COLUMNS}, password FROM operators WHERE name = ?1");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([name.as_str()])?;
    let Some(row) = rows.next()? else {
        return Ok(None);
    };
    Ok(Some((read(row)?, row.get(6)?)))
}

/// How many owners a workspace has.
pub(in crate::data) fn owners(connection: &Connection, workspace: WorkspaceId) -> Result<u32, StoreError> {
    Ok(connection
        .prepare_cached("SELECT count(*) FROM operators WHERE workspace_id = ?1 AND role = 1")?
        .query_row([workspace.to_bytes()], |row| row.get(0))?)
}

/// Changes the role.
pub(in crate::data) fn set_role(tx: &Connection, id: OperatorId, role: Role) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE operators SET role = ?2 WHERE id = ?1")?
        .execute((id.to_bytes(), role.number()))?;
    Ok(())
}

/// Changes the hash of the password.
pub(in crate::data) fn set_password(
    tx: &Connection,
    id: OperatorId,
    password: &str,
) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE operators SET password = ?2 WHERE id = ?1")?
        .execute((id.to_bytes(), password))?;
    Ok(())
}

/// Deletes one whose sessions are ended.
pub(in crate::data) fn delete(tx: &Connection, id: OperatorId) -> Result<(), StoreError> {
    tx.prepare_cached("DELETE FROM operators WHERE id = ?1")?
        .execute([id.to_bytes()])?;
    Ok(())
}

/// Stores a session.
pub(in crate::data) fn begin_session(
    tx: &Connection,
    operator: OperatorId,
    hash: [u8; 32],
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO operator_sessions (hash, operator_id, created_at, seen_at) VALUES (?1, ?2, ?3, ?3)",
    )?
    .execute((hash, operator.to_bytes(), now.as_millis()))?;
    touch_session(tx, hash, now)
}

/// The session with this hash, and whose it is.
pub(in crate::data) fn session(
    connection: &Connection,
    hash: [u8; 32],
) -> Result<Option<OperatorSession>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS}, operator_sessions.created_at, seen_at FROM operator_sessions
         JOIN operators ON operators.id = operator_id WHERE hash = ?1"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([hash])?;
    let Some(row) = rows.next()? else {
        return Ok(None);
    };
    Ok(Some(OperatorSession {
        operator: read(row)?,
        created_at: time(row, 6)?,
        seen_at: time(row, 7)?,
    }))
}

/// Writes down that it was used.
pub(in crate::data) fn touch_session(
    tx: &Connection,
    hash: [u8; 32],
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE operator_sessions SET seen_at = ?2 WHERE hash = ?1")?
        .execute((hash, now.as_millis()))?;
    tx.prepare_cached(
        "UPDATE operators SET last_seen_at = ?2
         WHERE id = (SELECT operator_id FROM operator_sessions WHERE hash = ?1)",
    )?
    .execute((hash, now.as_millis()))?;
    Ok(())
}

/// Ends a session.
pub(in crate::data) fn end_session(tx: &Connection, hash: [u8; 32]) -> Result<(), StoreError> {
    tx.prepare_cached("DELETE FROM operator_sessions WHERE hash = ?1")?
        .execute([hash])?;
    Ok(())
}

/// Ends all sessions of an operator but one.
pub(in crate::data) fn end_sessions_of(
    tx: &Connection,
    operator: OperatorId,
    keep: Option<[u8; 32]>,
) -> Result<(), StoreError> {
    tx.prepare_cached("DELETE FROM operator_sessions WHERE operator_id = ?1 AND hash IS NOT ?2")?
        .execute((operator.to_bytes(), keep))?;
    Ok(())
}

/// Forgets sessions begun before `oldest`.
pub(in crate::data) fn sweep_sessions(tx: &Connection, oldest: Timestamp) -> Result<(), StoreError> {
    tx.prepare_cached("DELETE FROM operator_sessions WHERE created_at < ?1")?
        .execute([oldest.as_millis()])?;
    Ok(())
}

fn read(row: &Row<'_>) -> Result<Operator, StoreError> {
    Ok(Operator {
        id: id(row, 0, OperatorId::from_bytes)?,
        workspace: id(row, 1, WorkspaceId::from_bytes)?,
        name: row.get(2)?,
        role: number(row, 3, "an operator's role", Role::from_number)?,
        created_at: time(row, 4)?,
        last_seen_at: optional_time(row, 5)?,
    })
}
