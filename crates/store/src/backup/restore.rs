//! The way back: a backup's files into a data folder that no daemon uses.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use postern_domain::Timestamp;

use super::folder::{self, MANIFEST};
use super::{BackupError, BackupFile, Manifest, Progress, refuse_defects};
use crate::OpenError;
use crate::files::{self, DataFile};
use crate::sqlite::{self, Beside, Depth};

/// How much is copied between two reports.
const CHUNK: usize = 1 << 20;

/// A backup to be restored.
#[derive(Debug, Clone)]
pub struct Restore {
    /// The folder of the backup.
    pub from: PathBuf,
    /// The folder to restore to. It exists, and the caller keeps daemons out of it.
    pub data_dir: PathBuf,
    /// Replace the database that is there.
    pub replace: bool,
    /// Restore the Signal keys, if the backup has them and the folder has none.
    pub with_keys: bool,
}

/// What was restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// What the backup holds.
    pub manifest: Manifest,
    /// What the database that was there before is called now.
    pub kept: Option<PathBuf>,
    /// What became of the keys.
    pub keys: RestoredKeys,
}

/// Which keys a restored folder has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RestoredKeys {
    /// Those it had: they never go back in time.
    Kept,
    /// Those of the backup.
    FromBackup,
    /// None.
    Missing,
}

impl Restore {
    /// Restores it. Blocks, for as long as it takes to copy and check the files.
    ///
    /// `now` is in the name of what is replaced.
    ///
    /// # Errors
    /// See [`BackupError`]. The folder's databases are as they were.
    pub fn run(&self, now: Timestamp, progress: &mut dyn FnMut(Progress)) -> Result<Restored, BackupError> {
        let manifest = self.manifest()?;
        if !self.replace && self.has(files::GATEWAY) {
            return Err(BackupError::Occupied(self.place(files::GATEWAY)));
        }
        let keys = self.keys(&manifest);
        let mut wanted = vec![files::GATEWAY];
        wanted.extend((keys == RestoredKeys::FromBackup).then_some(files::KEYS));
        let placed = self.place_all(&wanted, &manifest, now, progress);
        if placed.is_err() {
            for file in wanted {
                // Why it failed says more than that its leftovers stay.
                sqlite::remove(&self.copy_of(file)).ok();
            }
        }
        Ok(Restored {
            kept: placed?,
            manifest,
            keys,
        })
    }

    /// What the backup holds.
    ///
    /// # Errors
    /// There is none, or it cannot be understood.
    pub fn manifest(&self) -> Result<Manifest, BackupError> {
        folder::finish(&self.from)?;
        let path = self.from.join(MANIFEST);
        match Manifest::read(&path) {
            Err(BackupError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Err(BackupError::NoBackup(self.from.clone()))
            }
            read => read,
        }
    }

    fn keys(&self, manifest: &Manifest) -> RestoredKeys {
        match (self.has(files::KEYS), manifest.has_keys() && self.with_keys) {
            (true, _) => RestoredKeys::Kept,
            (false, true) => RestoredKeys::FromBackup,
            (false, false) => RestoredKeys::Missing,
        }
    }

    fn place_all(
        &self,
        wanted: &[DataFile],
        manifest: &Manifest,
        now: Timestamp,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Option<PathBuf>, BackupError> {
        for file in wanted {
            self.bring(*file, manifest, progress)?;
        }
        let replaces = self.has(files::GATEWAY);
        for file in wanted {
            let place = self.place(*file);
            set_aside(&place, &self.kept(*file, now))?;
            fs::rename(self.copy_of(*file), &place).map_err(BackupError::of(&place))?;
        }
        folder::flush(&self.data_dir).map_err(BackupError::of(&self.data_dir))?;
        Ok(replaces.then(|| self.kept(files::GATEWAY, now)))
    }

    /// Copies a file beside its place, and makes sure that it is the one that was backed up, and whole.
    fn bring(
        &self,
        file: DataFile,
        manifest: &Manifest,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(), BackupError> {
        let (from, to) = (self.from.join(file.name), self.copy_of(file));
        let entry = manifest.files.iter().find(|entry| entry.name == file.name);
        let entry = entry.ok_or_else(|| BackupError::NoBackup(self.from.clone()))?;
        refuse_newer(entry, file, &from)?;
        copy_bytes(&from, &to, &mut |done| {
            progress(Progress::Copying {
                file: file.name,
                done,
                all: entry.bytes,
            });
        })?;
        progress(Progress::Checking { file: file.name });
        if BackupFile::of(file.name, entry.schema, &to)? != *entry {
            return Err(BackupError::Altered(from));
        }
        let copy = Beside::open(&to, file.schema)?;
        refuse_defects(&copy, &from, Depth::Indexes)
    }

    fn has(&self, file: DataFile) -> bool {
        self.place(file).exists()
    }

    fn place(&self, file: DataFile) -> PathBuf {
        self.data_dir.join(file.name)
    }

    fn copy_of(&self, file: DataFile) -> PathBuf {
        with_suffix(&self.place(file), ".restoring")
    }

    /// What a file that is replaced is called from then on. Colons are not for names everywhere.
    fn kept(&self, file: DataFile, now: Timestamp) -> PathBuf {
        let time = now.to_rfc3339().replace(':', "-");
        with_suffix(&self.place(file), &format!(".replaced-{time}"))
    }
}

fn refuse_newer(entry: &BackupFile, file: DataFile, path: &Path) -> Result<(), OpenError> {
    let (found, known) = (entry.schema, file.schema.latest());
    if found > known {
        let path = path.to_owned();
        return Err(OpenError::NewerSchema { path, found, known });
    }
    Ok(())
}

/// Renames a file with what SQLite keeps beside it. A WAL goes even if it is alone: beside another database than its own
/// it would do harm.
fn set_aside(place: &Path, kept: &Path) -> Result<(), BackupError> {
    for suffix in sqlite::BESIDE {
        let from = with_suffix(place, suffix);
        match fs::rename(&from, with_suffix(kept, suffix)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            renamed => renamed.map_err(BackupError::of(from))?,
        }
    }
    Ok(())
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name: OsString = path.into();
    name.push(suffix);
    name.into()
}

/// Copies a file; the copy is its owner's alone, and on the disk when this returns.
fn copy_bytes(from: &Path, to: &Path, progress: &mut dyn FnMut(u64)) -> Result<(), BackupError> {
    sqlite::remove(to).map_err(BackupError::of(to))?;
    sqlite::restrict_to_owner(to)?;
    let mut source = File::open(from).map_err(BackupError::of(from))?;
    let mut copy = File::options()
        .write(true)
        .open(to)
        .map_err(BackupError::of(to))?;
    let mut chunk = vec![0; CHUNK];
    let mut done = 0;
    loop {
        let read = source.read(&mut chunk).map_err(BackupError::of(from))?;
        if read == 0 {
            return copy.sync_all().map_err(BackupError::of(to));
        }
        copy.write_all(&chunk[..read]).map_err(BackupError::of(to))?;
        done += read as u64;
        progress(done);
    }
}
