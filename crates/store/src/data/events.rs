//! The event log, as webhooks, streams and lists read it.

use postern_domain::{Event, EventId, WorkspaceId};
use tokio::sync::watch;

use super::records::{EventFilter, EventPage, EventStart};
use super::store::Store;
use super::tables::log;
use crate::StoreError;

impl Store {
    /// The place of the last event of the whole daemon that is committed; changes after each commit with events.
    ///
    /// A hint to look: what a reader waits for may be another workspace's.
    #[must_use]
    pub fn watch_events(&self) -> watch::Receiver<u64> {
        self.database.watch()
    }

    /// Events of the whole daemon after `seq`, oldest first. Fewer than `limit` only at the end of the log; those of a
    /// newer release are passed over.
    ///
    /// # Errors
    /// The store failed.
    pub async fn events_after(&self, seq: u64, limit: usize) -> Result<Vec<Event>, StoreError> {
        self.database
            .read(move |connection| log::after(connection, seq, limit))
            .await
    }

    /// Events of a workspace that pass the filter; those of a newer release are passed over.
    ///
    /// A page may hold fewer than `limit`, even none, while there are more: looking for rare ones ends after a while, and
    /// `reached` says where it goes on.
    ///
    /// # Errors
    /// The store failed.
    pub async fn events(
        &self,
        workspace: WorkspaceId,
        filter: EventFilter,
        limit: usize,
        start: EventStart,
    ) -> Result<EventPage, StoreError> {
        self.database
            .read(move |connection| log::page(connection, workspace, &filter, limit, start))
            .await
    }

    /// One event.
    ///
    /// # Errors
    /// The store failed.
    pub async fn event(&self, workspace: WorkspaceId, id: EventId) -> Result<Option<Event>, StoreError> {
        self.database
            .read(move |connection| log::find(connection, workspace, id))
            .await
    }

    /// The place of an event in the log of the whole daemon ([`Event::seq`]); `None` when it is not there, or not any more.
    ///
    /// # Errors
    /// The store failed.
    pub async fn event_place(&self, workspace: WorkspaceId, id: EventId) -> Result<Option<u64>, StoreError> {
        self.database
            .read(move |connection| log::place_of(connection, workspace, id))
            .await
    }

    /// The oldest event of a workspace that is still there.
    ///
    /// # Errors
    /// The store failed.
    pub async fn oldest_event(&self, workspace: WorkspaceId) -> Result<Option<EventId>, StoreError> {
        self.database
            .read(move |connection| log::oldest(connection, workspace))
            .await
    }
}
