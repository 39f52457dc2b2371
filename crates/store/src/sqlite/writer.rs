//! The one thread that writes to a file, and commits what has queued up meanwhile in one go.
//!
//! Jobs hardly ever fail after they wrote something, and a savepoint for each would cost as much as the job: SQLite
//! copies every page that is touched inside one. So they run without, and when one does fail after it wrote, the
//! transaction is rolled back and all its jobs run again, with a savepoint each. Hence a job may run twice.
//!
//! What many jobs of a commit do to the same few rows, most of all counting in them, they may [put off](Deferred): it is
//! written once, at the end of the commit or before a job that looks at those rows itself.

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

/// What the jobs of a commit leave to be written at its end.
pub(crate) trait Deferred: Default {
    /// Writes what was put off, and forgets it.
    fn write(&self, tx: &Connection) -> Result<(), StoreError>;
    /// Forgets it, because the transaction it belongs to was rolled back.
    fn clear(&self);
    /// A number that changes with everything that is put off.
    fn version(&self) -> u64;
}

/// Nothing is ever put off.
impl Deferred for () {
    fn write(&self, _tx: &Connection) -> Result<(), StoreError> {
        Ok(())
    }

    fn clear(&self) {}

    fn version(&self) -> u64 {
        0
    }
}

/// Sends jobs to the writer thread and waits for their answers.
///
/// Dropping it without [`Writer::close`] lets the thread finish what is queued and end by itself.
#[derive(Debug)]
pub(crate) struct Writer<D> {
    queue: mpsc::Sender<Message<D>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    watched: watch::Receiver<u64>,
    meters: Arc<WriterMeters>,
}

enum Message<D> {
    Run(Box<dyn Job<D>>),
    Close(oneshot::Sender<()>),
}

impl<D: Deferred + 'static> Writer<D> {
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

    /// Runs `work` inside the next commit and answers after that commit. Work that `defers` looks at rows whose changes
    /// may be put off only through what they are put off in; other work finds nothing put off.
    ///
    /// `Err` from `work` rolls back what `work` did and nothing else. The caller's error type may be its own;
    /// it only has to be able to say what the store itself reports: [`StoreError::Overloaded`] at once when
    /// the queue is full, [`StoreError::Panicked`], or why the commit failed, which every job in it is told.
    ///
    /// Once queued, `work` runs even if the caller stops waiting. It may run twice; then nothing is left in the
    /// database of the first time.
    ///
    /// `committed` is called with the answer on the writer's thread, once, after the commit, whether or not anybody still
    /// waits for it.
    pub(super) async fn run<T, E, F, C>(&self, defers: bool, work: F, committed: C) -> Result<T, E>
    where
        F: Fn(&Connection, &D) -> Result<T, E> + Send + 'static,
        C: FnOnce(&T) + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (sender, answer) = oneshot::channel();
        let job = Box::new(Queued {
            defers,
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
trait Job<D>: Send {
    /// Whether it may run while something is put off.
    fn defers(&self) -> bool;
    /// Does the work and keeps its outcome, in place of an earlier one; tells whether to keep what it wrote. Nothing stays
    /// put off if `at_once`.
    fn run(&mut self, connection: &Connection, deferred: &D, at_once: bool) -> bool;
    /// Tells the caller: the job's own outcome, or why its commit failed.
    fn answer(self: Box<Self>, commit: Result<(), StoreError>);
}

struct Queued<F, C, T, E> {
    defers: bool,
    work: F,
    committed: C,
    outcome: Option<Result<T, E>>,
    answer: oneshot::Sender<Result<T, E>>,
}

impl<D, F, C, T, E> Job<D> for Queued<F, C, T, E>
where
    D: Deferred,
    F: Fn(&Connection, &D) -> Result<T, E> + Send,
    C: FnOnce(&T) + Send,
    T: Send,
    E: From<StoreError> + Send,
{
    fn defers(&self) -> bool {
        self.defers
    }

    fn run(&mut self, connection: &Connection, deferred: &D, at_once: bool) -> bool {
        let work = || {
            let done = (self.work)(connection, deferred)?;
            if at_once {
                deferred.write(connection)?;
            }
            Ok(done)
        };
        let outcome = catch_unwind(AssertUnwindSafe(work))
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

fn write_until_closed<D: Deferred>(
    connection: Connection,
    mut queue: mpsc::Receiver<Message<D>>,
    told: &Told,
    meters: &WriterMeters,
) {
    let deferred = D::default();
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
        let committed = commit_batch(&connection, &deferred, &mut batch, told);
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
fn next<D>(queue: &mut mpsc::Receiver<Message<D>>, closing: bool) -> Option<Message<D>> {
    if closing {
        queue.close();
    }
    queue.blocking_recv()
}

fn collect<D>(message: Message<D>, batch: &mut Vec<Box<dyn Job<D>>>, closing: &mut Vec<oneshot::Sender<()>>) {
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

fn fail_batch<D>(batch: &mut Vec<Box<dyn Job<D>>>, failure: &Failure) {
    tracing::error!(error = %failure.error, jobs = batch.len(), "a database commit failed");
    for (number, job) in batch.drain(..).enumerate() {
        let own = failure.culprit == Some(number);
        job.answer(if own { Ok(()) } else { Err(failure.error.clone()) });
    }
}

/// Runs the jobs in one transaction. A failure means that nothing of any of them is in the database.
fn commit_batch<D: Deferred>(
    connection: &Connection,
    deferred: &D,
    batch: &mut [Box<dyn Job<D>>],
    told: &Told,
) -> Result<(), Failure> {
    if batch.is_empty() {
        return Ok(());
    }
    let committed = begin_run_commit(connection, deferred, batch, told);
    // What a transaction knew may not be true in the next one.
    deferred.clear();
    if committed.is_err()
        && !connection.is_autocommit()
        && let Err(error) = execute(connection, "ROLLBACK")
    {
        tracing::error!(%error, "a failed transaction could not be rolled back; the next one tries again");
    }
    committed
}

fn begin_run_commit<D: Deferred>(
    connection: &Connection,
    deferred: &D,
    batch: &mut [Box<dyn Job<D>>],
    told: &Told,
) -> Result<(), Failure> {
    begin(connection)?;
    if run_together(connection, deferred, batch)? == Together::Spoilt {
        deferred.clear();
        begin(connection)?;
        run_apart(connection, deferred, batch)?;
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

fn run_together<D: Deferred>(
    connection: &Connection,
    deferred: &D,
    batch: &mut [Box<dyn Job<D>>],
) -> Result<Together, Failure> {
    let written = || (connection.total_changes(), deferred.version());
    for (number, job) in batch.iter_mut().enumerate() {
        if !job.defers() && !is_written(connection, deferred)? {
            return Ok(Together::Spoilt);
        }
        let before = written();
        let keep = job.run(connection, deferred, false);
        is_alive(connection, keep, number)?;
        if !keep && written() != before {
            return Ok(Together::Spoilt);
        }
    }
    Ok(match is_written(connection, deferred)? {
        true => Together::Done,
        false => Together::Spoilt,
    })
}

/// Writes what was put off. If that fails it is the fault of one of the jobs, which is found when each writes its own.
fn is_written<D: Deferred>(connection: &Connection, deferred: &D) -> Result<bool, Failure> {
    match deferred.write(connection) {
        Err(error) if connection.is_autocommit() => Err(error.into()),
        written => Ok(written.is_ok()),
    }
}

fn run_apart<D: Deferred>(
    connection: &Connection,
    deferred: &D,
    batch: &mut [Box<dyn Job<D>>],
) -> Result<(), Failure> {
    for (number, job) in batch.iter_mut().enumerate() {
        execute(connection, "SAVEPOINT job")?;
        let keep = job.run(connection, deferred, true);
        is_alive(connection, keep, number)?;
        if !keep {
            deferred.clear();
            execute(connection, "ROLLBACK TO job")?;
        }
        execute(connection, "RELEASE job")?;
    }
    Ok(())
}

/// SQLite gives up the whole transaction when the disk is full or failing.
fn is_alive(connection: &Connection, keep: bool, number: usize) -> Result<(), Failure> {
    if connection.is_autocommit() {
        return Err(Failure {
            error: StoreError::Aborted,
            culprit: (!keep).then_some(number),
        });
    }
    Ok(())
}

fn execute(connection: &Connection, sql: &str) -> Result<(), StoreError> {
    connection.prepare_cached(sql)?.execute([])?;
    Ok(())
}
