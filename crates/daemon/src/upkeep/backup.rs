//! `postern backup`.

use postern_runtime::{Clock as _, SystemClock};
use postern_store::{Backup, Manifest, SECRETS_KEY};

use super::progress::Meter;
use super::{STALE_KEYS, advised, data_dir};
use crate::cli::BackupFlags;
use crate::print::print;

pub(crate) async fn command(flags: BackupFlags, environment: Vec<(String, String)>) -> anyhow::Result<()> {
    let backup = Backup {
        data_dir: data_dir(flags.data, environment)?,
        to: flags.to,
        with_keys: flags.with_keys,
        overwrite: flags.overwrite,
    };
    if backup.with_keys {
        eprintln!(
            "Warning: the backup will hold the keys of the linked accounts, for whoever can read it. {STALE_KEYS}"
        );
    }
    if backup.data_dir.join(SECRETS_KEY).exists() {
        eprintln!(
            "{SECRETS_KEY} is in no backup: keep a copy of it elsewhere, once. It opens the secrets of webhooks in postern.db."
        );
    }
    let to = backup.to.display().to_string();
    let taking = move || {
        let mut meter = Meter::on_stderr("pages");
        backup.take(env!("CARGO_PKG_VERSION"), SystemClock.now(), &mut |progress| {
            meter.show(progress);
        })
    };
    let manifest = tokio::task::spawn_blocking(taking).await?.map_err(advised)?;
    Ok(print(&summary(&to, &manifest))?)
}

fn summary(to: &str, manifest: &Manifest) -> String {
    let mut text = format!("Backed up to {to}, as of {}:\n", manifest.taken_at);
    for file in &manifest.files {
        text += &format!(
            "  {:10}  {} bytes, schema {}\n",
            file.name, file.bytes, file.schema
        );
    }
    text
}
