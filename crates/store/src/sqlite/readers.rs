//! A few threads that read a file while its writer writes.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::{OpenError, StoreError};

type Job = Box<dyn FnOnce(&Connection) + Send>;
type Queue = Arc<Mutex<mpsc::Receiver<Message>>>;

/// Sends jobs to whichever reader thread is free.
///
/// Dropping it without [`Readers::close`] lets the threads finish what is queued and end by themselves.
#[derive(Debug)]
pub(crate) struct Readers {
    queue: mpsc::Sender<Message>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

enum Message {
    Run(Job),
    Close(oneshot::Sender<()>),
}

impl Readers {
    /// Starts a thread for each connection. `queue` is how many jobs may wait.
    pub(super) fn start(name: &str, connections: Vec<Connection>, queue: usize) -> Result<Self, OpenError> {
        let (sender, receiver) = mpsc::channel(queue);
        let receiver = Arc::new(Mutex::new(receiver));
        let mut threads = Vec::with_capacity(connections.len());
        for (number, connection) in connections.into_iter().enumerate() {
            let queue = Arc::clone(&receiver);
            let thread = thread::Builder::new()
                .name(format!("{name}-read-{number}"))
                .spawn(move || read_until_closed(connection, &queue))
                .map_err(OpenError::Thread)?;
            threads.push(thread);
        }
        Ok(Self {
            queue: sender,
            threads: Mutex::new(threads),
        })
    }

    /// Runs `work` on one snapshot of the database, which holds every write that was answered before.
    ///
    /// The connection refuses to write. [`StoreError::Overloaded`] comes at once when the queue is full.
    pub(crate) async fn run<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&Connection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (sender, answer) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            let outcome = catch_unwind(AssertUnwindSafe(|| in_snapshot(connection, work)))
                .unwrap_or_else(|_reported_by_the_hook| Err(StoreError::Panicked.into()));
            end_snapshot(connection);
            // Whoever asked may have stopped waiting.
            sender.send(outcome).ok();
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

    /// Finishes what is queued and ends the threads. Later calls find them closed.
    pub(crate) async fn close(&self) {
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        let mut ending = Vec::with_capacity(threads.len());
        for _thread in &threads {
            let (sender, done) = oneshot::channel();
            if self.queue.send(Message::Close(sender)).await.is_ok() {
                ending.push(done);
            }
        }
        for done in ending {
            // An error means that the thread is gone already.
            done.await.ok();
        }
        // Each said so last, so this does not block.
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("a reader thread of a database ended with a panic");
            }
        }
    }
}

fn in_snapshot<T, E: From<StoreError>>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> Result<T, E>,
) -> Result<T, E> {
    execute(connection, "BEGIN DEFERRED")?;
    work(connection)
}

fn end_snapshot(connection: &Connection) {
    if !connection.is_autocommit()
        && let Err(error) = execute(connection, "COMMIT")
    {
        tracing::error!(%error, "a read transaction did not end");
    }
}

fn execute(connection: &Connection, sql: &str) -> Result<(), StoreError> {
    connection.prepare_cached(sql)?.execute([])?;
    Ok(())
}

fn read_until_closed(connection: Connection, queue: &Queue) {
    loop {
        // The free threads wait for the lock, and the one that holds it for a message.
        let message = queue
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .blocking_recv();
        match message {
            Some(Message::Run(job)) => job(&connection),
            Some(Message::Close(done)) => {
                drop(connection);
                done.send(()).ok();
                return;
            }
            None => return,
        }
    }
}
