//! What jobs put off to the end of their commit.

use std::cell::{Cell, RefCell};

use super::*;

/// Notes that are put off; each write of them is numbered.
#[derive(Default)]
struct Later {
    notes: RefCell<Vec<String>>,
    version: Cell<u64>,
}

impl Later {
    fn put_off(&self, text: &str) {
        self.version.set(self.version.get() + 1);
        self.notes.borrow_mut().push(text.to_owned());
    }
}

impl Deferred for Later {
    fn write(&self, tx: &Connection) -> Result<(), StoreError> {
        let notes = self.notes.take();
        if notes.is_empty() {
            return Ok(());
        }
        insert(tx, &notes.join("+"))
    }

    fn clear(&self) {
        self.notes.take();
    }

    fn version(&self) -> u64 {
        self.version.get()
    }
}

struct Notes {
    _directory: TempDir,
    database: Database<Later>,
}

type Answer<'a> = std::pin::Pin<Box<dyn Future<Output = Result<(), AppError>> + 'a>>;

impl Notes {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("notes.db");
        let database = Database::open(&path, &NOTES, &Tuning::default()).expect("a database");
        Self {
            _directory: directory,
            database,
        }
    }

    /// Queues a job and leaves it to run with others.
    fn queue(
        &self,
        work: impl Fn(&Connection, &Later) -> Result<(), AppError> + Send + 'static,
    ) -> Answer<'_> {
        let mut queued: Answer<'_> = Box::pin(self.database.write_deferring(work, |_done| {}));
        assert!(queued.as_mut().now_or_never().is_none(), "the writer is held");
        queued
    }

    fn put_off(&self, text: &'static str) -> Answer<'_> {
        self.queue(move |_tx, later| {
            later.put_off(text);
            Ok(())
        })
    }

    /// Runs what `queue` queues in one commit, unless it has to be run apart.
    async fn in_one_commit<'a>(
        &'a self,
        queue: impl FnOnce() -> Vec<Answer<'a>>,
    ) -> Vec<Result<(), AppError>> {
        let (started, has_started) = sync_channel(1);
        let (release, released): (SyncSender<()>, Receiver<()>) = sync_channel(1);
        let mut held = Box::pin(self.database.write(move |_tx| {
            started.send(()).ok();
            released.recv().ok();
            Ok::<_, StoreError>(())
        }));
        assert!(held.as_mut().now_or_never().is_none());
        tokio::task::spawn_blocking(move || has_started.recv())
            .await
            .expect("a wait")
            .expect("a start");
        let queued = queue();
        drop(release);
        held.await.expect("the holding job");
        join_all(queued).await
    }

    async fn all(&self) -> Vec<String> {
        self.database.read(all_notes).await.expect("a read")
    }
}

#[tokio::test]
async fn it_is_written_once_for_the_jobs_of_a_commit() {
    let notes = Notes::new();
    let answers = notes
        .in_one_commit(|| ["1", "2", "3"].map(|text| notes.put_off(text)).into())
        .await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(notes.all().await, ["1+2+3"]);
    let answers = notes.in_one_commit(|| vec![notes.put_off("4")]).await;
    assert_eq!(answers, [Ok(())]);
    assert_eq!(
        notes.all().await,
        ["1+2+3", "4"],
        "nothing is left of the commit before"
    );
}

#[tokio::test]
async fn a_job_that_looks_itself_finds_it_written() {
    let notes = Notes::new();
    let answers = notes
        .in_one_commit(|| {
            let first = notes.put_off("1");
            let mut look: Answer<'_> = Box::pin(notes.database.write(|tx| {
                let found = all_notes(tx)?;
                Ok(insert(tx, &format!("saw {}", found.join(" ")))?)
            }));
            assert!(look.as_mut().now_or_never().is_none(), "the writer is held");
            vec![first, look, notes.put_off("2")]
        })
        .await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(notes.all().await, ["1", "saw 1", "2"]);
}

#[tokio::test]
async fn what_a_failed_job_put_off_is_not_written() {
    let notes = Notes::new();
    let answers = notes
        .in_one_commit(|| {
            vec![
                notes.put_off("1"),
                notes.queue(|_tx, later| {
                    later.put_off("never");
                    Err(AppError::Refused)
                }),
                notes.queue(|_tx, later| {
                    later.put_off("never");
                    panic!("on purpose")
                }),
                notes.put_off("2"),
            ]
        })
        .await;
    let panicked = Err(AppError::Store(StoreError::Panicked));
    assert_eq!(answers, [Ok(()), Err(AppError::Refused), panicked, Ok(())]);
    assert_eq!(notes.all().await, ["1", "2"], "each job wrote its own");
}

#[tokio::test]
async fn what_cannot_be_written_fails_only_the_job_that_put_it_off() {
    let notes = Notes::new();
    let answers = notes.in_one_commit(|| vec![notes.put_off("there")]).await;
    assert_eq!(answers, [Ok(())]);
    let answers = notes
        .in_one_commit(|| {
            let neighbour = |text: &'static str| notes.queue(move |tx, _later| Ok(insert(tx, text)?));
            vec![neighbour("before"), notes.put_off("there"), neighbour("after")]
        })
        .await;
    assert_eq!((&answers[0], &answers[2]), (&Ok(()), &Ok(())));
    assert!(
        matches!(&answers[1], Err(AppError::Store(StoreError::Database(reason))) if reason.contains("UNIQUE"))
    );
    assert_eq!(notes.all().await, ["there", "before", "after"]);
}
