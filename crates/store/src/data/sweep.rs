//! Forgetting what is old, a little at a time: each call is one short write, so that no other write waits for long.

use postern_domain::Timestamp;

use super::store::Store;
use super::tables::{attempts, audit, batches, deliveries, events, history, idempotency};
use crate::StoreError;

/// Rows looked at in one write.
const AT_ONCE: usize = 500;

/// What is swept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Swept {
    /// Idempotency records.
    IdempotencyRecords,
    /// Messages that have ended. What is still to be sent stays, however old it is.
    Messages,
    /// Batches that no message is left of.
    Batches,
    /// Events.
    Events,
    /// Deliveries that were given up, once the log has their events no more.
    ParkedDeliveries,
    /// Tries to deliver events.
    Attempts,
    /// What was done with API keys. What operators did stays.
    Acts,
}

impl Swept {
    /// Everything that is swept.
    pub const ALL: [Self; 7] = [
        Self::IdempotencyRecords,
        Self::Messages,
        Self::Batches,
        Self::Events,
        Self::ParkedDeliveries,
        Self::Attempts,
        Self::Acts,
    ];
}

impl Store {
    /// Deletes some of what was made before `before`, from place `from` on; 0 begins with the oldest.
    ///
    /// Answers where the next call goes on; `None` when nothing old is left.
    ///
    /// # Errors
    /// The store failed.
    pub async fn sweep(&self, what: Swept, before: Timestamp, from: u64) -> Result<Option<u64>, StoreError> {
        self.database
            .write(move |tx| match what {
                Swept::IdempotencyRecords => {
                    let deleted = idempotency::sweep(tx, before, AT_ONCE)?;
                    Ok((deleted == AT_ONCE).then_some(0))
                }
                Swept::Messages => history::sweep(tx, before, from, AT_ONCE),
                Swept::Batches => batches::sweep(tx, before, from, AT_ONCE),
                Swept::Events => events::sweep(tx, before, AT_ONCE).map(|more| more.then_some(0)),
                Swept::ParkedDeliveries => deliveries::sweep(tx, AT_ONCE).map(|more| more.then_some(0)),
                Swept::Attempts => attempts::sweep(tx, before, AT_ONCE).map(|more| more.then_some(0)),
                Swept::Acts => audit::sweep(tx, before, AT_ONCE).map(|more| more.then_some(0)),
            })
            .await
    }
}
