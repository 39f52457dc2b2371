//! Named tasks whose panics reach one place, and the token that stops them.

use std::borrow::Cow;
use std::future::Future;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Tells a task to stop. Clones are the same token; children stop with their parent, not the reverse.
#[derive(Debug, Clone, Default)]
pub struct Stop(CancellationToken);

impl Stop {
    /// A token that nobody has pulled.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Tells everyone who holds this token or a child of it to stop.
    pub fn pull(&self) {
        self.0.cancel();
    }

    /// Whether it was pulled.
    #[must_use]
    pub fn is_pulled(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Waits until it is pulled. Cancel-safe.
    pub async fn pulled(&self) {
        self.0.cancelled().await;
    }

    /// A token that stops with this one, or alone.
    #[must_use]
    pub fn child(&self) -> Self {
        Self(self.0.child_token())
    }
}

/// A group of named tasks that is waited for together.
#[derive(Debug, Clone, Default)]
pub struct Tasks(TaskTracker);

/// Tells whether a task that has to run for as long as the daemon does still runs.
#[derive(Debug, Clone)]
pub struct Pulse {
    name: &'static str,
    task: tokio::task::AbortHandle,
}

impl Pulse {
    /// The name of the task.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Whether the task has neither returned nor panicked.
    #[must_use]
    pub fn beats(&self) -> bool {
        !self.task.is_finished()
    }
}

/// A task panicked; the panic was logged with the task's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the task panicked")]
pub struct Panicked;

impl Tasks {
    /// An empty group.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs `future` as a task. Its panic is logged under `name` and goes no further.
    ///
    /// The handle may be dropped; the task runs on.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that spawns")]
    pub fn spawn<F>(
        &self,
        name: impl Into<Cow<'static, str>>,
        future: F,
    ) -> tokio::task::JoinHandle<Result<F::Output, Panicked>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let name = name.into();
        tokio::spawn(self.0.track_future(async move {
            AssertUnwindSafe(future).catch_unwind().await.map_err(|panic| {
                let message = panic
                    .downcast_ref::<&str>()
                    .map(|text| (*text).to_owned())
                    .or_else(|| panic.downcast_ref::<String>().cloned())
                    .unwrap_or_else(|| "no message".to_owned());
                tracing::error!(task.name = %name, panic.message = %message, "a task panicked");
                Panicked
            })
        }))
    }

    /// The same with a task that others depend on for as long as the daemon runs.
    pub fn spawn_vital<F>(&self, name: &'static str, future: F) -> Pulse
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let task = self.spawn(name, future).abort_handle();
        Pulse { name, task }
    }

    /// Waits until every task of the group has ended; tasks may still be added until then.
    pub async fn ended(&self) {
        self.0.close();
        self.0.wait().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_stays_in_its_task() {
        let tasks = Tasks::new();
        let failing = tasks.spawn("failing", async { panic!("on purpose") });
        let working = tasks.spawn("working", async { 7 });
        assert_eq!(failing.await.expect("joined"), Err::<(), _>(Panicked));
        assert_eq!(working.await.expect("joined"), Ok(7));
        tasks.ended().await;
    }

    #[tokio::test]
    async fn a_pulse_beats_until_its_task_ends() {
        let (tasks, stop) = (Tasks::new(), Stop::new());
        let ended = stop.clone();
        let pulse = tasks.spawn_vital("vital", async move { ended.pulled().await });
        assert!(pulse.beats());
        stop.pull();
        tasks.ended().await;
        while pulse.beats() {
            tokio::task::yield_now().await;
        }
        assert_eq!(pulse.name(), "vital");
    }

    #[tokio::test]
    async fn a_child_stops_with_its_parent_and_not_the_reverse() {
        let parent = Stop::new();
        let child = parent.child();
        child.pull();
        assert!(!parent.is_pulled());
        let other = parent.child();
        parent.pull();
        other.pulled().await;
    }
}
