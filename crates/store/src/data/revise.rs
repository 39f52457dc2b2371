//! Changing what becomes of an accepted message: taking it back, trying it again, sending it at another time.

use postern_domain::{MessageId, MessageStatus, Timestamp, WorkspaceId};

use super::record::Change;
use super::records::Message;
use super::store::Store;
use super::tables::outbox::{Entry, Lane};
use super::tables::{devices, history, messages, outbox};
use crate::StoreError;

/// A message was not moved.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// The workspace has no such message.
    #[error("no such message")]
    UnknownMessage,
    /// The workspace has no such device.
    #[error("no such device")]
    UnknownDevice,
    /// The workspace has no such batch.
    #[error("no such batch")]
    UnknownBatch,
    /// Its status does not allow it: it was handed to WhatsApp, or has ended.
    #[error("the message is {0}")]
    InvalidStatus(MessageStatus),
    /// Its device is gone.
    #[error("the message's device was removed")]
    DeviceRemoved,
    /// It is not parked.
    #[error("the message is not parked")]
    NotParked,
    /// The device is linked to no account, or not to the one the message was accepted for.
    #[error("the device is not linked to the account the message was accepted for")]
    OtherAccount,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// Takes a message back that was not handed to WhatsApp yet, parked or not. Answers it.
    ///
    /// # Errors
    /// See [`MoveError`]. Nothing was changed.
    pub async fn cancel(
        &self,
        workspace: WorkspaceId,
        message: MessageId,
        now: Timestamp,
    ) -> Result<Message, MoveError> {
        self.write_counted(move |tx, tally| {
            let (device, seq) = messages::place(tx, workspace, message)?.ok_or(MoveError::UnknownMessage)?;
            cancel(Change::new(tx, tally, device, now), seq)?;
            history::find(tx, workspace, message)?.ok_or(MoveError::UnknownMessage)
        })
        .await
    }

    /// Queues a failed message again, as if it was accepted now, with the stanza id it had. Answers it.
    ///
    /// # Errors
    /// See [`MoveError`]. Nothing was changed.
    pub async fn retry(
        &self,
        workspace: WorkspaceId,
        message: MessageId,
        now: Timestamp,
    ) -> Result<Message, MoveError> {
        self.write_counted(move |tx, tally| {
            let (device, seq) = messages::place(tx, workspace, message)?.ok_or(MoveError::UnknownMessage)?;
            retry(Change::new(tx, tally, device, now), workspace, seq)?;
            history::find(tx, workspace, message)?.ok_or(MoveError::UnknownMessage)
        })
        .await
    }

    /// Sends a scheduled message at another time, or as soon as its turn comes. Answers it.
    ///
    /// # Errors
    /// See [`MoveError`]. Nothing was changed.
    pub async fn reschedule(
        &self,
        workspace: WorkspaceId,
        message: MessageId,
        at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Message, MoveError> {
        self.write_counted(move |tx, tally| {
            let (device, seq) = messages::place(tx, workspace, message)?.ok_or(MoveError::UnknownMessage)?;
            reschedule(Change::new(tx, tally, device, now), seq, at)?;
            history::find(tx, workspace, message)?.ok_or(MoveError::UnknownMessage)
        })
        .await
    }
}

pub(super) fn cancel(change: Change<'_>, seq: i64) -> Result<(), MoveError> {
    let mut known = messages::by_seq(change.tx, seq)?.ok_or(MoveError::UnknownMessage)?;
    if !change.apply(&mut known, MessageStatus::Canceled, None, "")? {
        return Err(MoveError::InvalidStatus(known.status));
    }
    outbox::remove(change.tx, change.device, seq, &known.chat)?;
    Ok(())
}

fn retry(change: Change<'_>, workspace: WorkspaceId, seq: i64) -> Result<(), MoveError> {
    let Change { tx, device, now, .. } = change;
    let mut known = messages::by_seq(tx, seq)?.ok_or(MoveError::UnknownMessage)?;
    if known.status != MessageStatus::Failed {
        return Err(MoveError::InvalidStatus(known.status));
    }
    devices::find_visible(tx, workspace, device)?.ok_or(MoveError::DeviceRemoved)?;
    let (account, linked) = (messages::account(tx, seq)?, devices::linked_account(tx, device)?);
    if account.is_some() && linked.is_some() && account != linked {
        return Err(MoveError::OtherAccount);
    }
    change.set(&mut known, MessageStatus::Queued, None, "retried")?;
    let entry = Entry {
        seq,
        lane: Lane::Ready,
        chat: known.chat,
        due_at: now,
        account,
    };
    outbox::insert(tx, device, &entry)?;
    Ok(())
}

fn reschedule(change: Change<'_>, seq: i64, at: Option<Timestamp>) -> Result<(), MoveError> {
    let Change { tx, device, now, .. } = change;
    let mut known = messages::by_seq(tx, seq)?.ok_or(MoveError::UnknownMessage)?;
    if known.status != MessageStatus::Scheduled {
        return Err(MoveError::InvalidStatus(known.status));
    }
    messages::set_scheduled_for(tx, seq, at)?;
    match at.filter(|at| *at > now) {
        Some(at) => outbox::shift(tx, device, seq, (Lane::Scheduled, Lane::Scheduled), at)?,
        None => {
            change.apply(&mut known, MessageStatus::Queued, None, "")?;
            outbox::shift(tx, device, seq, (Lane::Scheduled, Lane::Ready), now)?;
        }
    }
    Ok(())
}
