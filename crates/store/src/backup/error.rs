//! Why a backup was not taken, or not restored.

use std::io;
use std::path::PathBuf;

use crate::OpenError;

/// Why a backup was not taken, or not restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The data folder holds no such file.
    #[error("there is no {}; is it a data folder of Postern?", .0.display())]
    NoDatabase(PathBuf),
    /// The folder for the backup holds something else.
    #[error("{} holds other files; a backup needs a folder of its own", .0.display())]
    NotEmpty(PathBuf),
    /// The folder for the backup holds an earlier one, which was not to be overwritten.
    #[error("{} holds a backup already", .0.display())]
    BackupThere(PathBuf),
    /// Another backup is being written to the same folder.
    #[error("another backup is being written to {}", .0.display())]
    Busy(PathBuf),
    /// The folder holds no backup that was completed.
    #[error("{} holds no complete backup: there is no manifest.json in it", .0.display())]
    NoBackup(PathBuf),
    /// The manifest cannot be understood.
    #[error("{} cannot be understood: {why}; was it made by a later version of Postern?", path.display())]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A file of the backup is not the one that was written.
    #[error("{} is not the file that was backed up: its size or checksum differs", .0.display())]
    Altered(PathBuf),
    /// A database is damaged.
    #[error("{} is damaged: {first}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The first of the defects.
        first: String,
    },
    /// The folder to restore to has a database, which was not to be replaced.
    #[error("there is a database already: {}", .0.display())]
    Occupied(PathBuf),
    /// A file cannot be read or written.
    #[error("cannot use {}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A database cannot be opened, read or copied, or is newer than this release.
    #[error(transparent)]
    Open(#[from] OpenError),
}

impl BackupError {
    /// For `map_err`: what the operating system said of `path`.
    pub(super) fn of(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }
}
