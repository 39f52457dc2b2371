//! What belongs to a backup: `manifest.json`.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

use postern_domain::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::BackupError;
use crate::files;

/// The form of the manifest that this release writes and reads.
const FORMAT: u32 = 1;

/// What a backup holds, and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// The form of this record.
    pub format: u32,
    /// The version of Postern that took the backup.
    pub postern: String,
    /// When it was begun, which is what it shows; in RFC 3339.
    pub taken_at: String,
    /// The files.
    pub files: Vec<BackupFile>,
}

/// A file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BackupFile {
    /// Its name, in the backup as in the data folder.
    pub name: String,
    /// The version of its schema.
    pub schema: i32,
    /// Its size.
    pub bytes: u64,
    /// The SHA-256 of its content, in hexadecimal digits.
    pub sha256: String,
}

impl Manifest {
    pub(super) fn new(version: &str, now: Timestamp, files: Vec<BackupFile>) -> Self {
        Self {
            format: FORMAT,
            postern: version.to_owned(),
            taken_at: now.to_rfc3339(),
            files,
        }
    }

    /// Whether the Signal keys are in it.
    #[must_use]
    pub fn has_keys(&self) -> bool {
        self.files.iter().any(|file| file.name == files::KEYS.name)
    }

    /// Reads and understands the one at `path`.
    pub(super) fn read(path: &Path) -> Result<Self, BackupError> {
        let bytes = fs::read(path).map_err(BackupError::of(path))?;
        let wrong = |why: String| BackupError::Manifest {
            path: path.to_owned(),
            why,
        };
        let manifest: Self = serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))?;
        if manifest.format != FORMAT {
            return Err(wrong(format!("its format is {}, not {FORMAT}", manifest.format)));
        }
        let mut names: Vec<_> = manifest.files.iter().map(|file| file.name.as_str()).collect();
        names.sort_unstable();
        if names != ["postern.db"] && names != ["keys.db", "postern.db"] {
            return Err(wrong(
                "it names other files than postern.db and keys.db".to_owned(),
            ));
        }
        Ok(manifest)
    }

    pub(super) fn encode(&self) -> io::Result<Vec<u8>> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        Ok(text)
    }
}

impl BackupFile {
    /// The entry of the file that lies at `path`.
    pub(super) fn of(name: &'static str, schema: i32, path: &Path) -> Result<Self, BackupError> {
        let mut file = File::open(path).map_err(BackupError::of(path))?;
        let mut hasher = Sha256::new();
        let mut chunk = vec![0; 1 << 20];
        let mut bytes = 0;
        loop {
            let read = file.read(&mut chunk).map_err(BackupError::of(path))?;
            if read == 0 {
                break;
            }
            hasher.update(&chunk[..read]);
            bytes += read as u64;
        }
        Ok(Self {
            name: name.to_owned(),
            schema,
            bytes,
            sha256: hexadecimal(&hasher.finalize()),
        })
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
