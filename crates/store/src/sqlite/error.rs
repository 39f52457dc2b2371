//! What can go wrong with a database: while it is opened, and while it is in use.

use std::path::PathBuf;

/// Why a read or a write did not happen.
///
/// After any of these nothing of the failed call is in the database.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The queue is full. Nothing was queued; try again in a moment.
    // "busy" is what whatsapp-rust looks for to tell that trying again helps.
    #[error("the database is busy, its queue is full")]
    Overloaded,
    /// The store was closed, or its thread is gone.
    #[error("the database is closed")]
    Closed,
    /// The file system or the file's page limit is full.
    #[error("the disk is full")]
    DiskFull,
    /// The file cannot be read or written now: an I/O error, or it is read-only.
    #[error("the disk does not obey: {0}")]
    DiskFailed(String),
    /// Another job of the same commit met a full disk or an I/O error, and SQLite gave up the whole
    /// transaction.
    #[error("the transaction was lost to the failure of another job in it")]
    Aborted,
    /// The keys of this device were wiped after the handle was made.
    #[error("the device's keys were wiped; this handle to them is no longer valid")]
    Wiped,
    /// Something that came through this handle could not be stored, and so nothing more is; see `keys`.
    #[error("an earlier write of this handle was lost; it is no longer valid")]
    Outdated,
    /// The job panicked; the panic's message is in the log.
    #[error("a database job panicked")]
    Panicked,
    /// A stored value cannot be read back, or a value to store is not one that can be.
    #[error("{what} is not valid: {reason}")]
    Invalid {
        /// Which value, in words.
        what: &'static str,
        /// What is wrong with it. Never the value itself.
        reason: String,
    },
    /// Anything else that SQLite reports.
    #[error("database: {0}")]
    Database(String),
}

impl StoreError {
    /// Whether the same call may succeed later: the disk is in the way, or others are.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::Overloaded | Self::DiskFull | Self::DiskFailed(_) | Self::Aborted
        )
    }

    /// Whether there is something already that has the id of what was to be stored.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        // As SQLite names the column of a unique index.
        matches!(self, Self::Database(why) if why.starts_with("UNIQUE constraint failed") && why.ends_with(".id"))
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::DiskFull,
            Some(ErrorCode::SystemIoFailure | ErrorCode::ReadOnly | ErrorCode::CannotOpen) => {
                Self::DiskFailed(error.to_string())
            }
            _ => Self::Database(error.to_string()),
        }
    }
}

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file was written by a later version of Postern. Nothing was changed.
    #[error(
        "{path} has schema version {found}, but this binary knows only versions up to {known}; \
         start the Postern version that last used this file, or a later one"
    )]
    NewerSchema {
        /// The file.
        path: PathBuf,
        /// The version in the file.
        found: i32,
        /// The latest version this binary can make.
        known: i32,
    },
    /// The file was written by another version of Postern, and is only to be used as it is. Nothing was changed.
    #[error(
        "{path} has schema version {found}, and this binary uses {known}; use the Postern version of its daemon"
    )]
    OtherSchema {
        /// The file.
        path: PathBuf,
        /// The version in the file.
        found: i32,
        /// The version this binary uses.
        known: i32,
    },
    /// The file is a SQLite database of something else.
    #[error("{path} is not a {expected} database of Postern; check the configured path")]
    WrongFile {
        /// The file.
        path: PathBuf,
        /// Which database was to be opened.
        expected: &'static str,
    },
    /// The SQLite library is older than the one the store was written for.
    #[error("SQLite {found} is linked, but at least {required} is needed")]
    SqliteTooOld {
        /// The version that is linked.
        found: &'static str,
        /// The least version.
        required: &'static str,
    },
    /// The file could not be created or its permissions set.
    #[error("cannot open {path}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A thread could not be started.
    #[error("cannot start a database thread")]
    Thread(#[source] std::io::Error),
    /// A migration failed or differs from the one that was applied; the file is as before it.
    #[error("cannot bring {path} to the current schema: {reason}")]
    Migration {
        /// The file.
        path: PathBuf,
        /// What refinery said.
        reason: String,
    },
    /// Anything else that SQLite reports.
    #[error("cannot open {path}: {error}")]
    Database {
        /// The file.
        path: PathBuf,
        /// What it reports.
        error: StoreError,
    },
}
