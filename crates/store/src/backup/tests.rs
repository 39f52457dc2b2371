//! Backups of a store that is being written to, what is refused, and what a restore leaves alone.

use std::fs;
use std::path::{Path, PathBuf};

use postern_domain::session::Signal;
use postern_domain::{Account, Address, Content, DeviceId, MessageId, StanzaId, Timestamp, WorkspaceId};
use tempfile::TempDir;

use super::*;
use crate::{KeyStore, KeyStoreOptions, NewMessage, Store, StoreOptions};

/// Backups begin at this time.
const NOW: Timestamp = Timestamp::from_millis(1_795_268_758_339);

/// A data folder in use, and room for backups beside it.
struct Fixture {
    folder: TempDir,
    store: Store,
    keys: KeyStore,
    workspace: WorkspaceId,
    device: DeviceId,
}

fn open_store(data_dir: &Path) -> Store {
    Store::open(&StoreOptions::new(data_dir)).expect("a store")
}

fn open_keys(data_dir: &Path) -> KeyStore {
    KeyStore::open(&KeyStoreOptions::new(data_dir.join("keys.db"))).expect("a key store")
}

fn account() -> Account {
    Account {
        phone: "+15550000001".parse().expect("a number"),
        lid: None,
        companion: 1,
        push_name: None,
        platform: None,
    }
}

impl Fixture {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        let store = open_store(&data);
        let workspace = store.first_workspace(NOW).await.expect("a workspace");
        let device = DeviceId::generate();
        let created = store.create_device(workspace, device, String::new(), NOW);
        created.await.expect("a device");
        store.link_account(device, account(), NOW).await.expect("linked");
        let connected = store.signal(device, Signal::Connected, NOW).await;
        connected.expect("connected");
        let keys = open_keys(&data);
        Self {
            folder,
            store,
            keys,
            workspace,
            device,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn accept(&self, body: String) -> MessageId {
        accept(&self.store, self.workspace, self.device, body).await
    }

    fn backup(&self) -> Backup {
        Backup {
            data_dir: self.path("data"),
            to: self.path("backup"),
            with_keys: false,
            overwrite: false,
        }
    }

    fn restore(&self) -> Restore {
        Restore {
            from: self.path("backup"),
            data_dir: self.path("restored"),
            replace: false,
            with_keys: true,
        }
    }

    /// Closes both files, as a daemon does when it stops.
    async fn close(&self) {
        self.store.close().await;
        self.keys.close().await;
    }
}

async fn accept(store: &Store, workspace: WorkspaceId, device: DeviceId, body: String) -> MessageId {
    let message = NewMessage {
        id: MessageId::generate(),
        workspace,
        device,
        to: Address::Phone("+15550000002".parse().expect("a number")),
        content: Content::Text { body },
        stanza: StanzaId::generate(),
        client_reference: None,
        metadata: None,
        scheduled_for: None,
        queue_if_disconnected: true,
    };
    let id = message.id;
    store.accept(message, None, NOW).await.expect("accepted");
    id
}

fn take(backup: &Backup) -> Result<Manifest, BackupError> {
    backup.take("1.2.3", NOW, &mut |_progress| {})
}

/// Restores to a folder that is made for it.
fn run(restore: &Restore) -> Result<Restored, BackupError> {
    fs::create_dir_all(&restore.data_dir).expect("a folder");
    restore.run(NOW, &mut |_progress| {})
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    names
}

/// Writes over the middle of a file.
fn spoil(path: &Path) {
    let mut bytes = fs::read(path).expect("a file");
    let middle = bytes.len() / 2;
    bytes[middle..middle + 4096].fill(0xa5);
    fs::write(path, bytes).expect("written");
}

async fn holds(store: &Store, workspace: WorkspaceId, id: MessageId) -> bool {
    store.message(workspace, id).await.expect("an answer").is_some()
}

/// A commit between every two steps of the copy: left to itself it would start again after each, and never end.
#[tokio::test(flavor = "multi_thread")]
async fn a_backup_ends_although_somebody_always_writes_and_is_one_moment() {
    let fixture = Fixture::new().await;
    let mut before = Vec::new();
    for _ in 0..400 {
        before.push(fixture.accept("b".repeat(8_000)).await);
    }
    let (store, workspace, device) = (fixture.store.clone(), fixture.workspace, fixture.device);
    let (backup, runtime) = (fixture.backup(), tokio::runtime::Handle::current());
    let (taken, steps, during) = tokio::task::spawn_blocking(move || {
        let (mut steps, mut during) = (Vec::new(), Vec::new());
        let taken = backup.take("1.2.3", NOW, &mut |progress| {
            if let Progress::Copying { done, all, .. } = progress {
                steps.push((done, all));
                assert!(steps.len() < 100, "it begins again and again");
                during.push(runtime.block_on(accept(&store, workspace, device, "during".to_owned())));
            }
        });
        (taken, steps, during)
    })
    .await
    .expect("no panic");
    assert!(taken.is_ok(), "{taken:?}");
    assert!(steps.len() >= 3, "{steps:?}");
    assert!(
        steps.is_sorted() && steps.iter().all(|step| step.1 == steps[0].1),
        "{steps:?}"
    );
    assert_eq!(steps.last(), Some(&(steps[0].1, steps[0].1)));

    run(&fixture.restore()).expect("restored");
    let restored = open_store(&fixture.path("restored"));
    for id in before {
        assert!(holds(&restored, workspace, id).await);
    }
    for id in during {
        assert!(
            !holds(&restored, workspace, id).await,
            "it was written after the copy began"
        );
        assert!(holds(&fixture.store, workspace, id).await);
    }
}

#[tokio::test]
async fn a_backup_is_single_files_of_their_owner_and_a_manifest_of_them() {
    let fixture = Fixture::new().await;
    fixture.accept("hello".to_owned()).await;
    let backup = Backup {
        with_keys: true,
        ..fixture.backup()
    };
    let manifest = take(&backup).expect("a backup");
    assert_eq!(names(&backup.to), ["keys.db", "manifest.json", "postern.db"]);
    assert_eq!(manifest.postern, "1.2.3");
    assert_eq!(manifest.taken_at, "2026-11-21T13:45:58.339Z");
    for (file, schema) in manifest.files.iter().zip([files::GATEWAY, files::KEYS]) {
        let path = backup.to.join(&file.name);
        assert_eq!(
            (file.name.as_str(), file.schema),
            (schema.name, schema.schema.latest())
        );
        assert_eq!(file.bytes, fs::metadata(&path).expect("a file").len());
        assert_eq!(file.sha256.len(), 64);
    }
    assert_eq!(
        Manifest::read(&backup.to.join("manifest.json")).expect("read"),
        manifest
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path: &Path| fs::metadata(path).expect("a file").permissions().mode() & 0o777;
        for name in names(&backup.to) {
            assert_eq!(mode(&backup.to.join(&name)), 0o600, "{name}");
        }
        assert_eq!(mode(&backup.to), 0o700);
    }
}

#[tokio::test]
async fn a_folder_without_a_daemon_is_backed_up_too_and_nothing_is_written_to_it() {
    let fixture = Fixture::new().await;
    let id = fixture.accept("hello".to_owned()).await;
    fixture.close().await;
    let before = fs::read(fixture.path("data/postern.db")).expect("read");
    take(&fixture.backup()).expect("a backup");
    assert_eq!(fs::read(fixture.path("data/postern.db")).expect("read"), before);
    run(&fixture.restore()).expect("restored");
    assert!(holds(&open_store(&fixture.path("restored")), fixture.workspace, id).await);

    let nothing = Backup {
        data_dir: fixture.path("elsewhere"),
        to: fixture.path("never"),
        ..fixture.backup()
    };
    assert!(matches!(take(&nothing), Err(BackupError::NoDatabase(_))));
    assert!(!fixture.path("never").exists() && !fixture.path("elsewhere").exists());
}

#[tokio::test]
async fn an_earlier_backup_is_replaced_only_when_told_so_and_other_files_never() {
    let fixture = Fixture::new().await;
    let backup = Backup {
        with_keys: true,
        ..fixture.backup()
    };
    let first = take(&backup).expect("a backup");
    fixture.accept("new".to_owned()).await;
    let second = fixture.backup();
    assert!(matches!(take(&second), Err(BackupError::BackupThere(_))));
    assert_eq!(
        Manifest::read(&second.to.join("manifest.json")).expect("read"),
        first
    );
    let overwriting = Backup {
        overwrite: true,
        ..second
    };
    let second = take(&overwriting).expect("a backup");
    assert_ne!(second.files[0].sha256, first.files[0].sha256);
    assert_eq!(
        names(&overwriting.to),
        ["manifest.json", "postern.db"],
        "keys of the one before"
    );

    fs::write(fixture.path("backup/notes.txt"), "mine").expect("written");
    assert!(matches!(take(&overwriting), Err(BackupError::NotEmpty(_))));
    // A backup that was copied into a data folder by hand leaves a manifest there.
    fs::write(fixture.path("data/postern.lock"), "").expect("written");
    fs::copy(
        fixture.path("backup/manifest.json"),
        fixture.path("data/manifest.json"),
    )
    .expect("copied");
    let onto_itself = Backup {
        to: fixture.path("data"),
        ..overwriting
    };
    assert!(matches!(take(&onto_itself), Err(BackupError::NotEmpty(_))));
}

#[tokio::test]
async fn what_was_cut_short_is_no_backup_and_in_nobodys_way() {
    let fixture = Fixture::new().await;
    let backup = fixture.backup();
    fs::create_dir(&backup.to).expect("a folder");
    for name in [
        "postern.db.partial",
        "postern.db.partial-journal",
        "manifest.json.partial",
    ] {
        fs::write(backup.to.join(name), "{").expect("written");
    }
    assert!(matches!(run(&fixture.restore()), Err(BackupError::NoBackup(_))));
    take(&backup).expect("a backup");
    assert_eq!(names(&backup.to), ["manifest.json", "postern.db"]);
}

/// All files are there and flushed, and some have their names already.
#[tokio::test]
async fn what_was_cut_short_between_two_names_is_completed() {
    let fixture = Fixture::new().await;
    let backup = Backup {
        with_keys: true,
        ..fixture.backup()
    };
    take(&backup).expect("a backup");
    for name in ["keys.db", "manifest.json"] {
        let unfinished = backup.to.join(format!("{name}.partial"));
        fs::rename(backup.to.join(name), unfinished).expect("renamed");
    }
    assert!(matches!(take(&backup), Err(BackupError::BackupThere(_))));
    assert_eq!(names(&backup.to), ["keys.db", "manifest.json", "postern.db"]);
    let restored = run(&fixture.restore()).expect("restored");
    assert_eq!(restored.keys, RestoredKeys::FromBackup);
}

#[tokio::test]
async fn one_backup_at_a_time_is_written_to_a_folder() {
    let fixture = Fixture::new().await;
    let backup = fixture.backup();
    let held = Folder::claim(&backup.to, false).expect("free");
    assert!(matches!(take(&backup), Err(BackupError::Busy(_))));
    assert!(matches!(run(&fixture.restore()), Err(BackupError::Busy(_))));
    drop(held);
    take(&backup).expect("free again");
}

#[tokio::test]
async fn a_damaged_database_is_not_backed_up_over_a_good_backup() {
    let fixture = Fixture::new().await;
    for _ in 0..50 {
        fixture.accept("b".repeat(4_000)).await;
    }
    let good = take(&fixture.backup()).expect("a backup");
    fixture.close().await;
    spoil(&fixture.path("data/postern.db"));
    let overwriting = Backup {
        overwrite: true,
        ..fixture.backup()
    };
    assert!(matches!(take(&overwriting), Err(BackupError::Damaged { .. })));
    let manifest = Manifest::read(&fixture.path("backup/manifest.json"));
    assert_eq!(manifest.expect("the one before"), good);
    run(&fixture.restore()).expect("restored");
}

#[tokio::test]
async fn a_restore_refuses_what_is_altered_damaged_newer_or_no_backup() {
    let fixture = Fixture::new().await;
    for _ in 0..50 {
        fixture.accept("b".repeat(4_000)).await;
    }
    assert!(matches!(run(&fixture.restore()), Err(BackupError::NoBackup(_))));
    take(&fixture.backup()).expect("a backup");
    let (database, manifest) = (
        fixture.path("backup/postern.db"),
        fixture.path("backup/manifest.json"),
    );
    let (good, written) = (
        fs::read(&database).expect("read"),
        Manifest::read(&manifest).expect("read"),
    );
    let claim = |manifest_now: &Manifest| {
        fs::write(&manifest, manifest_now.encode().expect("text")).expect("written");
    };

    spoil(&database);
    assert!(matches!(run(&fixture.restore()), Err(BackupError::Altered(_))));
    // Damaged before it was backed up, by a release that did not look.
    let mut damaged = written.clone();
    damaged.files[0] = BackupFile::of("postern.db", written.files[0].schema, &database).expect("an entry");
    claim(&damaged);
    assert!(matches!(
        run(&fixture.restore()),
        Err(BackupError::Damaged { .. })
    ));

    fs::write(&database, good).expect("written");
    let mut newer = written.clone();
    newer.files[0].schema += 1;
    claim(&newer);
    let refused = run(&fixture.restore());
    assert!(matches!(
        refused,
        Err(BackupError::Open(OpenError::NewerSchema { .. }))
    ));

    for (text, why) in [
        ("{", "EOF"),
        (r#"{"format":2,"postern":"","takenAt":"","files":[]}"#, "format"),
    ] {
        fs::write(&manifest, text).expect("written");
        let refused = run(&fixture.restore()).expect_err("refused").to_string();
        assert!(refused.contains(why), "{refused}");
    }
    let mut elsewhere = written.clone();
    elsewhere.files[0].name = "../postern.db".to_owned();
    claim(&elsewhere);
    assert!(matches!(
        run(&fixture.restore()),
        Err(BackupError::Manifest { .. })
    ));

    assert!(
        names(&fixture.path("restored")).is_empty(),
        "nothing is left behind"
    );
    claim(&written);
    run(&fixture.restore()).expect("restored");
}

#[tokio::test]
async fn what_a_restore_replaces_is_kept_whole_and_keys_that_are_there_stay() {
    let fixture = Fixture::new().await;
    let wiped = DeviceId::generate();
    fixture.keys.backend(wiped).await.expect("a backend");
    let everything = Backup {
        with_keys: true,
        ..fixture.backup()
    };
    take(&everything).expect("a backup");
    let later = fixture.accept("after the backup".to_owned()).await;
    // As a kill leaves it: the last commits are in the WAL alone.
    let data = fixture.path("killed");
    fs::create_dir(&data).expect("a folder");
    for name in ["postern.db", "postern.db-wal", "keys.db", "keys.db-wal"] {
        fs::copy(fixture.path("data").join(name), data.join(name)).expect("copied");
    }
    let keys = fs::read(data.join("keys.db-wal")).expect("read");

    let restore = Restore {
        data_dir: data.clone(),
        ..fixture.restore()
    };
    assert!(matches!(run(&restore), Err(BackupError::Occupied(_))));
    let replacing = Restore {
        replace: true,
        ..restore
    };
    let restored = run(&replacing).expect("restored");
    assert_eq!(restored.keys, RestoredKeys::Kept);
    assert_eq!(fs::read(data.join("keys.db-wal")).expect("read"), keys);
    let kept = restored.kept.expect("a name");
    assert_eq!(kept, data.join("postern.db.replaced-2026-11-21T13-45-58.339Z"));
    assert!(!holds(&open_store(&data), fixture.workspace, later).await);

    let before = fixture.path("before");
    fs::create_dir(&before).expect("a folder");
    for suffix in ["", "-wal"] {
        let from = format!("{}{suffix}", kept.display());
        fs::copy(from, before.join(format!("postern.db{suffix}"))).expect("copied");
    }
    assert!(holds(&open_store(&before), fixture.workspace, later).await);
}

#[tokio::test]
async fn keys_are_restored_only_where_there_are_none_and_where_they_are_wanted() {
    let fixture = Fixture::new().await;
    let everything = Backup {
        with_keys: true,
        ..fixture.backup()
    };
    take(&everything).expect("a backup");
    let without = Restore {
        with_keys: false,
        data_dir: fixture.path("without"),
        ..fixture.restore()
    };
    assert_eq!(run(&without).expect("restored").keys, RestoredKeys::Missing);
    assert_eq!(names(&without.data_dir), ["postern.db"]);
    assert_eq!(
        run(&fixture.restore()).expect("restored").keys,
        RestoredKeys::FromBackup
    );
    assert_eq!(names(&fixture.path("restored")), ["keys.db", "postern.db"]);
    open_keys(&fixture.path("restored"));
}
