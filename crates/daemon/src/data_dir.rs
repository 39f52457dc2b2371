//! The folder of the databases, held by one daemon at a time.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// A data folder that this process holds. Released when dropped, and by the system when the process dies.
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
    _lock: File,
}

/// The folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DataDirError {
    /// Another daemon holds it.
    #[error("another postern daemon is using {}; stop it, or choose another folder with --data-dir", .0.display())]
    InUse(PathBuf),
    /// It cannot be made or written.
    #[error("cannot use the data folder {}: {source}", path.display())]
    Unusable {
        /// Which folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl DataDir {
    /// Makes the folder if needed, readable by its owner only, and takes its lock.
    ///
    /// # Errors
    /// Another daemon holds the folder, or it cannot be made or written.
    pub(crate) fn hold(path: &Path) -> Result<Self, DataDirError> {
        let unusable = |source| DataDirError::Unusable {
            path: path.to_owned(),
            source,
        };
        if !path.exists() {
            fs::create_dir_all(path).map_err(unusable)?;
            owner_only(path).map_err(unusable)?;
        }
        let lock = File::options()
            .create(true)
            .write(true)
            .truncate(false)
            .open(path.join("postern.lock"))
            .map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                path: path.to_owned(),
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(DataDirError::InUse(path.to_owned())),
            Err(TryLockError::Error(source)) => Err(unusable(source)),
        }
    }

    /// Where it is.
    #[must_use]
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(unix)]
fn owner_only(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o700))
}

#[cfg(not(unix))]
fn owner_only(_path: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_held_once_and_released() {
        let parent = tempfile::tempdir().expect("a folder");
        let path = parent.path().join("data");
        let held = DataDir::hold(&path).expect("free");
        assert!(matches!(DataDir::hold(&path), Err(DataDirError::InUse(_))));
        drop(held);
        DataDir::hold(&path).expect("free again");
    }

    #[test]
    fn a_file_in_its_place_is_explained() {
        let parent = tempfile::tempdir().expect("a folder");
        let path = parent.path().join("data");
        fs::write(&path, "").expect("written");
        let error = DataDir::hold(&path).expect_err("a file").to_string();
        assert!(error.contains("cannot use the data folder"), "{error}");
    }
}
