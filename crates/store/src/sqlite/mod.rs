//! The foundation under both files: one writer thread, a few readers, migrations.
//!
//! [`Database::open`] brings a file to the schema of this binary and starts its threads. From then on there
//! are two ways in, and no connection ever leaves its thread:
//!
//! ```text
//! // A part of the next group commit; answered once it is on the disk, rolled back alone on `Err`.
//! let inserted = database.write(move |tx| outbox::insert(tx, &message)).await?;
//!
//! // One snapshot, which sees every write that was answered before.
//! let message = database.read(move |connection| messages::find(connection, id)).await?;
//! ```
//!
//! Both take a closure on `&rusqlite::Connection` that returns `Result<T, E>`, where `E` is [`StoreError`] or
//! any error with a `From<StoreError>`. A write may run it twice; see [`writer`]. The SQL itself stands in named
//! functions in the file of their table, with the connection as first parameter, `prepare_cached`, and
//! `Result<_, StoreError>` (`?` converts SQLite's errors). A function that only reads works on both.
//!
//! What holds:
//! - A write is answered after `COMMIT` with `synchronous=FULL`; a kill or a power cut takes back no answered
//!   write.
//! - Jobs run in the order they were queued, and each sees what those before it wrote, committed or not.
//! - When a commit fails, or SQLite gives up the transaction (disk full, I/O error), every job in it is told
//!   so. So a constraint must not be `DEFERRABLE`: one job's violation would fail its neighbours.
//! - A full queue answers [`StoreError::Overloaded`] at once. Nothing waits for room.
//! - A panicking job answers [`StoreError::Panicked`]; its thread lives on.
//! - A job must be short, and neither wait for something nor begin or end transactions: it holds up all
//!   others.
//!
//! A file that another process may be using is opened with [`Beside`], which writes nothing, and copied with
//! [`copy`].

mod beside;
mod copy;
mod error;
mod meters;
mod open;
mod readers;
#[cfg(test)]
mod tests;
mod writer;

use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;
use tokio::sync::watch;

pub(crate) use self::beside::{Beside, Depth};
pub(crate) use self::copy::{BESIDE, copy, remove};
pub use self::error::{OpenError, StoreError};
pub use self::meters::WriterMeters;
pub(crate) use self::open::{Schema, assert_current, restrict_to_owner};
use self::readers::Readers;
use self::writer::Writer;

/// The sizes that a file is opened with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tuning {
    /// How many writes may wait for their commit.
    pub(crate) write_queue: usize,
    /// How many reads may wait for a thread.
    pub(crate) read_queue: usize,
    /// How many threads read.
    pub(crate) readers: usize,
    /// What the writer's connection keeps of the file in memory, in KiB.
    pub(crate) writer_cache_kib: u32,
    /// The same for each reader.
    pub(crate) reader_cache_kib: u32,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            write_queue: 4_096,
            read_queue: 4_096,
            readers: 3,
            writer_cache_kib: 8_192,
            reader_cache_kib: 4_096,
        }
    }
}

/// One file with the threads that work on it.
#[derive(Debug)]
pub(crate) struct Database {
    writer: Writer,
    readers: Readers,
}

impl Database {
    /// Opens or creates the file at `path` and starts its threads. Blocks while migrations run.
    pub(crate) fn open(path: &Path, schema: &Schema, tuning: &Tuning) -> Result<Self, OpenError> {
        let writer = open::writer(path, schema, tuning.writer_cache_kib)?;
        let readers = (0..tuning.readers.max(1))
            .map(|_number| open::reader(path, tuning.reader_cache_kib))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            readers: Readers::start(schema.name, readers, tuning.read_queue)?,
            writer: Writer::start(schema, writer, tuning.write_queue)?,
        })
    }

    /// Runs `work` in the next commit; see [`Writer::run`].
    pub(crate) async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: Fn(&Connection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.writer.run(work).await
    }

    /// The same, with something to do after the commit; see [`Writer::run_then`].
    pub(crate) async fn write_then<T, E, F, C>(&self, work: F, committed: C) -> Result<T, E>
    where
        F: Fn(&Connection) -> Result<T, E> + Send + 'static,
        C: FnOnce(&T) + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.writer.run_then(work, committed).await
    }

    /// What its writer counted.
    pub(crate) fn meters(&self) -> &Arc<WriterMeters> {
        self.writer.meters()
    }

    /// How many writes wait for their commit.
    pub(crate) fn waiting(&self) -> usize {
        self.writer.waiting()
    }

    /// Runs `work` on a snapshot; see [`Readers::run`].
    pub(crate) async fn read<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&Connection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.readers.run(work).await
    }

    /// The number that the schema watches, as of the last commit.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.writer.watch()
    }

    /// Finishes what is queued, moves the WAL into the file and ends the threads.
    pub(crate) async fn close(&self) {
        // The readers first: a snapshot would keep the WAL from being emptied.
        self.readers.close().await;
        self.writer.close().await;
    }
}
