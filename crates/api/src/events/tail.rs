//! The newest events of the workspaces that are streamed, read once for all who stream them.
//!
//! One task follows the log while anybody streams. It puts each event into the lane of its workspace, which keeps the last
//! [`KEPT`] of them, and rings the lane's bell. So an event costs the log one read, and costs streams of other workspaces
//! nothing. While nobody streams nothing is read.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use postern_domain::{Event, WorkspaceId};
use postern_runtime::{Bell, Listener, Stop};
use postern_store::{EventFilter, Store};
use tokio::sync::watch;
use tokio::time::sleep;

use super::entry::Entry;

/// Events that a lane keeps.
const KEPT: usize = 256;
/// Events that are read from the log at once.
const AT_ONCE: usize = 500;
/// Between two looks at a log that grows all the time: what comes meanwhile is told together.
const REST: Duration = Duration::from_millis(10);
/// After a look that failed.
const LONG_REST: Duration = Duration::from_secs(1);

/// Follows the log for all streams.
#[derive(Debug)]
pub(crate) struct Tail {
    told: watch::Receiver<u64>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// The place in the log up to which the lanes have everything.
    reached: u64,
    lanes: HashMap<WorkspaceId, Arc<Lane>>,
}

/// The newest events of a workspace.
#[derive(Debug)]
pub(super) struct Lane {
    bell: Bell,
    recent: Mutex<Recent>,
}

#[derive(Debug)]
struct Recent {
    /// Everything after this place is in `entries`.
    after: u64,
    entries: VecDeque<Arc<Entry>>,
}

impl Tail {
    pub(crate) fn new(store: &Store) -> Self {
        let told = store.watch_events();
        let reached = *told.borrow();
        Self {
            told,
            state: Mutex::new(State {
                reached,
                lanes: HashMap::new(),
            }),
        }
    }

    /// The place of the last event of all.
    pub(super) fn end(&self) -> u64 {
        *self.told.borrow()
    }

    /// The lane of a workspace, for as long as it is held.
    pub(super) fn lane(&self, workspace: WorkspaceId) -> Arc<Lane> {
        let mut state = lock(&self.state);
        if state.lanes.is_empty() {
            state.reached = self.end();
        }
        let after = state.reached;
        Arc::clone(state.lanes.entry(workspace).or_insert_with(|| {
            Arc::new(Lane {
                bell: Bell::new(),
                recent: Mutex::new(Recent {
                    after,
                    entries: VecDeque::new(),
                }),
            })
        }))
    }

    /// Follows the log until told to stop.
    pub(crate) async fn run(&self, store: Store, stop: Stop) {
        let mut told = self.told.clone();
        loop {
            let rest = match self.look(&store).await {
                Ok(()) => REST,
                Err(error) => {
                    tracing::warn!(%error, "streams wait: the event log could not be read");
                    LONG_REST
                }
            };
            tokio::select! {
                () = stop.pulled() => return,
                () = sleep(rest) => {}
            }
            if rest == REST {
                tokio::select! {
                    () = stop.pulled() => return,
                    changed = told.changed() => if changed.is_err() { return },
                }
            }
        }
    }

    /// Puts everything new into the lanes.
    async fn look(&self, store: &Store) -> Result<(), postern_store::StoreError> {
        while let Some(after) = self.behind() {
            let events = store.events_after(after, AT_ONCE).await?;
            let last = events.len() < AT_ONCE;
            self.spread(events);
            if last {
                break;
            }
        }
        Ok(())
    }

    /// From where to read on; `None` while nobody streams.
    fn behind(&self) -> Option<u64> {
        let mut state = lock(&self.state);
        state.lanes.retain(|_, lane| Arc::strong_count(lane) > 1);
        if state.lanes.is_empty() {
            return None;
        }
        Some(state.reached)
    }

    fn spread(&self, events: Vec<Event>) {
        let mut state = lock(&self.state);
        let mut grown = HashMap::new();
        for event in events {
            state.reached = state.reached.max(event.seq);
            if let Some(lane) = state.lanes.get(&event.workspace) {
                grown.entry(event.workspace).or_insert_with(|| Arc::clone(lane));
                lane.push(event);
            }
        }
        drop(state);
        grown.into_values().for_each(|lane| lane.bell.ring());
    }
}

impl Lane {
    /// Rings when there are more events.
    pub(super) fn listen(&self) -> Listener {
        self.bell.listen()
    }

    /// The place after which it has everything.
    pub(super) fn floor(&self) -> u64 {
        lock(&self.recent).after
    }

    /// Up to `limit` events after `place` that pass the filter, and the place that was reached; `None` when some of them
    /// are no longer kept.
    pub(super) fn after(
        &self,
        place: u64,
        filter: &EventFilter,
        limit: usize,
    ) -> Option<(Vec<Arc<Entry>>, u64)> {
        let recent = lock(&self.recent);
        if place < recent.after {
            return None;
        }
        let first = recent.entries.partition_point(|entry| entry.event.seq <= place);
        let (mut found, mut reached) = (Vec::new(), place);
        for entry in recent.entries.range(first..) {
            if found.len() == limit {
                break;
            }
            reached = entry.event.seq;
            let event = &entry.event;
            if filter.admits(event.kind, event.device, event.at) {
                found.push(Arc::clone(entry));
            }
        }
        Some((found, reached))
    }

    fn push(&self, event: Event) {
        let mut recent = lock(&self.recent);
        // Of a look that had begun before the lane was there.
        let last = recent
            .entries
            .back()
            .map_or(recent.after, |entry| entry.event.seq);
        if event.seq <= last {
            return;
        }
        recent.entries.push_back(Arc::new(Entry::new(event)));
        if recent.entries.len() > KEPT
            && let Some(oldest) = recent.entries.pop_front()
        {
            recent.after = oldest.event.seq;
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
