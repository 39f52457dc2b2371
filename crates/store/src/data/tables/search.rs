//! Finding messages by their words: the index is written behind the messages, and read newest first.

use postern_domain::{Content, WorkspaceId};
use rusqlite::Connection;

use super::columns::{id, rows};
use super::messages::content;
use super::reading::Reading;
use super::shelves::{self, Shelf};
use crate::StoreError;
use crate::data::records::{Message, MessageFilter, Page};
use crate::data::words::TextQuery;

/// The most text that is indexed in one write, in bytes; the last message may go beyond.
const MOST_TEXT: usize = 64 << 10;
/// The most shelves one page looks through.
const MOST_SHELVES: usize = 16;

/// Whether there are messages that were not indexed yet.
pub(in crate::data) fn is_behind(connection: &Connection) -> Result<bool, StoreError> {
    Ok(connection
        .prepare_cached("SELECT 1 FROM messages WHERE seq > (SELECT seq FROM search_position) LIMIT 1")?
        .exists([])?)
}

/// Indexes the next messages, `limit` at most; `false` when there was none.
pub(in crate::data) fn index_some(tx: &Connection, limit: usize) -> Result<bool, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT seq, workspace_id, content FROM messages
         WHERE seq > (SELECT seq FROM search_position) ORDER BY seq LIMIT ?1",
    )?;
    let mut found = statement.query([rows(limit)])?;
    let (mut texts, mut length, mut last) = (Vec::new(), 0, None);
    while length < MOST_TEXT
        && let Some(row) = found.next()?
    {
        let seq: i64 = row.get(0)?;
        if let Content::Text { body } = content(row, 2)? {
            length += body.len();
            texts.push((seq, id(row, 1, WorkspaceId::from_bytes)?, body));
        }
        last = Some(seq);
    }
    drop(found);
    let Some(last) = last else {
        return Ok(false);
    };
    for chunk in texts.chunk_by(|(one, ..), (next, ..)| Shelf::of(*one) == Shelf::of(*next)) {
        let shelf = Shelf::of(chunk[0].0);
        shelf.open(tx)?;
        for (seq, workspace, text) in chunk {
            shelf.add(tx, *seq, *workspace, text)?;
        }
        shelf.merge(tx)?;
    }
    tx.prepare_cached("UPDATE search_position SET seq = ?1")?
        .execute([last])?;
    Ok(true)
}

/// Indexes the words of a message that said nothing when its turn was; before its turn there is nothing to do.
pub(in crate::data) fn index_late(
    tx: &Connection,
    seq: i64,
    workspace: WorkspaceId,
    text: &str,
) -> Result<(), StoreError> {
    let passed = tx
        .prepare_cached("SELECT 1 FROM search_position WHERE seq >= ?1")?
        .exists([seq])?;
    if passed {
        let shelf = Shelf::of(seq);
        shelf.open(tx)?;
        shelf.add(tx, seq, workspace, text)?;
    }
    Ok(())
}

/// Takes messages out that were deleted.
pub(in crate::data) fn forget(tx: &Connection, seqs: &[i64]) -> Result<(), StoreError> {
    shelves::clear(tx, seqs)?;
    // Where the last messages are gone, their places are given again, and are to be indexed again.
    tx.prepare_cached(
        "UPDATE search_position SET seq = min(seq, (SELECT coalesce(max(seq), 0) FROM messages))",
    )?
    .execute([])?;
    Ok(())
}

/// A page of the messages with these words that pass the filter, from `least` on and before `before`, newest first.
pub(in crate::data) fn page(
    connection: &Connection,
    workspace: WorkspaceId,
    (filter, query): (&MessageFilter, &TextQuery),
    limit: usize,
    (least, before): (i64, i64),
) -> Result<Page<Message>, StoreError> {
    let mut reading = Reading::new(connection, workspace, filter, limit, before)?;
    let shelves = shelves::newest(connection, (least, before), MOST_SHELVES + 1)?;
    for (number, shelf) in shelves.into_iter().enumerate() {
        let range = (least, reading.before());
        if number == MOST_SHELVES
            || shelf
                .find(connection, workspace, query, range, |seq| reading.look(seq))?
                .is_break()
        {
            return Ok(reading.finish(true));
        }
        reading.skip_to(shelf.first());
    }
    Ok(reading.finish(false))
}
