//! The event log as all endpoints share it: each stretch is read once and each body rendered once, however many follow.
//!
//! Endpoints that keep up stand at the same place of the log, its end; so a few stretches are kept in memory, and those
//! who fell behind read their own.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bytes::Bytes;
use postern_domain::Event;
use postern_store::{Store, StoreError};
use tokio::sync::Mutex as AsyncMutex;

/// How many places a stretch spans.
const SPAN: u64 = 64;
/// How many stretches are kept in memory.
const KEPT: usize = 16;

/// An event with its body, which is rendered when the first endpoint wants it.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) event: Event,
    body: OnceLock<Bytes>,
}

impl Entry {
    pub(crate) fn new(event: Event) -> Self {
        Self {
            event,
            body: OnceLock::new(),
        }
    }

    /// What is sent, byte for byte.
    pub(crate) fn body(&self) -> Bytes {
        let render = || postern_payloads::body(&self.event).into();
        self.body.get_or_init(render).clone()
    }
}

/// Some events in order, and how far in the log they reach.
#[derive(Debug)]
pub(crate) struct Stretch {
    pub(crate) events: Vec<Arc<Entry>>,
    pub(crate) reached: u64,
}

/// The events of a stretch, as far as they were read.
#[derive(Debug, Default)]
struct Block {
    events: Vec<Arc<Entry>>,
    /// Everything up to here was read.
    upto: u64,
}

/// Reads the event log for all endpoints.
pub(crate) struct Log {
    store: Store,
    blocks: Mutex<VecDeque<(u64, Arc<AsyncMutex<Block>>)>>,
}

impl Log {
    pub(crate) fn new(store: Store) -> Self {
        Self {
            store,
            blocks: Mutex::default(),
        }
    }

    /// The next events after `after`; `end`, which is beyond it, is the last place that is known to be committed.
    ///
    /// A stretch may hold no events and still reach further.
    pub(crate) async fn next(&self, after: u64, end: u64) -> Result<Stretch, StoreError> {
        let number = after / SPAN;
        let last = (number + 1) * SPAN;
        let block = self.block(number);
        let mut block = block.lock().await;
        block.upto = block.upto.max(number * SPAN);
        let mut reached = last;
        if block.upto < last.min(end) {
            let limit = usize::try_from(SPAN).unwrap_or(usize::MAX);
            let read = self.store.events_after(block.upto, limit).await?;
            let beyond = read.iter().map(|event| event.seq).find(|seq| *seq > last);
            let more = read.len() == limit;
            let known = read.last().map_or(0, |event| event.seq);
            let ours = read.into_iter().filter(|event| event.seq <= last);
            block.events.extend(ours.map(|event| Arc::new(Entry::new(event))));
            block.upto = if more { known } else { known.max(end) }.min(last);
            // Where many in a row were deleted, the next that is there is gone to at once.
            if let Some(seq) = beyond.filter(|_| block.events.is_empty()) {
                reached = (seq - 1).min(end.max(last));
            }
        }
        let first = block.events.partition_point(|entry| entry.event.seq <= after);
        Ok(Stretch {
            events: block.events[first..].to_vec(),
            reached: if block.upto < last { block.upto } else { reached },
        })
    }

    fn block(&self, number: u64) -> Arc<AsyncMutex<Block>> {
        let mut blocks = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, block)) = blocks.iter().find(|(known, _)| *known == number) {
            return Arc::clone(block);
        }
        let block = Arc::<AsyncMutex<Block>>::default();
        if blocks.len() == KEPT {
            blocks.pop_front();
        }
        blocks.push_back((number, Arc::clone(&block)));
        block
    }
}
