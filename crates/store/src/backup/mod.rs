//! Backups: a consistent copy of a data folder, taken while its daemon runs, and the way back.
//!
//! A backup is a folder with `postern.db`, perhaps `keys.db`, and `manifest.json`, which is written last and says what
//! belongs to it. Everything is written under names that end in `.partial`, flushed, and only then given its own name:
//! what is cut short is no backup, and an earlier one in the same folder stays whole until the new one is.
//!
//! The gateway's data is copied before the keys. So the keys are the newer of the two, as they are after a crash, and
//! never a ratchet behind a message that the data knows as sent.
//!
//! A restore is for a folder that no daemon uses. Copies are checked beside what is there before anything is replaced,
//! and what is replaced stays under another name. Keys that are there already stay: they are newer.

mod error;
mod folder;
mod manifest;
mod restore;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use postern_domain::Timestamp;

pub use self::error::BackupError;
use self::folder::Folder;
pub use self::manifest::{BackupFile, Manifest};
pub use self::restore::{Restore, Restored, RestoredKeys};
use crate::OpenError;
use crate::files::{self, DataFile};
use crate::sqlite::{Beside, Depth, copy};

/// A backup to be taken.
#[derive(Debug, Clone)]
pub struct Backup {
    /// The folder of the files that are backed up. A daemon may be using it.
    pub data_dir: PathBuf,
    /// The folder the backup goes to. Made if it is missing.
    pub to: PathBuf,
    /// Copy the Signal keys too.
    pub with_keys: bool,
    /// Replace an earlier backup in that folder.
    pub overwrite: bool,
}

/// How far a backup or a restore has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// A file is being copied.
    Copying {
        /// Which one, e.g. `postern.db`.
        file: &'static str,
        /// How many parts are done: pages in a backup, bytes in a restore.
        done: u64,
        /// Of how many.
        all: u64,
    },
    /// The copy is being looked at, page by page.
    Checking {
        /// Which one.
        file: &'static str,
    },
}

impl Backup {
    /// Takes it; answers what is in it. Blocks, for as long as it takes to copy the files and to read the copies.
    ///
    /// `version` is Postern's and `now` the time, for the manifest.
    ///
    /// # Errors
    /// See [`BackupError`]. An earlier backup in the folder is as it was.
    pub fn take(
        &self,
        version: &str,
        now: Timestamp,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Manifest, BackupError> {
        let sources = self.sources()?;
        let folder = Folder::claim(&self.to, self.overwrite)?;
        let mut files = Vec::with_capacity(sources.len());
        for (file, source) in &sources {
            files.push(copied(*file, source, &folder, progress)?);
        }
        let manifest = Manifest::new(version, now, files);
        folder.complete(&manifest)?;
        Ok(manifest)
    }

    fn sources(&self) -> Result<Vec<(DataFile, Beside)>, BackupError> {
        let keys = self.with_keys.then_some(files::KEYS);
        [files::GATEWAY]
            .into_iter()
            .chain(keys)
            .map(|file| Ok((file, open(&self.data_dir, file)?)))
            .collect()
    }
}

fn copied(
    file: DataFile,
    source: &Beside,
    folder: &Folder,
    progress: &mut dyn FnMut(Progress),
) -> Result<BackupFile, BackupError> {
    let (name, to) = (file.name, folder.partial(file.name));
    copy(source, &to, &mut |done, all| {
        progress(Progress::Copying {
            file: name,
            done,
            all,
        });
    })?;
    progress(Progress::Checking { file: name });
    let copy = Beside::open(&to, file.schema)?;
    refuse_defects(&copy, source.path(), Depth::Pages)?;
    BackupFile::of(name, copy.version()?, &to)
}

/// Opens one of the files of a folder.
fn open(folder: &Path, file: DataFile) -> Result<Beside, BackupError> {
    let path = folder.join(file.name);
    Beside::open(&path, file.schema).map_err(|error| match error {
        OpenError::File { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
            BackupError::NoDatabase(path)
        }
        other => other.into(),
    })
}

/// `path` is where the content of the file came from.
fn refuse_defects(file: &Beside, path: &Path, depth: Depth) -> Result<(), BackupError> {
    let defects = file.defects(depth);
    // A file that cannot even be looked through is damaged as well.
    match defects
        .unwrap_or_else(|error| vec![error.to_string()])
        .into_iter()
        .next()
    {
        None => Ok(()),
        Some(first) => Err(BackupError::Damaged {
            path: path.to_owned(),
            first,
        }),
    }
}
