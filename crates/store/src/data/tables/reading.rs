//! A page of messages whose places are known from elsewhere: an index of words, or of what is parked.

use std::ops::ControlFlow;

use postern_domain::WorkspaceId;
use rusqlite::Connection;

use super::history::Sieve;
use crate::StoreError;
use crate::data::records::{Message, MessageFilter, Page, PageStart};

/// The most messages one page looks at, to see whether they pass the filter.
const MOST_EXAMINED: usize = 4_000;

/// A page in the making. Places are shown to it newest first.
pub(in crate::data) struct Reading<'a> {
    sieve: Sieve<'a>,
    limit: usize,
    examined: usize,
    /// What comes before it is still to be looked at.
    before: i64,
    rows: Vec<Message>,
}

impl<'a> Reading<'a> {
    /// Begins with what comes before `before`.
    pub(in crate::data) fn new(
        connection: &'a Connection,
        workspace: WorkspaceId,
        filter: &'a MessageFilter,
        limit: usize,
        before: i64,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            sieve: Sieve::new(connection, workspace, filter)?,
            limit,
            examined: 0,
            before,
            rows: Vec::new(),
        })
    }

    /// Where it stands: what comes before this place was not shown yet.
    pub(in crate::data) fn before(&self) -> i64 {
        self.before
    }

    /// Nothing is left from this place on.
    pub(in crate::data) fn skip_to(&mut self, place: i64) {
        self.before = place;
    }

    /// Takes the message at a place, if it passes the filter; breaks when it is one too many.
    pub(in crate::data) fn look(&mut self, seq: i64) -> Result<ControlFlow<()>, StoreError> {
        if self.examined == MOST_EXAMINED {
            return Ok(ControlFlow::Break(()));
        }
        self.examined += 1;
        if let Some(message) = self.sieve.one(seq)? {
            if self.rows.len() == self.limit {
                return Ok(ControlFlow::Break(()));
            }
            self.rows.push(message);
        }
        self.before = seq;
        Ok(ControlFlow::Continue(()))
    }

    /// What there is; the next page goes on from here, if there is more.
    pub(in crate::data) fn finish(self, more: bool) -> Page<Message> {
        Page {
            next: more.then_some(PageStart(self.before.cast_unsigned())),
            rows: self.rows,
        }
    }
}
