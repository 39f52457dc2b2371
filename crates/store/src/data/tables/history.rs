//! Messages as the API reads them: one by id, or a page of a list.
//!
//! A list is read backwards along an index of its device or workspace. Filters are applied on the way, and
//! the way is bounded: a page that has looked at [`MOST_EXAMINED`] rows ends there, however few it found,
//! and says where the next one starts. Where words are looked for, or what is parked, their index is read instead, and each
//! row it leads to is asked whether it passes the other filters.

use postern_domain::{
    BatchId, ClientReference, DeviceId, Direction, FailureCode, MessageId, MessageStatus, ParkReason,
    StanzaId, Timestamp, WorkspaceId,
};
use rusqlite::{CachedStatement, Connection, OptionalExtension as _, Row, named_params};

use super::columns::{
    address, id, number, optional_lid, optional_reference, optional_time, place, rows, time, unreadable,
};
use super::devices::{self, park_reason};
use super::messages::{INBOUND, OUTBOUND, content};
use super::order::{self, DISORDER_MS};
use super::reading::Reading;
use super::{outbox, search, timeline};
use crate::StoreError;
use crate::data::records::{Message, MessageFilter, Page, PageStart};

/// The most rows one page looks at.
const MOST_EXAMINED: i64 = 10_000;

const SELECT: &str =
    "SELECT seq, id, device_id, direction, status, chat, sender, sender_lid, push_name, stanza_id,
    content, metadata, scheduled_for, failure_code, failure_text, attempts, created_at, updated_at, timeline,
    batch_id, client_reference FROM";

/// The rows a list is taken from. The index is named, because the wrong one would read the whole table.
fn range(filter: &MessageFilter) -> &'static str {
    // One row at a time, which is not looked for in any index.
    if filter.parked {
        return "messages NOT INDEXED WHERE workspace_id = :workspace AND EXISTS (
                    SELECT 1 FROM outbox
                    WHERE outbox.device_id = messages.device_id AND lane = 5 AND outbox.seq = messages.seq)";
    }
    if filter.text.is_some() {
        return "messages NOT INDEXED WHERE workspace_id = :workspace";
    }
    if filter.batch.is_some() {
        return "messages INDEXED BY messages_by_batch WHERE workspace_id = :workspace AND batch_id = :batch";
    }
    if filter.client_reference.is_some() {
        return "messages INDEXED BY messages_by_reference
                WHERE workspace_id = :workspace AND client_reference = :reference";
    }
    match (filter.device, filter.status) {
        (Some(_), _) => {
            "messages INDEXED BY messages_by_device WHERE workspace_id = :workspace AND device_id = :device"
        }
        (None, Some(MessageStatus::Failed)) => {
            "messages INDEXED BY messages_failed WHERE workspace_id = :workspace AND status = 9"
        }
        (None, _) => "messages INDEXED BY messages_by_workspace WHERE workspace_id = :workspace",
    }
}

/// One message of a workspace.
pub(in crate::data) fn find(
    connection: &Connection,
    workspace: WorkspaceId,
    id: MessageId,
) -> Result<Option<Message>, StoreError> {
    let mut statement =
        connection.prepare_cached(&format!("{SELECT} messages WHERE id = ?1 AND workspace_id = ?2"))?;
    let mut found = statement.query((id.to_bytes(), workspace.to_bytes()))?;
    found.next()?.map(|row| message(connection, row)).transpose()
}

/// A page of the messages of a workspace, newest first.
pub(in crate::data) fn page(
    connection: &Connection,
    workspace: WorkspaceId,
    filter: &MessageFilter,
    limit: usize,
    start: Option<PageStart>,
) -> Result<Page<Message>, StoreError> {
    let mut before = start.map_or(i64::MAX, |start| place(start.0));
    if let Some(until) = filter.until {
        before = before.min(order::first_message_since(
            connection,
            until.as_millis().saturating_add(DISORDER_MS),
        )?);
    }
    let from = filter.from.map_or(Ok(0), |from| {
        order::first_message_since(connection, from.as_millis().saturating_sub(DISORDER_MS))
    })?;
    if let Some(query) = &filter.text {
        return search::page(connection, workspace, (filter, query), limit, (from, before));
    }
    if filter.parked {
        return parked_page(connection, workspace, filter, limit, (from, before));
    }
    let floor = last_examined(connection, workspace, filter, before)?.filter(|floor| *floor > from);
    let mut page = rows_of(
        connection,
        workspace,
        filter,
        limit,
        (floor.unwrap_or(from), before),
    )?;
    if page.next.is_none() {
        page.next = floor.map(|floor| PageStart(floor.cast_unsigned()));
    }
    Ok(page)
}

/// A page of what is parked: few among many, and found by an index of their own.
fn parked_page(
    connection: &Connection,
    workspace: WorkspaceId,
    filter: &MessageFilter,
    limit: usize,
    (least, before): (i64, i64),
) -> Result<Page<Message>, StoreError> {
    let mut reading = Reading::new(connection, workspace, filter, limit, before)?;
    let range = (least, before);
    let shown = outbox::each_parked(connection, workspace, filter.device, range, |seq| {
        reading.look(seq)
    })?;
    Ok(reading.finish(shown.is_break()))
}

/// The rows from `least` on and before `before` that pass the filter, up to `limit`.
pub(in crate::data) fn rows_of(
    connection: &Connection,
    workspace: WorkspaceId,
    filter: &MessageFilter,
    limit: usize,
    (least, before): (i64, i64),
) -> Result<Page<Message>, StoreError> {
    Sieve::new(connection, workspace, filter)?.rows(limit, (least, before))
}

/// What lets the rows pass that a list is to have.
pub(in crate::data) struct Sieve<'a> {
    connection: &'a Connection,
    statement: CachedStatement<'a>,
    workspace: WorkspaceId,
    filter: &'a MessageFilter,
}

impl<'a> Sieve<'a> {
    pub(in crate::data) fn new(
        connection: &'a Connection,
        workspace: WorkspaceId,
        filter: &'a MessageFilter,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            connection,
            statement: connection.prepare_cached(&page_sql(filter))?,
            workspace,
            filter,
        })
    }

    /// The message at this place, if it passes.
    pub(in crate::data) fn one(&mut self, seq: i64) -> Result<Option<Message>, StoreError> {
        Ok(self.rows(1, (seq, seq + 1))?.rows.pop())
    }

    fn rows(&mut self, limit: usize, (least, before): (i64, i64)) -> Result<Page<Message>, StoreError> {
        let filter = self.filter;
        let mut found = self.statement.query(named_params! {
            ":workspace": self.workspace.to_bytes(),
            ":device": filter.device.map(DeviceId::to_bytes),
            ":batch": filter.batch.map(BatchId::to_bytes),
            ":status": filter.status.map(MessageStatus::number),
            ":direction": filter.direction.map(direction_column),
            ":chat": filter.chat.as_ref().map(ToString::to_string),
            ":reference": filter.client_reference.as_ref().map(ClientReference::as_str),
            ":from": filter.from.map(Timestamp::as_millis),
            ":until": filter.until.map(Timestamp::as_millis),
            ":before": before,
            ":least": least,
            ":limit": rows(limit.saturating_add(1)),
        })?;
        let mut page = Page {
            rows: Vec::new(),
            next: None,
        };
        let mut last = None;
        while let Some(row) = found.next()? {
            if page.rows.len() == limit {
                page.next = last;
                break;
            }
            last = Some(PageStart(row.get::<_, i64>(0)?.cast_unsigned()));
            page.rows.push(message(self.connection, row)?);
        }
        Ok(page)
    }
}

fn page_sql(filter: &MessageFilter) -> String {
    let range = range(filter);
    // Every parameter appears, so that one set of values fits each of the ranges.
    format!(
        "{SELECT} {range} AND seq < :before AND seq >= :least
             AND (:device IS NULL OR device_id = :device)
             AND (:batch IS NULL OR batch_id = :batch)
             AND (:status IS NULL OR status = :status)
             AND (:direction IS NULL OR direction = :direction)
             AND (:chat IS NULL OR chat = :chat)
             AND (:reference IS NULL OR client_reference = :reference)
             AND (:from IS NULL OR created_at >= :from)
             AND (:until IS NULL OR created_at < :until)
         ORDER BY seq DESC LIMIT :limit"
    )
}

/// Deletes what has ended among the next `limit` messages from `from` on, if it was made before `before`; answers where
/// to go on, `None` when what follows is younger.
pub(in crate::data) fn sweep(
    tx: &Connection,
    before: Timestamp,
    from: u64,
    limit: usize,
) -> Result<Option<u64>, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT seq, created_at, status FROM messages WHERE seq >= ?1 ORDER BY seq LIMIT ?2",
    )?;
    let mut found = statement.query((place(from), rows(limit)))?;
    let (mut ended, mut next, mut seen) = (Vec::new(), from, 0);
    while let Some(row) = found.next()? {
        let seq: i64 = row.get(0)?;
        if time(row, 1)? >= before {
            next = 0;
            break;
        }
        let status = number(row, 2, "a stored status", MessageStatus::from_number)?;
        if !status.is_in_outbox() {
            ended.push(seq);
        }
        next = seq.cast_unsigned() + 1;
        seen += 1;
    }
    drop(found);
    delete(tx, &ended)?;
    Ok((seen == limit && next > 0).then_some(next))
}

/// Deletes the first messages of a device; `false` when there was none.
pub(in crate::data) fn delete_some(
    tx: &Connection,
    device: DeviceId,
    limit: usize,
) -> Result<bool, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT seq FROM messages INDEXED BY messages_by_device
         WHERE workspace_id = (SELECT workspace_id FROM devices WHERE id = ?1) AND device_id = ?1 LIMIT ?2",
    )?;
    let found = statement.query_map((device.to_bytes(), rows(limit)), |row| row.get(0))?;
    let first = found.collect::<Result<Vec<_>, _>>()?;
    delete(tx, &first)?;
    Ok(!first.is_empty())
}

fn delete(tx: &Connection, seqs: &[i64]) -> Result<(), StoreError> {
    for seq in seqs {
        tx.prepare_cached("DELETE FROM messages WHERE seq = ?1")?
            .execute([seq])?;
    }
    search::forget(tx, seqs)
}

/// The last row before `before` that a page may look at; `None` when it may look at all that are left.
fn last_examined(
    connection: &Connection,
    workspace: WorkspaceId,
    filter: &MessageFilter,
    before: i64,
) -> Result<Option<i64>, StoreError> {
    let range = range(filter);
    let mut statement = connection.prepare_cached(&format!(
        "SELECT seq FROM {range} AND seq < :before AND (:device IS NULL OR device_id = :device)
             AND (:batch IS NULL OR batch_id = :batch)
             AND (:reference IS NULL OR client_reference = :reference)
         ORDER BY seq DESC LIMIT 1 OFFSET :examined"
    ))?;
    Ok(statement
        .query_row(
            named_params! {
                ":workspace": workspace.to_bytes(),
                ":device": filter.device.map(DeviceId::to_bytes),
                ":batch": filter.batch.map(BatchId::to_bytes),
                ":reference": filter.client_reference.as_ref().map(ClientReference::as_str),
                ":before": before,
                ":examined": MOST_EXAMINED,
            },
            |row| row.get(0),
        )
        .optional()?)
}

fn direction_column(direction: Direction) -> u8 {
    match direction {
        Direction::Outbound => OUTBOUND,
        Direction::Inbound => INBOUND,
    }
}

fn direction(number: u8) -> Option<Direction> {
    match number {
        OUTBOUND => Some(Direction::Outbound),
        INBOUND => Some(Direction::Inbound),
        _ => None,
    }
}

/// Why and since when a message is parked, if it is.
fn parked(
    connection: &Connection,
    device: DeviceId,
    seq: i64,
) -> Result<Option<(ParkReason, Timestamp)>, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT parked, due_at FROM outbox WHERE device_id = ?1 AND lane = 5 AND seq = ?2")?;
    let mut found = statement.query((device.to_bytes(), seq))?;
    found
        .next()?
        .map(|row| Ok((park_reason(row.get(0)?)?, time(row, 1)?)))
        .transpose()
}

/// When a queued message is expected to leave, if pacing holds it back: it waits for a day on which its recipient may be
/// written to for the first time, or for the messages before it.
fn paced(connection: &Connection, device: DeviceId, seq: i64) -> Result<Option<Timestamp>, StoreError> {
    if let Some(due_at) = outbox::waits_until(connection, device, seq)? {
        return Ok(Some(due_at));
    }
    let Some((until, gap)) = devices::paced(connection, device)? else {
        return Ok(None);
    };
    let before = outbox::ready_before(connection, device, seq)?;
    Ok(Some(until.after(gap.saturating_mul(before))))
}

fn message(connection: &Connection, row: &Row<'_>) -> Result<Message, StoreError> {
    let device = id(row, 2, DeviceId::from_bytes)?;
    let status = number(row, 4, "a stored status", MessageStatus::from_number)?;
    let waits = matches!(status, MessageStatus::Queued | MessageStatus::Retrying);
    let parked = if waits {
        parked(connection, device, row.get(0)?)?
    } else {
        None
    };
    let paced = if status == MessageStatus::Queued && parked.is_none() {
        paced(connection, device, row.get(0)?)?
    } else {
        None
    };
    let sender: String = row.get(6)?;
    let code = row
        .get::<_, Option<u8>>(13)?
        .map(|code| FailureCode::from_number(code).ok_or_else(|| unreadable("a stored failure code")))
        .transpose()?;
    let steps = row
        .get_ref(18)?
        .as_blob()
        .map_err(|_not_a_blob| unreadable("a stored timeline"))?;
    Ok(Message {
        id: id(row, 1, MessageId::from_bytes)?,
        device,
        batch: row.get::<_, Option<_>>(19)?.map(BatchId::from_bytes),
        direction: number(row, 3, "a stored direction", direction)?,
        status,
        chat: address(&row.get::<_, String>(5)?)?,
        sender: (!sender.is_empty()).then(|| address(&sender)).transpose()?,
        sender_lid: optional_lid(row, 7)?,
        push_name: row.get(8)?,
        stanza: StanzaId::from(row.get::<_, String>(9)?),
        content: content(row, 10)?,
        metadata: row.get(11)?,
        client_reference: optional_reference(row, 20)?,
        scheduled_for: optional_time(row, 12)?,
        paced,
        parked,
        failure: code
            .map(|code| Ok::<_, StoreError>((code, row.get::<_, Option<String>>(14)?.unwrap_or_default())))
            .transpose()?,
        attempts: row.get(15)?,
        created_at: time(row, 16)?,
        updated_at: time(row, 17)?,
        timeline: timeline::decode(steps)?,
    })
}
