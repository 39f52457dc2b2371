//! The one thread that writes to a file, and commits what has queued up meanwhile in one go.
//!
//! Jobs hardly ever fail after they wrote something, and a savepoint for each would cost as much as the job: SQLite
//! copies every page that is touched inside one. So they run without, and when one does fail after it wrote, the
//! transaction is rolled back and all its jobs run again, with a savepoint each. Hence a job may run twice.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot, watch};

use super::{OpenError, Schema, StoreError, WriterMeters};

/// The most jobs one commit takes: enough to make the disk's flush small against the jobs' own cost, few
/// enough that nobody waits long for the neighbours.
const MOST_JOBS_PER_COMMIT: usize = 512;

/// Sends jobs to the writer thread and waits for their answers.
///
/// Dropping it without [`Writer::close`] lets the thread finish what is queued and end by itself.
#[derive(Debug)]
pub(crate) struct Writer {
    queue: mpsc::Sender<Message>,
    thread: Mutex<Option<JoinHandle<()>>>,
    watched: watch::Receiver<u64>,
    meters: Arc<WriterMeters>,
}

enum Message {
    Run(Box<dyn Job>),
    Close(oneshot::Sender<()>),
}

impl Writer {
    /// Starts the thread that owns `connection`. `queue` is how many jobs may wait.
    pub(super) fn start(schema: &Schema, connection: Connection, queue: usize) -> Result<Self, OpenError> {
        let (sender, receiver) = mpsc::channel(queue);
        let (told, watched) = watch::channel(0);
        let told = Told {
            query: schema.watched,
            sender: told,
        };
        told.look(&connection)
            .map(|number| told.tell(number))
            .unwrap_or_else(|error| tracing::warn!(%error, "what is watched could not be read"));
        let meters = Arc::<WriterMeters>::default();
        let counted = Arc::clone(&meters);
        let thread = thread::Builder::new()
            .name(format!("{}-writer", schema.name))
            .spawn(move || write_until_closed(connection, receiver, &told, &counted))
            .map_err(OpenError::Thread)?;
        Ok(Self {
            queue: sender,
            thread: Mutex::new(Some(thread)),
            watched,
            meters,
        })
    }

    /// The number that the schema watches, as of the last commit.
    pub(super) fn watch(&self) -> watch::Receiver<u64> {
        self.watched.clone()
    }

    /// What was counted of its work.
    pub(super) fn meters(&self) -> &Arc<WriterMeters> {
        &self.meters
    }

    /// How many jobs wait for a commit.
    pub(super) fn waiting(&self) -> usize {
        self.queue.max_capacity() - self.queue.capacity()
    }

    /// Runs `work` inside the next commit and answers after that commit.
    ///
    /// `Err` from `work` rolls back what `work` did and nothing else. The caller's error type may be its own;
    /// it only has to be able to say what the store itself reports: [`StoreError::Overloaded`] at once when
    /// the queue is full, [`StoreError::Panicked`], or why the commit failed, which every job in it is told.
    ///
    /// Once queued, `work` runs even if the caller stops waiting. It may run twice; then nothing is left in the
    /// database of the first time.
    pub(crate) async fn run<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: Fn(&Connection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.run_then(work, |_done: &T| {}).await
    }

    /// The same; `committed` is called with the answer on the writer's thread, once, after the commit, whether or not
    /// anybody still waits for it.
    pub(crate) async fn run_then<T, E, F, C>(&self, work: F, committed: C) -> Result<T, E>
    where
        F: Fn(&Connection) -> Result<T, E> + Send + 'static,
        C: FnOnce(&T) + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (sender, answer) = oneshot::channel();
        let job = Box::new(Queued {
            work,
            committed,
            outcome: None,
            answer: sender,
        });
        self.queue
            .try_send(Message::Run(job))
            .map_err(|refused| match refused {
                mpsc::error::TrySendError::Full(_) => StoreError::Overloaded,
                mpsc::error::TrySendError::Closed(_) => StoreError::Closed,
            })?;
        answer
            .await
            .unwrap_or_else(|_gone| Err(StoreError::Closed.into()))
    }

    /// Finishes what is queued, moves the WAL into the file, and ends the thread. Later calls find it closed.
    pub(crate) async fn close(&self) {
        let (sender, done) = oneshot::channel();
        if self.queue.send(Message::Close(sender)).await.is_ok() {
            // An error means that another `close` was first; the thread is gone either way.
            done.await.ok();
        }
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        // `done` was the last thing the thread did, so this does not block.
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the writer thread of a database ended with a panic");
        }
    }
}

/// A job with its result type hidden.
trait Job: Send {
    /// Does the work and keeps its outcome, in place of an earlier one; tells whether to keep what it wrote.
    fn run(&mut self, connection: &Connection) -> bool;
    /// Tells the caller: the job's own outcome, or why its commit failed.
    fn answer(self: Box<Self>, commit: Result<(), StoreError>);
}

struct Queued<F, C, T, E> {
    work: F,
    committed: C,
    outcome: Option<Result<T, E>>,
    answer: oneshot::Sender<Result<T, E>>,
}

impl<F, C, T, E> Job for Queued<F, C, T, E>
where
    F: Fn(&Connection) -> Result<T, E> + Send,
    C: FnOnce(&T) + Send,
    T: Send,
    E: From<StoreError> + Send,
{
    fn run(&mut self, connection: &Connection) -> bool {
        let outcome = catch_unwind(AssertUnwindSafe(|| (self.work)(connection)))
            .unwrap_or_else(|_reported_by_the_hook| Err(StoreError::Panicked.into()));
        let keep = outcome.is_ok();
        self.outcome = Some(outcome);
        keep
    }

    fn answer(self: Box<Self>, commit: Result<(), StoreError>) {
        let outcome = match (commit, self.outcome) {
            (Ok(()), Some(outcome)) => outcome,
            (Ok(()), None) => Err(StoreError::Closed.into()),
            (Err(error), _) => Err(error.into()),
        };
        if let Ok(done) = &outcome {
            (self.committed)(done);
        }
        // Whoever asked may have stopped waiting.
        self.answer.send(outcome).ok();
    }
}

/// Whom the watched number is told to.
struct Told {
    query: Option<&'static str>,
    sender: watch::Sender<u64>,
}

impl Told {
    fn look(&self, connection: &Connection) -> Result<u64, StoreError> {
        let Some(query) = self.query else {
            return Ok(0);
        };
        let number: i64 = connection
            .prepare_cached(query)?
            .query_row([], |row| row.get(0))?;
        Ok(number.cast_unsigned())
    }

    fn tell(&self, number: u64) {
        self.sender.send_if_modified(|told| {
            let changed = *told != number;
            *told = number;
            changed
        });
    }
}

fn write_until_closed(
    connection: Connection,
    mut queue: mpsc::Receiver<Message>,
    told: &Told,
    meters: &WriterMeters,
) {
    let mut closing = Vec::new();
    let mut batch = Vec::new();
    while let Some(message) = next(&mut queue, !closing.is_empty()) {
        collect(message, &mut batch, &mut closing);
        while batch.len() < MOST_JOBS_PER_COMMIT
            && let Ok(message) = queue.try_recv()
        {
            collect(message, &mut batch, &mut closing);
        }
        let (jobs, began) = (batch.len(), Instant::now());
        let committed = commit_batch(&connection, &mut batch, told);
        meters.note(jobs, began.elapsed(), committed.is_ok());
        match committed {
            Ok(()) => batch.drain(..).for_each(|job| job.answer(Ok(()))),
            Err(failure) => fail_batch(&mut batch, &failure),
        }
    }
    // Whatever is sent from here on finds nobody, before anything is told that the database is closed.
    drop(queue);
    let checkpoint = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_row| Ok(()));
    if let Err(error) = checkpoint {
        tracing::warn!(%error, "the WAL stays beside the database; the next start reads it");
    }
    drop(connection);
    for done in closing {
        done.send(()).ok();
    }
}

/// The next message; when closing, only if one is there already.
fn next(queue: &mut mpsc::Receiver<Message>, closing: bool) -> Option<Message> {
    if closing {
        queue.close();
    }
    queue.blocking_recv()
}

fn collect(message: Message, batch: &mut Vec<Box<dyn Job>>, closing: &mut Vec<oneshot::Sender<()>>) {
    match message {
        Message::Run(job) => batch.push(job),
        Message::Close(done) => closing.push(done),
    }
}

/// Why a transaction is gone, and the number of the job whose own error says more.
struct Failure {
    error: StoreError,
    culprit: Option<usize>,
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self { error, culprit: None }
    }
}

fn fail_batch(batch: &mut Vec<Box<dyn Job>>, failure: &Failure) {
    tracing::error!(error = %failure.error, jobs = batch.len(), "a database commit failed");
    for (number, job) in batch.drain(..).enumerate() {
        let own = failure.culprit == Some(number);
        job.answer(if own { Ok(()) } else { Err(failure.error.clone()) });
    }
}

/// Runs the jobs in one transaction. A failure means that nothing of any of them is in the database.
fn commit_batch(connection: &Connection, batch: &mut [Box<dyn Job>], told: &Told) -> Result<(), Failure> {
    if batch.is_empty() {
        return Ok(());
    }
    let committed = begin_run_commit(connection, batch, told);
    if committed.is_err()
        && !connection.is_autocommit()
        && let Err(error) = execute(connection, "ROLLBACK")
    {
        tracing::error!(%error, "a failed transaction could not be rolled back; the next one tries again");
    }
    committed
}

fn begin_run_commit(connection: &Connection, batch: &mut [Box<dyn Job>], told: &Told) -> Result<(), Failure> {
    begin(connection)?;
    if run_together(connection, batch)? == Together::Spoilt {
        begin(connection)?;
        run_apart(connection, batch)?;
    }
    // Inside of the transaction the look takes no lock of its own.
    let number = told.look(connection)?;
    execute(connection, "COMMIT")?;
    told.tell(number);
    Ok(())
}

fn begin(connection: &Connection) -> Result<(), StoreError> {
    if !connection.is_autocommit() {
        execute(connection, "ROLLBACK")?;
    }
    execute(connection, "BEGIN IMMEDIATE")
}

#[derive(PartialEq)]
enum Together {
    /// What the transaction holds may be committed.
    Done,
    /// A job failed after it wrote something, so all that the transaction holds has to go.
    Spoilt,
}

fn run_together(connection: &Connection, batch: &mut [Box<dyn Job>]) -> Result<Together, Failure> {
    for (number, job) in batch.iter_mut().enumerate() {
        let before = connection.total_changes();
        let keep = run(connection, job.as_mut(), number)?;
        if !keep && connection.total_changes() != before {
            return Ok(Together::Spoilt);
        }
    }
    Ok(Together::Done)
}

fn run_apart(connection: &Connection, batch: &mut [Box<dyn Job>]) -> Result<(), Failure> {
    for (number, job) in batch.iter_mut().enumerate() {
        execute(connection, "SAVEPOINT job")?;
        if !run(connection, job.as_mut(), number)? {
            execute(connection, "ROLLBACK TO job")?;
        }
        execute(connection, "RELEASE job")?;
    }
    Ok(())
}

/// Runs a job; tells whether to keep what it wrote.
fn run(connection: &Connection, job: &mut dyn Job, number: usize) -> Result<bool, Failure> {
    let keep = job.run(connection);
    if connection.is_autocommit() {
        // SQLite gives up the whole transaction when the disk is full or failing.
        return Err(Failure {
            error: StoreError::Aborted,
            culprit: (!keep).then_some(number),
        });
    }
    Ok(keep)
}

fn execute(connection: &Connection, sql: &str) -> Result<(), StoreError> {
    connection.prepare_cached(sql)?.execute([])?;
    Ok(())
}
