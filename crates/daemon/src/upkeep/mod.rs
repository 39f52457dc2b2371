//! `postern backup`, `postern restore`, `postern check`: what is done to a data folder beside its daemon, or without one.
//!
//! Results go to standard output; progress, warnings and errors to standard error.

mod backup;
mod check;
mod progress;
mod report;
mod restore;
mod status;

use std::path::PathBuf;

use postern_store::BackupError;

pub(crate) use self::backup::command as backup;
pub(crate) use self::check::command as check;
pub(crate) use self::restore::command as restore;
use crate::cli::DataFlags;
use crate::config::{Config, ConfigError, Overrides};

/// What becomes of keys that are older than what was sent and received with them.
const STALE_KEYS: &str = "\
Signal keys move on with every message. Keys that are restored go back in time: what was sent to the devices since the \
backup cannot be decrypted, their sessions with contacts break, and WhatsApp may remove the links. Use them only if \
nothing was sent or received since, as when moving to another machine; otherwise pair the devices again.";

/// The folder that the flags name, or else the configuration.
///
/// # Errors
/// The configuration cannot be used.
pub(crate) fn data_dir(flags: DataFlags, environment: Vec<(String, String)>) -> Result<PathBuf, ConfigError> {
    let folder = flags.data_dir.as_ref().map(|dir| dir.display());
    let overrides = Overrides::default().with("data.dir", folder);
    Ok(Config::load(flags.config.as_deref(), environment, overrides)?
        .data
        .dir)
}

/// The error, with the flag that helps.
fn advised(error: BackupError) -> anyhow::Error {
    let advice = match error {
        BackupError::NoDatabase(_) => "name the folder with --data-dir",
        BackupError::BackupThere(_) => "replace it with --overwrite, or choose another folder",
        BackupError::Occupied(_) => "replace it with --replace, which keeps it under another name",
        other => return other.into(),
    };
    anyhow::anyhow!("{error}; {advice}")
}
