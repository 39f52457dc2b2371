//! What one stream is sent, piece by piece, as fast as its reader takes it.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use postern_domain::WorkspaceId;
use postern_runtime::Listener;
use postern_store::{EventFilter, EventStart, StoreError};
use tokio::time::{Interval, MissedTickBehavior, interval, sleep};

use super::entry::Entry;
use super::format::Format;
use super::tail::Lane;
use crate::Api;
use crate::auth::Pass;
use crate::errors::ErrorCode;

/// How often a stream shows that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// When a key is looked up again that could not be.
const KEY_RETRY: Duration = Duration::from_secs(1);
/// Events in one piece.
const AT_ONCE: usize = 50;

/// One reader's place in the log, and what it wants of it.
pub(super) struct Feed {
    api: Arc<Api>,
    pass: Pass,
    lane: Arc<Lane>,
    listener: Listener,
    /// Rings when keys or workspaces are changed.
    access: Listener,
    heartbeat: Interval,
    wanted: Wanted,
    /// Everything up to here was sent, or is not wanted.
    place: u64,
    greeted: bool,
}

/// Which events, and how.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    pub(super) workspace: WorkspaceId,
    pub(super) filter: EventFilter,
    pub(super) format: Format,
}

impl Feed {
    pub(super) fn new(api: Arc<Api>, pass: Pass, lane: Arc<Lane>, wanted: Wanted, place: u64) -> Self {
        let mut heartbeat = interval(HEARTBEAT);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        heartbeat.reset();
        Self {
            listener: lane.listen(),
            access: api.known_keys.listen(),
            api,
            pass,
            lane,
            heartbeat,
            wanted,
            place,
            greeted: false,
        }
    }

    /// The next piece; `None` when the stream is over: the daemon stops, or the store fails, and the reader comes again; or
    /// the reader would not be let in any more, and hears why when it comes again. Then nothing more is told, not even what
    /// happened before.
    pub(super) async fn next(&mut self) -> Option<Bytes> {
        if !self.greeted {
            self.greeted = true;
            return Some(self.wanted.format.greeting());
        }
        loop {
            if self.api.stop.is_pulled() {
                return None;
            }
            let (piece, more) = match self.look().await {
                Ok(found) => found,
                Err(error) => {
                    tracing::warn!(%error, "a stream ended: the event log could not be read");
                    return None;
                }
            };
            if !self.is_still_admitted().await {
                return None;
            }
            if !piece.is_empty() {
                self.heartbeat.reset();
                return Some(piece);
            }
            if more {
                continue;
            }
            tokio::select! {
                () = self.listener.rung() => {}
                () = self.access.rung() => {}
                () = self.api.stop.pulled() => return None,
                _ = self.heartbeat.tick() => return Some(self.wanted.format.heartbeat()),
            }
        }
    }

    /// Whether the reader would be let in now; waits while that cannot be told, and nothing is told meanwhile.
    async fn is_still_admitted(&mut self) -> bool {
        while let Err(refusal) = self.api.still_admits(&self.pass).await {
            let code = refusal.code();
            if matches!(code, ErrorCode::Unauthorized | ErrorCode::Forbidden) {
                tracing::info!(code = code.name(), "a stream ended: its key is let in no more");
                return false;
            }
            tracing::warn!(code = code.name(), "a stream waits: its key cannot be looked up");
            tokio::select! {
                () = self.api.stop.pulled() => return false,
                () = sleep(KEY_RETRY) => {}
            }
        }
        true
    }

    /// What comes next, and whether there is more to look at.
    async fn look(&mut self) -> Result<(Bytes, bool), StoreError> {
        let Wanted {
            workspace,
            filter,
            format,
        } = self.wanted;
        if let Some((entries, reached)) = self.lane.after(self.place, &filter, AT_ONCE) {
            self.place = reached;
            return Ok((written(&entries, format), entries.len() == AT_ONCE));
        }
        // What is committed up to the floor of the lane is there for the query; what comes after it is in the lane.
        let floor = self.lane.floor();
        let start = EventStart::After(self.place);
        let page = self.api.store.events(workspace, filter, AT_ONCE, start).await?;
        self.place = if page.more {
            page.reached
        } else {
            page.reached.max(floor)
        };
        let entries: Vec<_> = page.events.into_iter().map(Entry::new).map(Arc::new).collect();
        Ok((written(&entries, format), true))
    }
}

fn written(entries: &[Arc<Entry>], format: Format) -> Bytes {
    let mut piece = BytesMut::new();
    for entry in entries {
        piece.extend_from_slice(&entry.frame(format));
    }
    piece.freeze()
}
