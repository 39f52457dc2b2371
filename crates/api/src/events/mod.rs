//! The event log over HTTP: lists, one by id, and streams that resume where a reader stopped.
//!
//! A stream is a reader with a place of its own in the log. It asks for what comes after its place, writes it, and waits
//! until there is more; nothing is queued for it, so a slow one costs the others nothing and loses nothing. What is newest
//! is read once for all streams of a workspace and kept in memory for them ([`tail`]); who is further behind reads the store.

mod entry;
mod examples;
mod feed;
mod format;
mod get;
mod list;
mod query;
mod seats;
mod stream;
mod tail;

use postern_domain::{EventId, WorkspaceId};

pub(crate) use self::examples::add_examples;
pub(crate) use self::get::*;
pub(crate) use self::list::*;
pub(crate) use self::seats::Seats;
pub(crate) use self::stream::*;
pub(crate) use self::tail::Tail;
use crate::Api;
use crate::errors::ApiError;

impl Api {
    /// The place in the log after which a reader goes on that has seen `id`.
    async fn place_of(&self, workspace: WorkspaceId, id: EventId) -> Result<u64, ApiError> {
        if let Some(place) = self.store.event_place(workspace, id).await? {
            return Ok(place);
        }
        let oldest = self.store.oldest_event(workspace).await?;
        Err(ApiError::event_gone(oldest))
    }
}
