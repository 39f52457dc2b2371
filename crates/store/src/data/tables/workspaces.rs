//! Workspaces, the tenants, with what is counted for them.

use postern_domain::{Plan, Timestamp, WorkspaceId};
use rusqlite::{Connection, OptionalExtension as _, Row};

use super::columns::{id, optional_time, rows, time};
use crate::StoreError;
use crate::data::workspaces::{Deactivation, Workspace};

const SELECT: &str =
    "SELECT id, name, plan, created_at, deactivated_at, deactivated_reason, device_limit FROM workspaces";

/// The workspace that was made first; ids of one millisecond are in no order.
pub(in crate::data) fn first(connection: &Connection) -> Result<Option<WorkspaceId>, StoreError> {
    Ok(connection
        .prepare_cached("SELECT id FROM workspaces ORDER BY created_at, id LIMIT 1")?
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

/// One workspace.
pub(in crate::data) fn find(
    connection: &Connection,
    workspace: WorkspaceId,
) -> Result<Option<Workspace>, StoreError> {
    let mut statement = connection.prepare_cached(&format!("{SELECT} WHERE id = ?1"))?;
    let mut found = statement.query([workspace.to_bytes()])?;
    found.next()?.map(read).transpose()
}

/// Workspaces, newest first.
pub(in crate::data) fn list(
    connection: &Connection,
    limit: usize,
    before: Option<WorkspaceId>,
) -> Result<Vec<Workspace>, StoreError> {
    let mut statement =
        connection.prepare_cached(&format!("{SELECT} WHERE id < ?1 ORDER BY id DESC LIMIT ?2"))?;
    // Larger than any id that is made: its time is in the year 10889.
    let before = before.map_or([u8::MAX; 16], WorkspaceId::to_bytes);
    let mut found = statement.query((before, rows(limit)))?;
    let mut workspaces = Vec::new();
    while let Some(row) = found.next()? {
        workspaces.push(read(row)?);
    }
    Ok(workspaces)
}

/// Writes name, plan and whether it is active.
pub(in crate::data) fn update(tx: &Connection, workspace: &Workspace) -> Result<(), StoreError> {
    let deactivation = workspace.deactivation.as_ref();
    tx.prepare_cached(
        "UPDATE workspaces SET name = ?2, plan = ?3, deactivated_at = ?4, deactivated_reason = ?5 WHERE id = ?1",
    )?
    .execute((
        workspace.id.to_bytes(),
        &workspace.name,
        &workspace.plan,
        deactivation.map(|deactivation| deactivation.since.as_millis()),
        deactivation.map(|deactivation| &deactivation.reason),
    ))?;
    Ok(())
}

/// Where limits change, the next message looks at the new ones; another limit of messages is warned of anew.
const SET_LIMITS: &str = "UPDATE workspaces
    SET device_limit = ?2, message_limit = ?3, webhooks = ?4, month_look_at = 0,
        month_warned = CASE WHEN message_limit IS ?3 THEN month_warned ELSE 0 END
    WHERE (device_limit IS NOT ?2 OR message_limit IS NOT ?3 OR webhooks IS NOT ?4)";

/// Writes the limits of its plan to a workspace.
pub(in crate::data) fn set_limits(
    tx: &Connection,
    workspace: WorkspaceId,
    plan: &Plan,
) -> Result<(), StoreError> {
    let messages = plan.messages_per_month.map(stored);
    tx.prepare_cached(&format!("{SET_LIMITS} AND id = ?1"))?
        .execute((workspace.to_bytes(), plan.devices, messages, plan.webhooks))?;
    Ok(())
}

/// Writes the limits of a plan to every workspace that has it; looks at all of them.
pub(in crate::data) fn set_limits_of_plan(
    tx: &Connection,
    name: &str,
    plan: &Plan,
) -> Result<(), StoreError> {
    let messages = plan.messages_per_month.map(stored);
    tx.prepare_cached(&format!("{SET_LIMITS} AND plan = ?1"))?
        .execute((name, plan.devices, messages, plan.webhooks))?;
    Ok(())
}

/// The names of the plans that workspaces have.
pub(in crate::data) fn plans(connection: &Connection) -> Result<Vec<String>, StoreError> {
    let mut statement = connection.prepare("SELECT DISTINCT plan FROM workspaces ORDER BY plan")?;
    let names = statement.query_map([], |row| row.get(0))?;
    Ok(names.collect::<Result<_, _>>()?)
}

/// What is counted for a workspace in a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::data) struct Month {
    /// Which month.
    pub(in crate::data) number: i64,
    pub(in crate::data) used: u64,
    pub(in crate::data) limit: Option<u64>,
    /// The percentage that was last warned of.
    pub(in crate::data) warned: u8,
    /// Below this number nobody has to look.
    pub(in crate::data) look_at: u64,
}

/// What is counted for a workspace.
pub(in crate::data) fn month(
    connection: &Connection,
    workspace: WorkspaceId,
) -> Result<Option<Month>, StoreError> {
    Ok(connection
        .prepare_cached(
            "SELECT month, month_used, message_limit, month_warned, month_look_at FROM workspaces WHERE id = ?1",
        )?
        .query_row([workspace.to_bytes()], |row| {
            Ok(Month {
                number: row.get(0)?,
                used: row.get::<_, i64>(1)?.cast_unsigned(),
                limit: row.get::<_, Option<i64>>(2)?.map(i64::cast_unsigned),
                warned: row.get(3)?,
                look_at: row.get::<_, i64>(4)?.cast_unsigned(),
            })
        })
        .optional()?)
}

/// What the row of a workspace counts, and what decides whether more is.
#[derive(Debug)]
pub(in crate::data) struct Counted {
    /// The number of its last event.
    pub(in crate::data) last_event: i64,
    pub(in crate::data) month: Month,
    /// Why it may do nothing, in words for its members; `None` while it is active.
    pub(in crate::data) deactivated: Option<String>,
}

/// Reads what is counted.
pub(in crate::data) fn counted(
    tx: &Connection,
    workspace: WorkspaceId,
) -> Result<Option<Counted>, StoreError> {
    let found = tx
        .prepare_cached(
            "SELECT event_seq, iif(deactivated_at IS NULL, NULL, coalesce(deactivated_reason, ''))
             FROM workspaces WHERE id = ?1",
        )?
        .query_row([workspace.to_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((last_event, deactivated)) = found else {
        return Ok(None);
    };
    let month = month(tx, workspace)?;
    Ok(month.map(|month| Counted {
        last_event,
        month,
        deactivated,
    }))
}

/// Writes what is counted; the limit stays.
pub(in crate::data) fn set_counted(
    tx: &Connection,
    workspace: WorkspaceId,
    counted: &Counted,
) -> Result<(), StoreError> {
    let month = &counted.month;
    tx.prepare_cached(
        "UPDATE workspaces SET event_seq = ?2, month = ?3, month_used = ?4, month_warned = ?5, month_look_at = ?6
         WHERE id = ?1",
    )?
    .execute((
        workspace.to_bytes(),
        counted.last_event,
        month.number,
        stored(month.used),
        month.warned,
        stored(month.look_at),
    ))?;
    Ok(())
}

/// Changes the file's header, so that a commit has something to put on the disk: SQLite writes nothing of a row that
/// stays as it is. Nothing else uses this number.
pub(in crate::data) fn touch(tx: &Connection) -> Result<(), StoreError> {
    let number: i32 = tx.pragma_query_value(None, "user_version", |row| row.get(0))?;
    tx.pragma_update(None, "user_version", i32::from(number == 0))?;
    Ok(())
}

/// A count, for SQL; nobody counts further.
fn stored(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn read(row: &Row<'_>) -> Result<Workspace, StoreError> {
    let reason: Option<String> = row.get(5)?;
    Ok(Workspace {
        id: id(row, 0, WorkspaceId::from_bytes)?,
        name: row.get(1)?,
        plan: row.get(2)?,
        created_at: time(row, 3)?,
        deactivation: optional_time(row, 4)?.map(|since| Deactivation {
            since,
            reason: reason.unwrap_or_default(),
        }),
        device_limit: row.get(6)?,
    })
}
