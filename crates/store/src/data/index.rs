//! Indexing the words of messages, a little at a time, behind the writes that store them.

use super::store::Store;
use super::tables::search;
use crate::StoreError;

/// Messages indexed in one write, so that others get their turn.
const AT_ONCE: usize = 100;

impl Store {
    /// Indexes the words of some messages that were accepted or received since the last call; `false` when there was none.
    ///
    /// Where it stands is stored with the words, so after a crash it goes on from there.
    ///
    /// # Errors
    /// The store failed.
    pub async fn index_messages(&self) -> Result<bool, StoreError> {
        // Asked of a reader: while nothing comes in the writer is left alone.
        if !self.database.read(search::is_behind).await? {
            return Ok(false);
        }
        self.database
            .write(move |tx| search::index_some(tx, AT_ONCE))
            .await
    }
}
