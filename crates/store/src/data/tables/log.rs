//! The event log as it is read: the whole of it in order, or pages of what a workspace asks for.
//!
//! A page looks at rows of the workspace one after the other, and at [`MOST_EXAMINED`] at most, however few it finds.
//! Events of a newer release are passed over.

use postern_domain::event::EventPayload;
use postern_domain::{DeviceId, Event, EventId, EventType, WorkspaceId};
use rusqlite::{Connection, OptionalExtension as _, Row};

use super::columns::{id, place, rows, time, unreadable};
use super::order::{self, DISORDER_MS};
use crate::StoreError;
use crate::data::records::{EventFilter, EventPage, EventStart};

/// The most rows one page looks at.
const MOST_EXAMINED: usize = 10_000;

const SELECT: &str =
    "SELECT id, seq, workspace_id, workspace_seq, device_id, device_seq, kind, at, payload FROM events";

/// Events of all workspaces after `seq`, oldest first. Fewer than `limit` only at the end of the log.
pub(in crate::data) fn after(
    connection: &Connection,
    seq: u64,
    limit: usize,
) -> Result<Vec<Event>, StoreError> {
    let mut statement = connection.prepare_cached(&format!("{SELECT} WHERE seq > ?1 ORDER BY seq"))?;
    let mut found = statement.query([place(seq)])?;
    let mut events = Vec::new();
    while events.len() < limit
        && let Some(row) = found.next()?
    {
        events.extend(event(row)?);
    }
    Ok(events)
}

/// One event of a workspace.
pub(in crate::data) fn find(
    connection: &Connection,
    workspace: WorkspaceId,
    id: EventId,
) -> Result<Option<Event>, StoreError> {
    let mut statement =
        connection.prepare_cached(&format!("{SELECT} WHERE id = ?1 AND workspace_id = ?2"))?;
    let mut found = statement.query((id.to_bytes(), workspace.to_bytes()))?;
    Ok(found.next()?.map(event).transpose()?.flatten())
}

/// The event at a place, while the log has it and this release can read it.
pub(in crate::data) fn at(connection: &Connection, seq: u64) -> Result<Option<Event>, StoreError> {
    let mut statement = connection.prepare_cached(&format!("{SELECT} WHERE seq = ?1"))?;
    let mut found = statement.query([place(seq)])?;
    Ok(found.next()?.map(event).transpose()?.flatten())
}

/// An event as far as it matters to whom it is sent.
pub(in crate::data) struct Outline {
    /// Its place.
    pub(in crate::data) seq: u64,
    /// Whose it is.
    pub(in crate::data) workspace: WorkspaceId,
    /// The device it tells of.
    pub(in crate::data) device: Option<DeviceId>,
    /// Its type; `None` when it is of a newer release.
    pub(in crate::data) kind: Option<EventType>,
}

/// Events of all workspaces after a place and up to another, oldest first.
pub(in crate::data) fn outline(
    connection: &Connection,
    (after, last): (u64, u64),
    limit: usize,
) -> Result<Vec<Outline>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT seq, workspace_id, device_id, kind FROM events WHERE seq > ?1 AND seq <= ?2 ORDER BY seq LIMIT ?3",
    )?;
    let found = statement.query_map((place(after), place(last), rows(limit)), |row| {
        Ok(Outline {
            seq: row.get::<_, i64>(0)?.cast_unsigned(),
            workspace: WorkspaceId::from_bytes(row.get(1)?),
            device: row.get::<_, Option<_>>(2)?.map(DeviceId::from_bytes),
            kind: EventType::from_number(row.get(3)?),
        })
    })?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// The place of an event of a workspace, whether or not this release can read it.
pub(in crate::data) fn place_of(
    connection: &Connection,
    workspace: WorkspaceId,
    id: EventId,
) -> Result<Option<u64>, StoreError> {
    let found: Option<i64> = connection
        .prepare_cached("SELECT seq FROM events WHERE id = ?1 AND workspace_id = ?2")?
        .query_row((id.to_bytes(), workspace.to_bytes()), |row| row.get(0))
        .optional()?;
    Ok(found.map(i64::cast_unsigned))
}

/// The oldest event of a workspace that is still there.
pub(in crate::data) fn oldest(
    connection: &Connection,
    workspace: WorkspaceId,
) -> Result<Option<EventId>, StoreError> {
    Ok(connection
        .prepare_cached(
            "SELECT id FROM events INDEXED BY events_by_workspace WHERE workspace_id = ?1 ORDER BY seq LIMIT 1",
        )?
        .query_row([workspace.to_bytes()], |row| row.get(0))
        .optional()?
        .map(EventId::from_bytes))
}

/// The place of the last event of all; 0 when there is none.
pub(in crate::data) const LAST: &str = "SELECT coalesce(max(seq), 0) FROM events";

/// A page of the events of a workspace.
pub(in crate::data) fn page(
    connection: &Connection,
    workspace: WorkspaceId,
    filter: &EventFilter,
    limit: usize,
    start: EventStart,
) -> Result<EventPage, StoreError> {
    let (after, before) = bounds(connection, filter, start)?;
    let order = match start {
        EventStart::Newest | EventStart::Before(_) => "DESC",
        EventStart::After(_) => "ASC",
    };
    let mut statement = connection.prepare_cached(&format!(
        "{SELECT} INDEXED BY events_by_workspace
         WHERE workspace_id = ?1 AND seq > ?2 AND seq < ?3 ORDER BY seq {order}"
    ))?;
    let mut found = statement.query((workspace.to_bytes(), after, before))?;
    let mut page = EventPage {
        events: Vec::new(),
        reached: start.place(),
        more: false,
    };
    let mut examined = 0;
    while let Some(row) = found.next()? {
        if examined == MOST_EXAMINED || page.events.len() == limit {
            page.more = true;
            break;
        }
        examined += 1;
        page.reached = row.get::<_, i64>(1)?.cast_unsigned();
        if passes(filter, row)? {
            page.events.extend(event(row)?);
        }
    }
    Ok(page)
}

/// The places between which the events of a page are, both excluded.
fn bounds(
    connection: &Connection,
    filter: &EventFilter,
    start: EventStart,
) -> Result<(i64, i64), StoreError> {
    let (mut after, mut before) = match start {
        EventStart::Newest => (0, i64::MAX),
        EventStart::Before(seq) => (0, place(seq)),
        EventStart::After(seq) => (place(seq), i64::MAX),
    };
    if let Some(from) = filter.from {
        let earliest = from.as_millis().saturating_sub(DISORDER_MS);
        after = after.max(order::first_event_since(connection, earliest)? - 1);
    }
    if let Some(until) = filter.until {
        let latest = until.as_millis().saturating_add(DISORDER_MS);
        before = before.min(order::first_event_since(connection, latest)?);
    }
    Ok((after, before))
}

fn passes(filter: &EventFilter, row: &Row<'_>) -> Result<bool, StoreError> {
    let Some(kind) = EventType::from_number(row.get(6)?) else {
        return Ok(false);
    };
    let device = row.get::<_, Option<_>>(4)?.map(DeviceId::from_bytes);
    Ok(filter.admits(kind, device, time(row, 7)?))
}

/// `None` when it is of a newer release.
fn event(row: &Row<'_>) -> Result<Option<Event>, StoreError> {
    let payload: &[u8] = row
        .get_ref(8)?
        .as_blob()
        .map_err(|_not_a_blob| unreadable("a stored event"))?;
    let (Some(kind), Ok(payload)) = (EventType::from_number(row.get(6)?), EventPayload::decode(payload))
    else {
        return Ok(None);
    };
    let number = |column| row.get::<_, i64>(column).map(i64::cast_unsigned);
    Ok(Some(Event {
        id: id(row, 0, EventId::from_bytes)?,
        seq: number(1)?,
        workspace: id(row, 2, WorkspaceId::from_bytes)?,
        workspace_seq: number(3)?,
        device: row.get::<_, Option<_>>(4)?.map(DeviceId::from_bytes),
        device_seq: row.get::<_, Option<i64>>(5)?.map(i64::cast_unsigned),
        kind,
        at: time(row, 7)?,
        payload,
    }))
}
