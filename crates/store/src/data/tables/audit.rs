//! The audit trail: appended to, read newest first, never changed. What programs did is swept.

use std::sync::Arc;

use postern_domain::{ApiKeyId, OperatorId, Timestamp, WorkspaceId};
use rusqlite::{Connection, Row};

use super::api_keys;
use super::columns::{id, place, rows, time, unreadable};
use crate::StoreError;
use crate::data::audit::{Act, Actor, AuditEntry, Author};

const OPERATOR: u8 = 1;
const SHELL: u8 = 2;
const API_KEY: u8 = 3;
const ADMINISTRATION: u8 = 4;

/// Of those that have no id.
const NOBODY: [u8; 16] = [0; 16];

/// Appends acts.
pub(in crate::data) fn append(tx: &Connection, acts: &[Arc<Act>]) -> Result<(), StoreError> {
    for act in acts {
        let (kind, actor, name, last_four) = match &act.actor {
            Actor::Operator { id, name } => (OPERATOR, id.to_bytes(), name.clone(), None),
            Actor::Shell => (SHELL, NOBODY, "shell".to_owned(), None),
            Actor::ApiKey(id) => {
                let (name, last_four) =
                    api_keys::label(tx, *id)?.ok_or_else(|| unreadable("the key that acts"))?;
                (API_KEY, id.to_bytes(), name, Some(last_four))
            }
            Actor::Administration => (ADMINISTRATION, NOBODY, "administration".to_owned(), None),
        };
        tx.prepare_cached(
            "INSERT INTO audit (workspace_id, at, actor_kind, actor, actor_name, actor_last_four, action, target, details)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute((
            act.workspace.to_bytes(),
            act.at.as_millis(),
            kind,
            actor,
            name,
            last_four,
            act.action,
            &act.target,
            &act.details,
        ))?;
    }
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
        "SELECT seq, at, actor_kind, actor, actor_name, actor_last_four, action, target, details FROM audit
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
            author: author(row)?,
            action: row.get(6)?,
            target: row.get(7)?,
            details: row.get(8)?,
        });
    }
    Ok((entries, None))
}

fn author(row: &Row<'_>) -> Result<Author, StoreError> {
    match row.get::<_, u8>(2)? {
        OPERATOR => Ok(Author::Operator {
            id: id(row, 3, OperatorId::from_bytes)?,
            name: row.get(4)?,
        }),
        SHELL => Ok(Author::Shell),
        API_KEY => Ok(Author::ApiKey {
            id: id(row, 3, ApiKeyId::from_bytes)?,
            name: row.get(4)?,
            last_four: row.get::<_, Option<String>>(5)?.unwrap_or_default(),
        }),
        ADMINISTRATION => Ok(Author::Administration),
        _ => Err(unreadable("who acted")),
    }
}

/// Deletes what programs did before `before`; whether there may be more of it.
pub(in crate::data) fn sweep(tx: &Connection, before: Timestamp, limit: usize) -> Result<bool, StoreError> {
    let deleted = tx
        .prepare_cached(
            "DELETE FROM audit WHERE seq IN (
                 SELECT seq FROM audit WHERE actor_kind > 2 AND at < ?1 ORDER BY at LIMIT ?2)",
        )?
        .execute((before.as_millis(), rows(limit)))?;
    Ok(deleted == limit)
}
