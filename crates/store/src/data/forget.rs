//! The end of a device: its waiting messages are canceled, its row goes, and its history too where that was asked for.

use postern_domain::{DeviceId, MessageStatus, Timestamp};
use rusqlite::Connection;

use super::record::Change;
use super::store::Store;
use super::tables::{devices, events, history, messages, outbox};
use super::tally::Tally;
use crate::StoreError;

/// Messages canceled or deleted in one write, so that others get their turn.
const AT_ONCE: usize = 500;
/// Events looked at in one write: no index leads to those of one device.
const EVENTS_AT_ONCE: u64 = 5_000;

impl Store {
    /// Forgets a device whose keys are wiped: its row and its outbox go, its waiting messages become `canceled`.
    /// Its messages and events stay, unless they were to be purged with it.
    ///
    /// Takes several commits when there is much of it; a call that was cut short is simply made again.
    ///
    /// # Errors
    /// The store failed.
    pub async fn forget_device(&self, id: DeviceId, now: Timestamp) -> Result<(), StoreError> {
        while self
            .write_counted(move |tx, tally| cancel_some(tx, tally, id, now))
            .await?
        {}
        let device = self.session_device(id).await?;
        if device.is_some_and(|device| device.purge) {
            self.purge(id).await?;
        }
        self.write_counted(move |tx, tally| {
            // What was accepted in between; the device takes no more once its intent is `removed`.
            while cancel_some(tx, tally, id, now)? {}
            devices::delete(tx, id)
        })
        .await
    }

    async fn purge(&self, id: DeviceId) -> Result<(), StoreError> {
        while self
            .database
            .write(move |tx| history::delete_some(tx, id, AT_ONCE))
            .await?
        {}
        let mut from = Some(0);
        while let Some(after) = from {
            from = self
                .database
                .write(move |tx| events::delete_of(tx, id, after, EVENTS_AT_ONCE))
                .await?;
        }
        Ok(())
    }
}

/// Cancels the first messages of an outbox; `false` when there was none.
fn cancel_some(tx: &Connection, tally: &Tally, device: DeviceId, now: Timestamp) -> Result<bool, StoreError> {
    let entries = outbox::first_of(tx, device, AT_ONCE)?;
    for entry in &entries {
        outbox::remove(tx, device, entry.seq, &entry.chat)?;
        let Some(mut known) = messages::by_seq(tx, entry.seq)? else {
            continue;
        };
        let change = Change::new(tx, tally, device, now);
        if known.status == MessageStatus::Processing {
            change.apply(&mut known, MessageStatus::Retrying, None, "outcome unknown")?;
        }
        change.apply(&mut known, MessageStatus::Canceled, None, "device removed")?;
    }
    Ok(!entries.is_empty())
}
