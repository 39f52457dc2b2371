//! `postern restore`.

use postern_runtime::{Clock as _, SystemClock};
use postern_store::{Restore, Restored, RestoredKeys};

use super::progress::Meter;
use super::{STALE_KEYS, advised, data_dir};
use crate::cli::RestoreFlags;
use crate::data_dir::DataDir;
use crate::print::print;

pub(crate) async fn command(flags: RestoreFlags, environment: Vec<(String, String)>) -> anyhow::Result<()> {
    let restore = Restore {
        from: flags.from,
        data_dir: data_dir(flags.data, environment)?,
        replace: flags.replace,
        with_keys: !flags.without_keys,
    };
    // A mistake in the name of the backup shall not leave a folder behind.
    restore.manifest().map_err(advised)?;
    let held = DataDir::hold(&restore.data_dir)?;
    let restoring = move || {
        let mut meter = Meter::on_stderr("bytes");
        restore.run(SystemClock.now(), &mut |progress| meter.show(progress))
    };
    let restored = tokio::task::spawn_blocking(restoring).await?.map_err(advised)?;
    print(&summary(&held.path().display().to_string(), &restored))?;
    if restored.keys == RestoredKeys::FromBackup {
        eprintln!("Warning: {STALE_KEYS}");
    }
    Ok(())
}

fn summary(to: &str, restored: &Restored) -> String {
    let manifest = &restored.manifest;
    let mut text = format!("Restored to {to}: the data as of {}\n", manifest.taken_at);
    if let Some(kept) = &restored.kept {
        text += &format!("The database that was there is {} now.\n", kept.display());
    }
    text += match restored.keys {
        RestoredKeys::Kept => {
            "The keys that were there stay. Devices whose link they know log in when the daemon starts.\n"
        }
        RestoredKeys::FromBackup => "The keys are those of the backup.\n",
        RestoredKeys::Missing => {
            "There are no keys: devices that were linked are unlinked (keys_missing) once the daemon starts. Pair them \
             again.\n"
        }
    };
    text
}
