//! Opens a file from beside the daemon that may be using it, and changes nothing that is in it.
//!
//! For as long as a snapshot is read, the WAL cannot start again from its beginning, and grows by what the daemon
//! writes. Left to the daemon, moving all that into the file would be part of its next commit: a pause of a second where
//! much was written. So whoever kept the snapshot does it.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rusqlite::{Connection, OpenFlags};

use super::{OpenError, Schema, StoreError, open};

/// A file that is only looked at, whoever is writing to it.
#[derive(Debug)]
pub(crate) struct Beside {
    pub(crate) connection: Connection,
    path: PathBuf,
}

impl Beside {
    /// Opens the file at `path`, which must exist.
    ///
    /// # Errors
    /// It is not there, cannot be read, or is not a database of this kind.
    pub(crate) fn open(path: &Path, schema: &Schema) -> Result<Self, OpenError> {
        open::assert_sqlite_version()?;
        let missing = |source| OpenError::File {
            path: path.to_owned(),
            source,
        };
        std::fs::metadata(path).map_err(missing)?;
        // The WAL and its index are still opened for writing, as SQLite needs them to take part.
        let beside = Self {
            connection: open::connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?,
            path: path.to_owned(),
        };
        beside.configure().map_err(|error| beside.failed(error.into()))?;
        open::refuse_other_files(&beside.connection, path, schema)?;
        if beside.version()? == 0 {
            return Err(OpenError::WrongFile {
                path: path.to_owned(),
                expected: schema.name,
            });
        }
        Ok(beside)
    }

    /// Where the file is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn configure(&self) -> rusqlite::Result<()> {
        self.connection.pragma_update(None, "busy_timeout", 5_000)?;
        self.connection.pragma_update(None, "cache_size", -16_384)?;
        self.connection.pragma_update(None, "trusted_schema", false)
    }

    /// The version of the schema in the file.
    ///
    /// # Errors
    /// It cannot be read.
    pub(crate) fn version(&self) -> Result<i32, OpenError> {
        open::applied_version(&self.connection).map_err(|error| self.failed(error))
    }

    /// What SQLite finds wrong with the file: nothing, or up to 100 sentences.
    ///
    /// # Errors
    /// It could not even look.
    pub(crate) fn defects(&self, depth: Depth) -> Result<Vec<String>, StoreError> {
        self.in_snapshot(|connection| {
            let mut statement = connection.prepare(match depth {
                Depth::Pages => "PRAGMA quick_check",
                Depth::Indexes => "PRAGMA integrity_check",
            })?;
            let said = statement.query_map([], |row| row.get(0))?;
            let said = said.collect::<Result<Vec<String>, _>>()?;
            Ok(said.into_iter().filter(|line| line != "ok").collect())
        })
    }

    /// Runs `work` on the file as it is now, whatever is written meanwhile.
    ///
    /// # Errors
    /// Those of `work`, or there is no snapshot to be had.
    pub(crate) fn in_snapshot<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let before = self.wal_written();
        let snapshot = self.connection.unchecked_transaction()?;
        // A transaction sees what there is when it first reads.
        snapshot.query_row("SELECT count(*) FROM sqlite_schema", [], |_row| Ok(()))?;
        let outcome = work(&snapshot);
        let writer = (self.wal_written() != before).then(|| self.writer());
        drop(snapshot);
        if let Some(Ok(writer)) = writer {
            // At once, before the next commit does. Failing is no harm: then the daemon has to.
            writer
                .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_row| Ok(()))
                .ok();
        }
        outcome
    }

    /// When the WAL was last written to, if there is one.
    fn wal_written(&self) -> Option<SystemTime> {
        let mut wal = self.path.as_os_str().to_owned();
        wal.push("-wal");
        std::fs::metadata(wal).ok()?.modified().ok()
    }

    /// A connection that can empty the WAL, and knows it already.
    fn writer(&self) -> Result<Connection, OpenError> {
        let writer = open::connect(&self.path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let known = writer.query_row("SELECT count(*) FROM sqlite_schema", [], |_row| Ok(()));
        known.map_err(|error| self.failed(error.into()))?;
        Ok(writer)
    }

    fn failed(&self, error: StoreError) -> OpenError {
        OpenError::Database {
            path: self.path.clone(),
            error,
        }
    }
}

/// How closely a file is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// Every page and every row.
    Pages,
    /// Every entry of every index too. Takes several times as long.
    Indexes,
}
