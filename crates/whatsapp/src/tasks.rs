//! The tasks of one session: the only place of this crate where tasks are started.
//!
//! A client spawns dozens of tasks and forgets them. Here every one of them belongs to its session: a
//! panic ends this session and nothing else, and once the session has ended none of them runs any more,
//! so none can write to the key store behind the back of the client that comes after.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::time::Duration;

use futures_util::FutureExt as _;
use postern_domain::DeviceId;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use wacore::runtime::AbortHandle;
use whatsapp_rust::Runtime;

type BoxedTask = Pin<Box<dyn Future<Output = ()> + Send>>;

/// How long tasks may finish by themselves after the client has shut down.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// How long cancelled tasks may take to be dropped.
const CANCELLED: Duration = Duration::from_secs(1);

/// The tasks of one session; clones are the same tasks. It is the runtime that the client spawns with.
#[derive(Clone)]
pub(crate) struct SessionTasks {
    device: DeviceId,
    tracker: TaskTracker,
    /// Ends every task where it stands.
    cancel: CancellationToken,
    /// Asks the session to end.
    stop: CancellationToken,
}

impl SessionTasks {
    /// `stop` is cancelled when a task panics.
    pub(crate) fn new(device: DeviceId, stop: CancellationToken) -> Self {
        Self {
            device,
            tracker: TaskTracker::new(),
            cancel: CancellationToken::new(),
            stop,
        }
    }

    /// Starts a task that ends with the session.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where this crate starts tasks; their panics end the session by name"
    )]
    pub(crate) fn start(&self, task: BoxedTask) -> JoinHandle<()> {
        let tasks = self.clone();
        tokio::spawn(self.tracker.track_future(async move {
            let finished = tokio::select! {
                biased;
                () = tasks.cancel.cancelled() => return,
                finished = AssertUnwindSafe(task).catch_unwind() => finished,
            };
            if finished.is_err() {
                tracing::error!(device.id = %tasks.device, "a task of the WhatsApp client panicked; the session ends");
                tasks.stop.cancel();
            }
        }))
    }

    /// Starts the task that watches over the others, and outlives them.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where this crate starts tasks; this one reports how the session ended"
    )]
    pub(crate) fn watch_over(watch: impl Future<Output = ()> + Send + 'static) {
        // Boxed: what it waits for is large, and there is one per device.
        let _detached = tokio::spawn(Box::pin(watch) as BoxedTask);
    }

    /// Cancels the tasks of a session that does not come about, when dropped.
    pub(crate) fn cancel_on_drop(&self) -> DropGuard {
        self.cancel.clone().drop_guard()
    }

    /// Lets the tasks finish for a moment and cancels the rest. Within 1.5 s.
    pub(crate) async fn end(&self) {
        self.tracker.close();
        let _what_is_left_is_cancelled = timeout(LAST_WORDS, self.tracker.wait()).await;
        self.cancel.cancel();
        if timeout(CANCELLED, self.tracker.wait()).await.is_err() {
            tracing::error!(
                device.id = %self.device,
                tasks = self.tracker.len(),
                "tasks of a stopped WhatsApp client do not end"
            );
        }
    }
}

impl Runtime for SessionTasks {
    fn spawn(&self, task: BoxedTask) -> AbortHandle {
        let handle = self.start(task);
        AbortHandle::new(move || handle.abort())
    }

    fn spawn_detached(&self, task: BoxedTask) {
        let _detached = self.start(task);
    }

    fn sleep(&self, duration: Duration) -> BoxedTask {
        Box::pin(tokio::time::sleep(duration))
    }

    fn spawn_blocking(&self, work: Box<dyn FnOnce() + Send + 'static>) -> BoxedTask {
        Box::pin(async move {
            // Its panic is seen by the client: the answer it waits for never comes.
            let _finished = tokio::task::spawn_blocking(work).await;
        })
    }

    fn yield_now(&self) -> Option<BoxedTask> {
        None
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn tasks() -> (SessionTasks, CancellationToken) {
        let stop = CancellationToken::new();
        (SessionTasks::new(DeviceId::generate(), stop.clone()), stop)
    }

    #[tokio::test]
    async fn a_panic_ends_the_session_and_nothing_else() {
        let (tasks, stop) = tasks();
        let (_neighbours, neighbours_stop) = self::tasks();
        tasks.spawn_detached(Box::pin(async { panic!("on purpose") }));
        stop.cancelled().await;
        assert!(!neighbours_stop.is_cancelled());
    }

    #[tokio::test]
    async fn no_task_runs_after_the_end() {
        let (tasks, _stop) = tasks();
        let held = Arc::new(());
        let mut handles = Vec::new();
        for _ in 0..3 {
            let held = Arc::clone(&held);
            handles.push(tasks.spawn(Box::pin(async move {
                std::future::pending::<()>().await;
                drop(held);
            })));
        }
        tasks.end().await;
        assert_eq!(Arc::strong_count(&held), 1);
        // Too late to start anything.
        let late = tasks.start(Box::pin(std::future::pending()));
        assert!(late.await.is_ok());
    }

    #[tokio::test]
    async fn dropping_the_handle_aborts_the_task() {
        let (tasks, _stop) = tasks();
        drop(tasks.spawn(Box::pin(std::future::pending())));
        timeout(LAST_WORDS / 2, tasks.end()).await.expect("nothing left");
    }
}
