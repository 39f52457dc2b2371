//! What the foundation promises: group commit, isolation of failures, overload, refusals, and recovery.

mod deferred;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use tempfile::TempDir;

use super::*;

const NOTES: Schema = Schema {
    name: "notes",
    application_id: 0x4e4f_5445,
    migrations: &[(
        "V1__notes",
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
         CREATE TABLE replies (note INTEGER REFERENCES notes (id) DEFERRABLE INITIALLY DEFERRED);",
    )],
    watched: Some("SELECT count(*) FROM notes"),
};

struct Fixture {
    directory: TempDir,
    database: Database,
}

impl Fixture {
    fn new() -> Self {
        Self::with(&Tuning::default())
    }

    fn with(tuning: &Tuning) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let database =
            <Database>::open(&directory.path().join("notes.db"), &NOTES, tuning).expect("a database");
        Self { directory, database }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("notes.db")
    }

    async fn notes(&self) -> Vec<String> {
        self.database.read(all_notes).await.expect("a read")
    }

    /// Keeps the writer busy until the answer is dropped, so that what is queued meanwhile shares one commit.
    async fn hold_writer(&self) -> (impl Future<Output = Result<(), StoreError>>, Gate) {
        let (started, has_started) = sync_channel(1);
        let (release, released): (SyncSender<()>, Receiver<()>) = sync_channel(1);
        let mut held = Box::pin(self.database.write(move |_tx| {
            started.send(()).expect("the test waits");
            released.recv().ok();
            Ok(())
        }));
        assert!(held.as_mut().now_or_never().is_none());
        tokio::task::spawn_blocking(move || has_started.recv())
            .await
            .expect("a wait")
            .expect("a start");
        (held, Gate(release))
    }
}

struct Gate(#[expect(dead_code, reason = "dropping it is what opens the gate")] SyncSender<()>);

fn insert(connection: &Connection, text: &str) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT INTO notes (text) VALUES (?1)")?
        .execute([text])?;
    Ok(())
}

fn all_notes(connection: &Connection) -> Result<Vec<String>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT text FROM notes ORDER BY id")?;
    let rows = statement.query_map([], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn write<'a>(
    database: &'a Database,
    text: &'static str,
) -> std::pin::Pin<Box<dyn Future<Output = Result<(), StoreError>> + 'a>> {
    let mut queued = Box::pin(database.write(move |tx| insert(tx, text)));
    // The first poll queues the job.
    assert!(queued.as_mut().now_or_never().is_none(), "the writer is held");
    queued
}

#[tokio::test]
async fn a_read_sees_the_write_that_was_answered_before() {
    let fixture = Fixture::new();
    for number in 0..50 {
        fixture
            .database
            .write(move |tx| insert(tx, &number.to_string()))
            .await
            .expect("a write");
        assert_eq!(fixture.notes().await.len(), number + 1);
    }
}

#[tokio::test]
async fn jobs_are_answered_only_after_their_common_commit() {
    let fixture = Fixture::new();
    let (held, gate) = fixture.hold_writer().await;
    let mut first = write(&fixture.database, "first");
    let (done, is_done) = sync_channel(1);
    let (release, released): (SyncSender<()>, Receiver<()>) = sync_channel(1);
    let mut last = Box::pin(fixture.database.write(move |tx| {
        // Same transaction: what the first job wrote is here, and not yet for others.
        done.send(all_notes(tx)).expect("the test waits");
        released.recv().ok();
        Ok::<_, StoreError>(())
    }));
    assert!(last.as_mut().now_or_never().is_none());
    drop(gate);
    held.await.expect("the holding job");

    let inside = tokio::task::spawn_blocking(move || is_done.recv())
        .await
        .expect("a wait")
        .expect("an answer");
    assert_eq!(inside, Ok(vec![String::from("first")]));
    assert!(
        first.as_mut().now_or_never().is_none(),
        "ran, but its commit has not happened"
    );
    assert_eq!(fixture.notes().await, Vec::<String>::new());

    drop(release);
    first.await.expect("the first job");
    last.await.expect("the last job");
    assert_eq!(fixture.notes().await, ["first"]);
}

#[tokio::test]
async fn a_failed_job_is_rolled_back_alone() {
    let fixture = Fixture::new();
    let (held, gate) = fixture.hold_writer().await;
    let before = write(&fixture.database, "before");
    let mut failing = Box::pin(fixture.database.write(|tx| {
        insert(tx, "never")?;
        insert(tx, "before")
    }));
    let mut panicking = Box::pin(fixture.database.write(|tx| -> Result<(), StoreError> {
        insert(tx, "never")?;
        panic!("on purpose")
    }));
    assert!(failing.as_mut().now_or_never().is_none());
    assert!(panicking.as_mut().now_or_never().is_none());
    let after = write(&fixture.database, "after");
    drop(gate);
    held.await.expect("the holding job");

    assert_eq!(before.await, Ok(()));
    assert!(matches!(failing.await, Err(StoreError::Database(reason)) if reason.contains("UNIQUE")));
    assert_eq!(panicking.await, Err(StoreError::Panicked));
    assert_eq!(after.await, Ok(()));
    assert_eq!(fixture.notes().await, ["before", "after"]);
}

#[derive(Debug, PartialEq, thiserror::Error)]
enum AppError {
    #[error("refused")]
    Refused,
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[tokio::test]
async fn a_job_may_refuse_with_its_own_error() {
    let fixture = Fixture::new();
    let refused: Result<(), AppError> = fixture
        .database
        .write(|tx| {
            insert(tx, "never")?;
            Err(AppError::Refused)
        })
        .await;
    assert_eq!(refused, Err(AppError::Refused));
    assert_eq!(fixture.notes().await, Vec::<String>::new());
}

#[tokio::test]
async fn jobs_run_again_only_when_one_fails_after_it_wrote() {
    for (writes_first, times) in [(false, 1), (true, 2)] {
        let fixture = Fixture::new();
        let (held, gate) = fixture.hold_writer().await;
        let runs = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&runs);
        let mut neighbour = Box::pin(fixture.database.write(move |tx| {
            counted.fetch_add(1, Ordering::Relaxed);
            insert(tx, "neighbour")
        }));
        let mut refusing = Box::pin(fixture.database.write(move |tx| -> Result<(), AppError> {
            if writes_first {
                insert(tx, "never")?;
            }
            Err(AppError::Refused)
        }));
        assert!(neighbour.as_mut().now_or_never().is_none());
        assert!(refusing.as_mut().now_or_never().is_none());
        drop(gate);
        held.await.expect("the holding job");
        assert_eq!(neighbour.await, Ok(()));
        assert_eq!(refusing.await, Err(AppError::Refused));
        assert_eq!(runs.load(Ordering::Relaxed), times);
        assert_eq!(fixture.notes().await, ["neighbour"]);
    }
}

#[tokio::test]
async fn a_failed_commit_fails_every_job_in_it() {
    let fixture = Fixture::new();
    let (held, gate) = fixture.hold_writer().await;
    let before = write(&fixture.database, "before");
    let mut violating = Box::pin(fixture.database.write(|tx| -> Result<(), StoreError> {
        tx.execute("INSERT INTO replies (note) VALUES (99)", [])?;
        Ok(())
    }));
    assert!(violating.as_mut().now_or_never().is_none());
    drop(gate);
    // It may have shared the commit or had its own.
    held.await.ok();

    assert!(matches!(before.await, Err(StoreError::Database(_))));
    assert!(matches!(violating.await, Err(StoreError::Database(_))));
    assert_eq!(fixture.notes().await, Vec::<String>::new());
    fixture
        .database
        .write(|tx| insert(tx, "next"))
        .await
        .expect("the thread lives on");
    assert_eq!(fixture.notes().await, ["next"]);
}

#[tokio::test]
async fn a_full_disk_is_told_and_survived() {
    let fixture = Fixture::new();
    let limit = |pages: u32| {
        fixture.database.write(move |tx| -> Result<(), StoreError> {
            tx.pragma_update_and_check(None, "max_page_count", pages, |_row| Ok(()))?;
            Ok(())
        })
    };
    limit(1).await.expect("a limit");
    let (held, gate) = fixture.hold_writer().await;
    let before = write(&fixture.database, "before");
    let text = "x".repeat(100_000);
    let mut full = Box::pin(fixture.database.write(move |tx| insert(tx, &text)));
    assert!(full.as_mut().now_or_never().is_none());
    let after = write(&fixture.database, "after");
    drop(gate);
    held.await.expect("the holding job");
    // SQLite drops the whole transaction, so the neighbours are told as well.
    assert_eq!(before.await, Err(StoreError::Aborted));
    assert_eq!(full.await, Err(StoreError::DiskFull));
    assert_eq!(after.await, Err(StoreError::Aborted));
    limit(100_000).await.expect("no limit");
    fixture
        .database
        .write(|tx| insert(tx, "fits"))
        .await
        .expect("room again");
    assert_eq!(fixture.notes().await, ["fits"]);
}

#[tokio::test]
async fn a_full_queue_answers_at_once() {
    let fixture = Fixture::with(&Tuning {
        write_queue: 2,
        ..Tuning::default()
    });
    let (held, gate) = fixture.hold_writer().await;
    let queued = [write(&fixture.database, "1"), write(&fixture.database, "2")];
    let refused = fixture.database.write(|tx| insert(tx, "3")).now_or_never();
    assert_eq!(refused, Some(Err(StoreError::Overloaded)));
    drop(gate);
    held.await.expect("the holding job");
    for answer in join_all(queued).await {
        answer.expect("a queued job");
    }
    assert_eq!(fixture.notes().await, ["1", "2"]);
}

#[tokio::test]
async fn a_reader_cannot_write_and_survives_a_panic() {
    let fixture = Fixture::with(&Tuning {
        readers: 1,
        ..Tuning::default()
    });
    let written = fixture
        .database
        .read(|connection| insert(connection, "never"))
        .await;
    assert!(
        matches!(written, Err(StoreError::DiskFailed(_))),
        "as a file that is read-only"
    );
    let panicked: Result<(), StoreError> = fixture.database.read(|_connection| panic!("on purpose")).await;
    assert_eq!(panicked, Err(StoreError::Panicked));
    assert_eq!(fixture.notes().await, Vec::<String>::new());
}

#[tokio::test]
async fn closing_finishes_what_is_queued_and_empties_the_wal() {
    let fixture = Fixture::new();
    let (held, gate) = fixture.hold_writer().await;
    let queued = write(&fixture.database, "queued");
    let mut closing = Box::pin(fixture.database.close());
    let early = tokio::time::timeout(Duration::from_millis(20), closing.as_mut()).await;
    assert!(early.is_err(), "the writer is held");
    drop(gate);
    held.await.expect("the holding job");
    queued.await.expect("the queued job");
    closing.await;

    assert_eq!(
        fixture.database.write(|tx| insert(tx, "late")).await,
        Err(StoreError::Closed)
    );
    assert_eq!(fixture.database.read(all_notes).await, Err(StoreError::Closed));
    fixture.database.close().await;
    assert!(!fixture.path().with_extension("db-wal").exists());
    let reopened = <Database>::open(&fixture.path(), &NOTES, &Tuning::default()).expect("a database");
    assert_eq!(reopened.read(all_notes).await, Ok(vec![String::from("queued")]));
}

/// What a kill leaves: the file and its WAL as they are at this moment.
fn crash_image(from: &Path) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let to = directory.path().join("notes.db");
    fs::copy(from, &to).expect("the file");
    fs::copy(from.with_extension("db-wal"), to.with_extension("db-wal")).expect("its WAL");
    (directory, to)
}

#[tokio::test]
async fn what_was_answered_survives_a_kill() {
    let fixture = Fixture::new();
    fixture
        .database
        .write(|tx| insert(tx, "kept"))
        .await
        .expect("a write");
    let (_directory, path) = crash_image(&fixture.path());
    let reopened = <Database>::open(&path, &NOTES, &Tuning::default()).expect("a database");
    assert_eq!(reopened.read(all_notes).await, Ok(vec![String::from("kept")]));
}

#[test]
fn a_newer_schema_is_refused() {
    let fixture = Fixture::new();
    let newer = Schema {
        migrations: const {
            &[
                NOTES.migrations[0],
                ("V2__more", "CREATE TABLE more (id INTEGER)"),
            ]
        },
        ..NOTES
    };
    <Database>::open(&fixture.path(), &newer, &Tuning::default()).expect("an upgrade");
    let refused = <Database>::open(&fixture.path(), &NOTES, &Tuning::default()).expect_err("a refusal");
    assert!(matches!(
        refused,
        OpenError::NewerSchema {
            found: 2,
            known: 1,
            ..
        }
    ));
    assert!(
        refused
            .to_string()
            .contains("start the Postern version that last used this file")
    );
}

#[test]
fn a_migration_and_its_record_are_one() {
    let fixture = Fixture::new();
    let with_second = |sql| Schema {
        migrations: Box::leak(Box::new([NOTES.migrations[0], ("V2__more", sql)])),
        ..NOTES
    };
    // Comes as far as its record, and no further.
    let cut_short = with_second(
        "CREATE TABLE more (id INTEGER);
         CREATE TRIGGER cut BEFORE INSERT ON refinery_schema_history BEGIN SELECT RAISE(ABORT, 'cut short'); END;",
    );
    let refused = <Database>::open(&fixture.path(), &cut_short, &Tuning::default()).expect_err("a refusal");
    assert!(refused.to_string().contains("cut short"), "{refused}");
    let whole = with_second("CREATE TABLE more (id INTEGER)");
    <Database>::open(&fixture.path(), &whole, &Tuning::default()).expect("nothing is there of it");
}

#[test]
fn an_edited_migration_is_refused() {
    let fixture = Fixture::new();
    let edited = Schema {
        migrations: &[("V1__notes", "CREATE TABLE other (id INTEGER)")],
        ..NOTES
    };
    let refused = <Database>::open(&fixture.path(), &edited, &Tuning::default()).expect_err("a refusal");
    assert!(matches!(refused, OpenError::Migration { .. }), "{refused}");
}

#[test]
fn a_file_of_something_else_is_refused() {
    let fixture = Fixture::new();
    let keys = Schema {
        name: "keys",
        application_id: 1,
        ..NOTES
    };
    let refused = <Database>::open(&fixture.path(), &keys, &Tuning::default()).expect_err("a refusal");
    assert!(
        matches!(refused, OpenError::WrongFile { expected: "keys", .. }),
        "{refused}"
    );

    let text = fixture.directory.path().join("text.db");
    fs::write(
        &text,
        "This is no database, however long one reads it. ".repeat(100),
    )
    .expect("a file");
    let refused = <Database>::open(&text, &NOTES, &Tuning::default()).expect_err("a refusal");
    assert!(matches!(refused, OpenError::WrongFile { .. }), "{refused}");
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_can_read_the_files() {
    use std::os::unix::fs::PermissionsExt;
    let fixture = Fixture::new();
    fixture
        .database
        .write(|tx| insert(tx, "private"))
        .await
        .expect("a write");
    for extension in ["db", "db-wal", "db-shm"] {
        let metadata = fs::metadata(fixture.path().with_extension(extension)).expect("a file");
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600, "{extension}");
    }
}

#[tokio::test]
async fn the_writer_flushes_every_commit() {
    let fixture = Fixture::new();
    let settings = fixture
        .database
        .write(|tx| -> Result<(i64, String), StoreError> {
            Ok((
                tx.pragma_query_value(None, "synchronous", |row| row.get(0))?,
                tx.pragma_query_value(None, "journal_mode", |row| row.get(0))?,
            ))
        })
        .await;
    assert_eq!(settings, Ok((2, String::from("wal"))));
}
