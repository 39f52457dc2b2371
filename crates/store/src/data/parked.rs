//! Parked messages: what waits for somebody to act, and how they act.
//!
//! When a link is removed, everything that waited for its turn is parked: the operator decides whether it is still to
//! be sent once the same account is linked again. Messages that were to be sent at a later time stay scheduled, and
//! what is accepted afterwards, explicitly, waits for the account. Whatever happens, a message never leaves from
//! another account than it was accepted for.

use postern_domain::{DeviceId, MessageId, MessageStatus, ParkReason, Timestamp, WorkspaceId};
use rusqlite::Connection;

use super::claim::UNANSWERED;
use super::record::Change;
use super::records::Message;
use super::revise::{MoveError, cancel};
use super::store::Store;
use super::tables::outbox::{Entry, Lane};
use super::tables::{devices, history, messages, outbox};
use super::tally::Tally;
use crate::StoreError;

/// Messages that are moved in one write, so that others get their turn.
const AT_ONCE: usize = 500;

impl Store {
    /// Goes on parking what waited when the device was unlinked, until all of it is.
    ///
    /// # Errors
    /// The store failed.
    pub async fn park_rest(&self, device: DeviceId, now: Timestamp) -> Result<(), StoreError> {
        let step = move |tx: &Connection, tally: &Tally| {
            let Some(known) = devices::find(tx, device)? else {
                return Ok(false);
            };
            let Some(reason) = known.parking else {
                return Ok(false);
            };
            let account = devices::last_account(tx, device)?;
            park_some(Change::new(tx, tally, device, now), account, reason)?;
            Ok::<_, StoreError>(true)
        };
        while self.write_counted(step).await? {}
        Ok(())
    }

    /// Lets a parked message be sent, as if it was accepted now. Answers it.
    ///
    /// # Errors
    /// See [`MoveError`]. Nothing was changed.
    pub async fn release(
        &self,
        workspace: WorkspaceId,
        message: MessageId,
        now: Timestamp,
    ) -> Result<Message, MoveError> {
        self.write_counted(move |tx, tally| {
            let (device, seq) = messages::place(tx, workspace, message)?.ok_or(MoveError::UnknownMessage)?;
            let entry = outbox::parked(tx, device, seq)?.ok_or(MoveError::NotParked)?;
            let linked = devices::linked_account(tx, device)?.ok_or(MoveError::OtherAccount)?;
            if entry.account.is_some_and(|account| account != linked) {
                return Err(MoveError::OtherAccount);
            }
            release(Change::new(tx, tally, device, now), &entry)?;
            history::find(tx, workspace, message)?.ok_or(MoveError::UnknownMessage)
        })
        .await
    }

    /// Lets the parked messages of a device be sent that were accepted for the account it is linked to now; answers how
    /// many. Takes several commits when there are many; a call that was cut short is simply made again.
    ///
    /// # Errors
    /// See [`MoveError`].
    pub async fn release_parked(
        &self,
        workspace: WorkspaceId,
        device: DeviceId,
        now: Timestamp,
    ) -> Result<usize, MoveError> {
        let (mut released, mut store) = (0, self.clone());
        let mut from = Some(0);
        while let Some(after) = from {
            let (step, next) = store
                .write_counted(move |tx, tally| {
                    devices::find_visible(tx, workspace, device)?.ok_or(MoveError::UnknownDevice)?;
                    let linked = devices::linked_account(tx, device)?.ok_or(MoveError::OtherAccount)?;
                    let entries = outbox::parked_of(tx, device, Some(linked), after, AT_ONCE)?;
                    for entry in &entries {
                        release(Change::new(tx, tally, device, now), entry)?;
                    }
                    Ok::<_, MoveError>((entries.len(), next_step(&entries)))
                })
                .await?;
            released += step;
            (from, store) = (next, self.following());
        }
        Ok(released)
    }

    /// Cancels the parked messages of a device; answers how many. Takes several commits when there are many.
    ///
    /// # Errors
    /// See [`MoveError`].
    pub async fn cancel_parked(
        &self,
        workspace: WorkspaceId,
        device: DeviceId,
        now: Timestamp,
    ) -> Result<usize, MoveError> {
        let (mut canceled, mut store) = (0, self.clone());
        let mut from = Some(0);
        while let Some(after) = from {
            let (step, next) = store
                .write_counted(move |tx, tally| {
                    devices::find_visible(tx, workspace, device)?.ok_or(MoveError::UnknownDevice)?;
                    let entries = outbox::parked_of(tx, device, None, after, AT_ONCE)?;
                    for entry in &entries {
                        cancel(Change::new(tx, tally, device, now), entry.seq)?;
                    }
                    Ok::<_, MoveError>((entries.len(), next_step(&entries)))
                })
                .await?;
            canceled += step;
            (from, store) = (next, self.following());
        }
        Ok(canceled)
    }
}

/// Where the next write goes on, if this one was full.
fn next_step(entries: &[Entry]) -> Option<i64> {
    let last = entries.last()?;
    (entries.len() == AT_ONCE).then_some(last.seq)
}

/// Parks the first of what waits; the device's row says whether more is left.
pub(super) fn park_some(
    change: Change<'_>,
    account: Option<i64>,
    reason: ParkReason,
) -> Result<(), StoreError> {
    let Change { tx, device, .. } = change;
    let entries = outbox::waiting_of(tx, device, AT_ONCE)?;
    for entry in &entries {
        park(change, entry, account, reason)?;
    }
    let more = entries.len() == AT_ONCE;
    devices::set_parking(tx, device, more.then_some(reason))
}

/// Parks one message.
pub(super) fn park(
    change: Change<'_>,
    entry: &Entry,
    account: Option<i64>,
    reason: ParkReason,
) -> Result<(), StoreError> {
    let Change { tx, device, now, .. } = change;
    if let Some(mut known) = messages::by_seq(tx, entry.seq)? {
        if entry.lane == Lane::InFlight {
            change.apply(&mut known, MessageStatus::Retrying, None, UNANSWERED)?;
        }
        messages::note(
            tx,
            entry.seq,
            known.status,
            &format!("parked: {}", reason.name()),
            now,
        )?;
    }
    outbox::park(tx, device, entry, account, reason, now)
}

/// Its age counts from now on, so it is queued once more.
fn release(change: Change<'_>, entry: &Entry) -> Result<(), StoreError> {
    let Change { tx, device, now, .. } = change;
    if let Some(mut known) = messages::by_seq(tx, entry.seq)? {
        change.set(&mut known, MessageStatus::Queued, None, "released")?;
    }
    outbox::unpark(tx, device, entry.seq, now)
}
