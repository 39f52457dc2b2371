//! Messages, sent and received: the rows that are written and looked up one at a time.

use postern_domain::port::Inbound;
use postern_domain::{
    BatchId, ClientReference, Content, DeviceId, FailureCode, MessageId, MessageStatus, StanzaId, Timestamp,
    WorkspaceId,
};
use rusqlite::{Connection, OptionalExtension as _, Row};

use super::columns::{
    address, id, lid_column, number, optional_reference, optional_time, rows, time, unreadable,
};
use super::{search, timeline};
use crate::StoreError;
use crate::data::records::{Claimed, NewMessage};

/// The stored number of `Direction::Outbound`.
pub(super) const OUTBOUND: u8 = 1;
/// The stored number of `Direction::Inbound`.
pub(super) const INBOUND: u8 = 2;

/// What has to be known of a message to change it.
pub(in crate::data) struct Known {
    pub(in crate::data) seq: i64,
    pub(in crate::data) id: MessageId,
    pub(in crate::data) chat: String,
    pub(in crate::data) status: MessageStatus,
    pub(in crate::data) client_reference: Option<ClientReference>,
    pub(in crate::data) metadata: Option<String>,
    pub(in crate::data) batch: Option<BatchId>,
    pub(in crate::data) workspace: WorkspaceId,
    pub(in crate::data) accepted_at: Timestamp,
    /// When it could leave at the earliest.
    pub(in crate::data) due: Timestamp,
}

/// The columns of [`Known`].
const KNOWN: &str =
    "SELECT seq, id, chat, status, client_reference, metadata, batch_id, workspace_id, created_at,
    scheduled_for";

/// Stores an accepted message; answers its place in the order of acceptance.
pub(in crate::data) fn insert_outbound(
    tx: &Connection,
    message: &NewMessage,
    batch: Option<BatchId>,
    chat: &str,
    status: MessageStatus,
    account: Option<i64>,
    now: Timestamp,
) -> Result<i64, StoreError> {
    tx.prepare_cached(
        "INSERT INTO messages (id, workspace_id, device_id, direction, status, chat, sender, stanza_id, content,
                               metadata, scheduled_for, timeline, created_at, updated_at, account, batch_id,
                               client_reference)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, '', ?7, ?8, ?9, ?10, ?11, ?12, ?12, ?13, ?14, ?15)",
    )?
    .execute((
        message.id.to_bytes(),
        message.workspace.to_bytes(),
        message.device.to_bytes(),
        OUTBOUND,
        status.number(),
        chat,
        message.stanza.as_str(),
        message.content.encode(),
        &message.metadata,
        message.scheduled_for.map(Timestamp::as_millis),
        timeline::step(status, now, ""),
        now.as_millis(),
        account,
        batch.map(BatchId::to_bytes),
        message.client_reference.as_ref().map(ClientReference::as_str),
    ))?;
    Ok(tx.last_insert_rowid())
}

/// What became of a received message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::data) enum Stored {
    /// It was not there before.
    New,
    /// It was there and could not be decrypted; now it says something. Its id.
    Completed(MessageId),
    /// It was there.
    Known,
}

/// Stores a received message.
pub(in crate::data) fn insert_inbound(
    tx: &Connection,
    id: MessageId,
    workspace: WorkspaceId,
    device: DeviceId,
    message: &Inbound,
    now: Timestamp,
) -> Result<Stored, StoreError> {
    let inserted = tx
        .prepare_cached(
            "INSERT INTO messages (id, workspace_id, device_id, direction, status, chat, sender, sender_lid,
                                   push_name, stanza_id, content, timeline, created_at, updated_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?13)
             ON CONFLICT (device_id, stanza_id, sender, chat) DO NOTHING",
        )?
        .execute((
            id.to_bytes(),
            workspace.to_bytes(),
            device.to_bytes(),
            INBOUND,
            MessageStatus::Received.number(),
            message.chat.to_string(),
            message.sender.to_string(),
            message.sender_lid.map(lid_column).transpose()?,
            &message.push_name,
            message.stanza.as_str(),
            message.content.encode(),
            timeline::step(MessageStatus::Received, now, ""),
            now.as_millis(),
        ))?;
    if inserted == 1 {
        return Ok(Stored::New);
    }
    if message.content == Content::Undecryptable {
        return Ok(Stored::Known);
    }
    complete(tx, workspace, device, message, now)
}

/// Puts what a message says into its row, if it could not be decrypted when it came.
fn complete(
    tx: &Connection,
    workspace: WorkspaceId,
    device: DeviceId,
    message: &Inbound,
    now: Timestamp,
) -> Result<Stored, StoreError> {
    let found: Option<(i64, [u8; 16])> = tx
        .prepare_cached(
            "SELECT seq, id FROM messages
             WHERE device_id = ?1 AND stanza_id = ?2 AND sender = ?3 AND chat = ?4 AND content = ?5",
        )?
        .query_row(
            (
                device.to_bytes(),
                message.stanza.as_str(),
                message.sender.to_string(),
                message.chat.to_string(),
                Content::Undecryptable.encode(),
            ),
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    let Some((seq, id)) = found else {
        return Ok(Stored::Known);
    };
    tx.prepare_cached(
        "UPDATE messages SET content = ?2, push_name = coalesce(?3, push_name), updated_at = ?4,
                             timeline = CAST(timeline || ?5 AS BLOB)
         WHERE seq = ?1",
    )?
    .execute((
        seq,
        message.content.encode(),
        &message.push_name,
        now.as_millis(),
        timeline::step(MessageStatus::Received, now, "decrypted"),
    ))?;
    if let Content::Text { body } = &message.content {
        search::index_late(tx, seq, workspace, body)?;
    }
    Ok(Stored::Completed(MessageId::from_bytes(id)))
}

/// The message of a chat that its sender calls by this id, whoever sent it.
pub(in crate::data) fn quoted(
    connection: &Connection,
    device: DeviceId,
    chat: &str,
    stanza: &StanzaId,
) -> Result<Option<MessageId>, StoreError> {
    Ok(connection
        .prepare_cached(
            "SELECT id FROM messages WHERE device_id = ?1 AND stanza_id = ?2 AND chat = ?3 LIMIT 1",
        )?
        .query_row((device.to_bytes(), stanza.as_str(), chat), |row| row.get(0))
        .optional()?
        .map(MessageId::from_bytes))
}

/// The outbound message of a device with this stanza id.
pub(in crate::data) fn by_stanza(
    connection: &Connection,
    device: DeviceId,
    stanza: &StanzaId,
) -> Result<Option<Known>, StoreError> {
    let mut statement = connection.prepare_cached(&format!(
        "{KNOWN} FROM messages WHERE device_id = ?1 AND stanza_id = ?2 AND sender = '' LIMIT 1"
    ))?;
    let mut found = statement.query((device.to_bytes(), stanza.as_str()))?;
    found.next()?.map(known).transpose()
}

/// The message at this place in the order of acceptance.
pub(in crate::data) fn by_seq(connection: &Connection, seq: i64) -> Result<Option<Known>, StoreError> {
    let mut statement = connection.prepare_cached(&format!("{KNOWN} FROM messages WHERE seq = ?1"))?;
    let mut found = statement.query([seq])?;
    found.next()?.map(known).transpose()
}

/// The next messages of a batch after `seq`, in the order of acceptance, with their devices.
pub(in crate::data) fn of_batch(
    connection: &Connection,
    batch: BatchId,
    seq: i64,
    limit: usize,
) -> Result<Vec<(DeviceId, Known)>, StoreError> {
    let mut statement = connection.prepare_cached(&format!(
        "{KNOWN}, device_id FROM messages INDEXED BY messages_by_batch
         WHERE batch_id = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3"
    ))?;
    let mut found = statement.query((batch.to_bytes(), seq, rows(limit)))?;
    let mut messages = Vec::new();
    while let Some(row) = found.next()? {
        messages.push((id(row, 10, DeviceId::from_bytes)?, known(row)?));
    }
    Ok(messages)
}

/// Which device's message it is, and its place in the order of acceptance.
pub(in crate::data) fn place(
    connection: &Connection,
    workspace: WorkspaceId,
    message: MessageId,
) -> Result<Option<(DeviceId, i64)>, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT device_id, seq FROM messages WHERE id = ?1 AND workspace_id = ?2")?;
    let mut found = statement.query((message.to_bytes(), workspace.to_bytes()))?;
    found
        .next()?
        .map(|row| Ok((id(row, 0, DeviceId::from_bytes)?, row.get(1)?)))
        .transpose()
}

/// The account a message was accepted for.
pub(in crate::data) fn account(connection: &Connection, seq: i64) -> Result<Option<i64>, StoreError> {
    Ok(connection
        .prepare_cached("SELECT account FROM messages WHERE seq = ?1")?
        .query_row([seq], |row| row.get(0))?)
}

/// Writes when a message is to be sent.
pub(in crate::data) fn set_scheduled_for(
    tx: &Connection,
    seq: i64,
    at: Option<Timestamp>,
) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE messages SET scheduled_for = ?2 WHERE seq = ?1")?
        .execute((seq, at.map(Timestamp::as_millis)))?;
    Ok(())
}

/// Counts an attempt; answers what it takes to make it, whose message it is, and the status it had.
pub(in crate::data) fn begin_attempt(
    tx: &Connection,
    seq: i64,
    steps: &[u8],
    now: Timestamp,
) -> Result<Option<(Claimed, WorkspaceId, MessageStatus)>, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT id, stanza_id, chat, content, attempts, created_at, workspace_id, status FROM messages
         WHERE seq = ?1",
    )?;
    let mut found = statement.query([seq])?;
    let Some(row) = found.next()? else {
        return Ok(None);
    };
    let claimed = Claimed {
        id: id(row, 0, MessageId::from_bytes)?,
        stanza: StanzaId::from(row.get::<_, String>(1)?),
        to: address(
            row.get_ref(2)?
                .as_str()
                .map_err(|_not_text| unreadable("a stored address"))?,
        )?,
        content: content(row, 3)?,
        attempt: row.get::<_, u32>(4)?.saturating_add(1),
        accepted_at: time(row, 5)?,
    };
    let workspace = id(row, 6, WorkspaceId::from_bytes)?;
    let before = number(row, 7, "a stored status", MessageStatus::from_number)?;
    drop(found);
    // The bytes of both blobs, one after the other; `||` alone would answer text.
    tx.prepare_cached(
        "UPDATE messages SET status = ?2, attempts = ?3, updated_at = ?4,
                             timeline = CAST(timeline || ?5 AS BLOB)
         WHERE seq = ?1",
    )?
    .execute((
        seq,
        MessageStatus::Processing.number(),
        claimed.attempt,
        now.as_millis(),
        steps,
    ))?;
    Ok(Some((claimed, workspace, before)))
}

/// Writes a new status with its step; a failure replaces the one before, and none clears it.
pub(in crate::data) fn set_status(
    tx: &Connection,
    seq: i64,
    status: MessageStatus,
    failure: Option<&(FailureCode, String)>,
    detail: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE messages SET status = ?2, failure_code = ?3, failure_text = ?4, updated_at = ?5,
                             timeline = CAST(timeline || ?6 AS BLOB)
         WHERE seq = ?1",
    )?
    .execute((
        seq,
        status.number(),
        failure.map(|(code, _)| code.number()),
        failure.map(|(_, text)| text),
        now.as_millis(),
        timeline::step(status, now, detail),
    ))?;
    Ok(())
}

/// Adds a step that leaves the status as it is.
pub(in crate::data) fn note(
    tx: &Connection,
    seq: i64,
    status: MessageStatus,
    detail: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE messages SET timeline = CAST(timeline || ?2 AS BLOB) WHERE seq = ?1")?
        .execute((seq, timeline::step(status, now, detail)))?;
    Ok(())
}

/// The content in a column.
pub(super) fn content(row: &Row<'_>, column: usize) -> Result<Content, StoreError> {
    let bytes = row
        .get_ref(column)?
        .as_blob()
        .map_err(|_not_a_blob| unreadable("a stored content"))?;
    Content::decode(bytes).map_err(|_not_a_content| unreadable("a stored content"))
}

fn known(row: &Row<'_>) -> Result<Known, StoreError> {
    let accepted_at = time(row, 8)?;
    Ok(Known {
        seq: row.get(0)?,
        id: id(row, 1, MessageId::from_bytes)?,
        chat: row.get(2)?,
        status: number(row, 3, "a stored status", MessageStatus::from_number)?,
        client_reference: optional_reference(row, 4)?,
        metadata: row.get(5)?,
        batch: row.get::<_, Option<_>>(6)?.map(BatchId::from_bytes),
        workspace: id(row, 7, WorkspaceId::from_bytes)?,
        accepted_at,
        due: optional_time(row, 9)?.map_or(accepted_at, |at| at.max(accepted_at)),
    })
}
