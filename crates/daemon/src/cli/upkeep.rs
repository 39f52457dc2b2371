//! `postern backup`, `postern restore` and `postern check`: what their help teaches.

use std::path::PathBuf;

use clap::Args;

/// Which data folder is meant.
#[derive(Debug, Args)]
pub struct DataFlags {
    /// The folder of the databases [default: data].
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// The daemon's configuration, to take the folder from.
    #[arg(long, global = true, value_name = "FILE", env = "POSTERN_CONFIG")]
    pub config: Option<PathBuf>,
}

/// Flags of `postern backup`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  postern backup /backups/today --data-dir /var/lib/postern
  postern backup \"/backups/$(date +%F)\" --config /etc/postern.toml
  postern backup /backups/latest --data-dir /var/lib/postern --overwrite

The daemon may run and write: the backup is the data as it was when the copy began. \
What is cut short is no backup, and leaves an earlier one whole.")]
pub struct BackupFlags {
    /// The folder to write it to; made if it is missing. It must be empty, or hold an earlier backup.
    #[arg(value_name = "DIR")]
    pub to: PathBuf,
    /// Which data.
    #[command(flatten)]
    pub data: DataFlags,
    /// Copy the Signal keys too. They go stale within minutes: meant for moving to another machine, not for keeping.
    #[arg(long)]
    pub with_keys: bool,
    /// Replace the backup that is in the folder, once the new one is complete.
    #[arg(long)]
    pub overwrite: bool,
}

/// Flags of `postern restore`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  postern restore /backups/today --data-dir /var/lib/postern
  postern restore /backups/today --data-dir /var/lib/postern --replace

No daemon may run on the folder. Nothing is replaced before the backup's checksums and the integrity of its databases \
are found to be right. Signal keys that are in the folder stay: they never go back in time.")]
pub struct RestoreFlags {
    /// The folder of the backup.
    #[arg(value_name = "DIR")]
    pub from: PathBuf,
    /// To where.
    #[command(flatten)]
    pub data: DataFlags,
    /// Replace the database that is there; it is kept under another name.
    #[arg(long)]
    pub replace: bool,
    /// Leave the Signal keys of the backup where they are.
    #[arg(long)]
    pub without_keys: bool,
}

/// Flags of `postern check`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  postern check --data-dir /var/lib/postern
  postern check --data-dir /var/lib/postern --json | jq '.checks[] | select(.outcome != \"ok\")'

The daemon may run; nothing is changed, and nothing that is printed is a phone number or a text.
Exit codes: 0 nothing is broken, 1 something is, or it cannot be looked at, 2 wrong arguments or configuration.")]
pub struct CheckFlags {
    /// Which data.
    #[command(flatten)]
    pub data: DataFlags,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}
