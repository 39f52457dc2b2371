//! The folder a backup is written to: one writer at a time, complete or not there.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::{BackupError, Manifest};
use crate::{files, sqlite};

/// The name of the manifest.
pub(super) const MANIFEST: &str = "manifest.json";
/// What the name of an unfinished file ends in.
const PARTIAL: &str = ".partial";
/// Everything a backup may consist of.
const NAMES: [&str; 3] = [files::GATEWAY.name, files::KEYS.name, MANIFEST];

/// A folder that this process writes a backup to. The lock goes with it, and with the process.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    /// The new manifest, locked.
    manifest: File,
}

impl Folder {
    /// Makes the folder if it is missing, and holds it.
    ///
    /// Refused when it holds anything that no backup consists of: a data folder holds `postern.lock`.
    pub(super) fn claim(path: &Path, overwrite: bool) -> Result<Self, BackupError> {
        if !path.exists() {
            fs::create_dir_all(path).map_err(BackupError::of(path))?;
            restrict(path, 0o700).map_err(BackupError::of(path))?;
        }
        refuse_other_files(path)?;
        finish(path)?;
        if path.join(MANIFEST).exists() && !overwrite {
            return Err(BackupError::BackupThere(path.to_owned()));
        }
        let name = partial(path, MANIFEST);
        let manifest = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&name)
            .map_err(BackupError::of(&name))?;
        lock(&manifest, path)?;
        restrict(&name, 0o600).map_err(BackupError::of(&name))?;
        Ok(Self {
            path: path.to_owned(),
            manifest,
        })
    }

    /// Where a file lies until everything is there.
    pub(super) fn partial(&self, name: &str) -> PathBuf {
        partial(&self.path, name)
    }

    /// Writes the manifest, gives everything its own name, and removes what is left of earlier backups.
    pub(super) fn complete(&self, manifest: &Manifest) -> Result<(), BackupError> {
        self.write(manifest)
            .and_then(|()| flush(&self.path))
            .and_then(|()| name_all(&self.path, manifest))
            .map_err(BackupError::of(&self.path))
    }

    fn write(&self, manifest: &Manifest) -> io::Result<()> {
        let mut file = &self.manifest;
        file.set_len(0)?;
        file.write_all(&manifest.encode()?)?;
        file.sync_all()
    }
}

/// Completes a backup that was cut short while its files were given their names: it lacks nothing else once its
/// manifest can be read.
pub(super) fn finish(path: &Path) -> Result<(), BackupError> {
    let name = partial(path, MANIFEST);
    let Ok(unfinished) = File::open(&name) else {
        return Ok(());
    };
    lock(&unfinished, path)?;
    match Manifest::read(&name) {
        Ok(manifest) => name_all(path, &manifest).map_err(BackupError::of(path)),
        Err(_cut_short_before) => Ok(()),
    }
}

fn name_all(path: &Path, manifest: &Manifest) -> io::Result<()> {
    for file in &manifest.files {
        match fs::rename(partial(path, &file.name), path.join(&file.name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {} // It has its name already.
            renamed => renamed?,
        }
    }
    if !manifest.has_keys() {
        sqlite::remove(&path.join(files::KEYS.name))?;
        sqlite::remove(&partial(path, files::KEYS.name))?;
    }
    fs::rename(partial(path, MANIFEST), path.join(MANIFEST))?;
    flush(path)
}

fn partial(path: &Path, name: &str) -> PathBuf {
    path.join(format!("{name}{PARTIAL}"))
}

fn lock(file: &File, path: &Path) -> Result<(), BackupError> {
    file.try_lock().map_err(|refused| match refused {
        TryLockError::WouldBlock => BackupError::Busy(path.to_owned()),
        TryLockError::Error(source) => BackupError::of(path)(source),
    })
}

fn refuse_other_files(path: &Path) -> Result<(), BackupError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(path).map_err(BackupError::of(path))? {
        let entry = entry.map_err(BackupError::of(path))?;
        found.push(entry.file_name().to_string_lossy().into_owned());
    }
    // What was cut short is nobody's loss; SQLite's files beside a copy have longer names yet.
    let of_backup = |name: &String| NAMES.contains(&name.as_str()) || is_unfinished(name);
    let has_manifest = found.iter().any(|name| name.starts_with(MANIFEST));
    let is_backup =
        found.iter().all(of_backup) && (has_manifest || found.iter().all(|name| is_unfinished(name)));
    if is_backup {
        Ok(())
    } else {
        Err(BackupError::NotEmpty(path.to_owned()))
    }
}

fn is_unfinished(name: &str) -> bool {
    NAMES
        .iter()
        .filter_map(|known| name.strip_prefix(known))
        .any(|rest| rest.starts_with(PARTIAL))
}

/// Puts the names of a folder's files on the disk.
pub(super) fn flush(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

#[cfg(unix)]
fn restrict(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn restrict(_path: &Path, _mode: u32) -> io::Result<()> {
    Ok(())
}
