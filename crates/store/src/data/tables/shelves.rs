//! The index of words: full-text tables, one for each stretch of the order of acceptance.
//!
//! One table for all would be simpler and stall: SQLite gathers everything that begins with a prefix before it answers
//! the first row, walks through the rows of two words that never meet, and reads whatever was deleted in one go when it
//! merges what is left. A shelf is small, so that each of these is short, and when the last of its messages is deleted it
//! is dropped whole. In it stand the words alone, under the message's `seq`; the text is in `messages`.

use std::ops::ControlFlow;

use postern_domain::WorkspaceId;
use rusqlite::Connection;

use super::columns::rows;
use crate::StoreError;
use crate::data::words::{TextQuery, indexed};

/// How many messages a shelf spans, as a power of two.
const SPAN_BITS: u32 = 16;
/// Pages of a shelf that are merged after some were written: some times as many as the texts of one write fill.
const MERGED_PAGES: i64 = 32;

/// A stretch of the order of acceptance, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::data) struct Shelf(i64);

impl Shelf {
    /// The shelf of the message at this place.
    pub(in crate::data) fn of(seq: i64) -> Self {
        Self(seq >> SPAN_BITS)
    }

    /// The first place it spans.
    pub(in crate::data) fn first(self) -> i64 {
        self.0 << SPAN_BITS
    }

    fn exists(self, connection: &Connection) -> Result<bool, StoreError> {
        Ok(connection
            .prepare_cached("SELECT 1 FROM search_shelves WHERE number = ?1")?
            .exists([self.0])?)
    }

    /// Makes it, if it is not there.
    pub(in crate::data) fn open(self, tx: &Connection) -> Result<(), StoreError> {
        if self.exists(tx)? {
            return Ok(());
        }
        // Combining marks are letters, or the words of many scripts would fall apart. Merging is done here, in small
        // steps, and never for the sake of what was deleted.
        tx.execute_batch(&format!(
            "CREATE VIRTUAL TABLE message_words_{0} USING fts5 (
                 words, content = '', contentless_delete = 1,
                 tokenize = \"unicode61 remove_diacritics 2 categories 'L* M* N* Co'\"
             );
             INSERT INTO message_words_{0} (message_words_{0}, rank) VALUES ('automerge', 0), ('deletemerge', 0);
             INSERT INTO search_shelves (number) VALUES ({0});",
            self.0
        ))?;
        Ok(())
    }

    /// Adds the words of a text; the shelf is open.
    pub(in crate::data) fn add(
        self,
        tx: &Connection,
        seq: i64,
        workspace: WorkspaceId,
        text: &str,
    ) -> Result<(), StoreError> {
        let sql = format!(
            "INSERT INTO message_words_{} (rowid, words) VALUES (?1, ?2)",
            self.0
        );
        tx.prepare_cached(&sql)?
            .execute((seq, indexed(text, workspace)))?;
        Ok(())
    }

    /// Brings what was added into order, a part of it at a time, so that looking something up stays short.
    pub(in crate::data) fn merge(self, tx: &Connection) -> Result<(), StoreError> {
        let sql = format!(
            "INSERT INTO message_words_{0} (message_words_{0}, rank) VALUES ('merge', ?1)",
            self.0
        );
        tx.prepare_cached(&sql)?.execute([MERGED_PAGES])?;
        Ok(())
    }

    /// Shows the places of messages with these words, from `least` on and before `before`, newest first, for as long as
    /// they are wanted.
    pub(in crate::data) fn find(
        self,
        connection: &Connection,
        workspace: WorkspaceId,
        query: &TextQuery,
        (least, before): (i64, i64),
        mut show: impl FnMut(i64) -> Result<ControlFlow<()>, StoreError>,
    ) -> Result<ControlFlow<()>, StoreError> {
        let sql = format!(
            "SELECT rowid FROM message_words_{} WHERE words MATCH ?1 AND rowid >= ?2 AND rowid < ?3
             ORDER BY rowid DESC",
            self.0
        );
        // Not kept: there may be very many shelves.
        let mut statement = connection.prepare(&sql)?;
        let mut found = statement.query((query.expression(workspace), least, before))?;
        while let Some(row) = found.next()? {
            if show(row.get(0)?)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}

/// The newest shelves that span places from `least` on and before `before`, `limit` at most.
pub(in crate::data) fn newest(
    connection: &Connection,
    (least, before): (i64, i64),
    limit: usize,
) -> Result<Vec<Shelf>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT number FROM search_shelves WHERE number BETWEEN ?1 AND ?2 ORDER BY number DESC LIMIT ?3",
    )?;
    let (first, last) = (Shelf::of(least), Shelf::of(before.saturating_sub(1)));
    let found = statement.query_map((first.0, last.0, rows(limit)), |row| row.get(0).map(Shelf))?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// Takes messages out that were deleted, and drops the shelves that nothing is left of.
pub(in crate::data) fn clear(tx: &Connection, seqs: &[i64]) -> Result<(), StoreError> {
    let mut ascending = seqs.to_vec();
    ascending.sort_unstable();
    for chunk in ascending.chunk_by(|one, next| Shelf::of(*one) == Shelf::of(*next)) {
        let shelf = Shelf::of(chunk[0]);
        if !shelf.exists(tx)? {
            continue;
        }
        if is_empty(tx, shelf)? {
            tx.execute_batch(&format!(
                "DELETE FROM search_shelves WHERE number = {0}; DROP TABLE message_words_{0};",
                shelf.0
            ))?;
            continue;
        }
        let sql = format!("DELETE FROM message_words_{} WHERE rowid = ?1", shelf.0);
        let mut statement = tx.prepare_cached(&sql)?;
        for seq in chunk {
            statement.execute([seq])?;
        }
    }
    Ok(())
}

/// Whether no message is left in the stretch.
fn is_empty(connection: &Connection, shelf: Shelf) -> Result<bool, StoreError> {
    let any = connection
        .prepare_cached("SELECT 1 FROM messages WHERE seq >= ?1 AND seq < ?2 LIMIT 1")?
        .exists((shelf.first(), Shelf(shelf.0 + 1).first()))?;
    Ok(!any)
}
