//! Batches: messages that are accepted together, in one transaction, under one idempotency key.
//!
//! The answer to a batch says which of its messages were refused, and a device's word on that is only known in the
//! transaction; so the answer is written there. A large batch occupies the writer for a while: batches take turns, one
//! in a commit, so that the writes of others are never behind more than one.

use std::collections::{BTreeSet, HashMap};

use postern_domain::{BatchId, DeviceId, EventType, MessageStatus, Timestamp, WorkspaceId};
use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::accept::{Earlier, admit, announced, earlier, insert};
use super::quota;
use super::record::Change;
use super::records::{AcceptedBatch, Batch, IdempotencyKey, NewBatch, NewMessage, Refusal, RefusedMessage};
use super::revise::{MoveError, cancel};
use super::store::{AcceptBatchError, Store};
use super::tables::devices::Sender;
use super::tables::workspaces::{self, Month};
use super::tables::{batches, devices, events, idempotency, messages};
use super::tally::Tally;
use crate::StoreError;

/// Batches that may be under way, all but one of them waiting: each is megabytes.
const UNDER_WAY: usize = 32;
/// Messages that are looked at in one write to cancel them, so that others get their turn.
const AT_ONCE: usize = 500;

/// Whose turn it is to write a batch.
#[derive(Debug)]
pub(super) struct BatchQueue {
    places: Semaphore,
    turn: Semaphore,
}

impl Default for BatchQueue {
    fn default() -> Self {
        Self {
            places: Semaphore::new(UNDER_WAY),
            turn: Semaphore::new(1),
        }
    }
}

impl Store {
    /// Accepts the messages of a batch in their order: all their rows, outbox entries and events, the batch and the
    /// idempotency record in one transaction.
    ///
    /// An earlier acceptance with the same idempotency key is looked up first. `answer` writes the answer once it is
    /// known which messages are refused; it is remembered as the key's `body`, whatever stands there.
    ///
    /// # Errors
    /// See [`AcceptBatchError`]. Nothing was stored.
    pub async fn accept_batch<A>(
        &self,
        batch: NewBatch,
        idempotency: Option<IdempotencyKey>,
        answer: A,
        now: Timestamp,
    ) -> Result<AcceptedBatch, AcceptBatchError>
    where
        A: Fn(&[RefusedMessage]) -> Result<Vec<u8>, StoreError> + Send + 'static,
    {
        let _place = self
            .batches
            .places
            .try_acquire()
            .map_err(|_none_left| StoreError::Overloaded)?;
        let turn = self.batches.turn.acquire().await;
        let _turn = turn.map_err(|_never_closed| StoreError::Closed)?;
        let forgotten = self.forgotten_before(now);
        self.write_counted(move |tx, tally| {
            let key = idempotency.as_ref().map(|key| (key, forgotten));
            accept_batch(tx, tally, &batch, key, &answer, now)
        })
        .await
    }

    /// What is refused of a batch by its devices and the quota as they are now; nothing is stored.
    ///
    /// # Errors
    /// The store failed.
    pub async fn rehearse_batch(
        &self,
        batch: NewBatch,
        now: Timestamp,
    ) -> Result<Vec<RefusedMessage>, StoreError> {
        self.database
            .read(move |connection| {
                let senders = senders(connection, &batch)?;
                let counted = workspaces::counted(connection, batch.workspace)?;
                let standing = counted.map_or_else(Default::default, |row| (row.month, row.deactivated));
                Ok(sorted_out(&batch, &senders, standing, now).1)
            })
            .await
    }

    /// One batch, and where its messages stand.
    ///
    /// # Errors
    /// The store failed.
    pub async fn batch(&self, workspace: WorkspaceId, id: BatchId) -> Result<Option<Batch>, StoreError> {
        self.database
            .read(move |connection| batches::find(connection, workspace, id))
            .await
    }

    /// Cancels the messages of a batch that were not handed to WhatsApp yet, parked or not; answers how many, and their
    /// devices. Takes several commits when there are many; a call that was cut short is simply made again.
    ///
    /// # Errors
    /// See [`MoveError`].
    pub async fn cancel_batch(
        &self,
        workspace: WorkspaceId,
        id: BatchId,
        now: Timestamp,
    ) -> Result<(usize, Vec<DeviceId>), MoveError> {
        let (mut canceled, mut involved) = (0, BTreeSet::new());
        let (mut from, mut store) = (Some(0), self.clone());
        while let Some(after) = from {
            let step =
                move |tx: &Connection, tally: &Tally| cancel_some(tx, tally, workspace, id, after, now);
            let (devices, next) = store.write_counted(step).await?;
            canceled += devices.len();
            involved.extend(devices);
            (from, store) = (next, self.following());
        }
        Ok((canceled, involved.into_iter().collect()))
    }
}

fn accept_batch(
    tx: &Connection,
    tally: &Tally,
    batch: &NewBatch,
    key: Option<(&IdempotencyKey, Timestamp)>,
    answer: impl Fn(&[RefusedMessage]) -> Result<Vec<u8>, StoreError>,
    now: Timestamp,
) -> Result<AcceptedBatch, AcceptBatchError> {
    if let Some((key, forgotten)) = key {
        match earlier(tx, batch.workspace, key, forgotten)? {
            Earlier::Nothing => {}
            Earlier::Same { http_status, body } => return Ok(AcceptedBatch::Replayed { http_status, body }),
            Earlier::Another => return Err(AcceptBatchError::IdempotencyConflict),
        }
    }
    let senders = senders(tx, batch)?;
    let month = tally.month(tx, batch.workspace)?;
    let deactivated = tally.deactivated(tx, batch.workspace)?;
    let (admitted, refused) = sorted_out(batch, &senders, (month, deactivated), now);
    let refusals = batch.refused + refused.len();
    if admitted.is_empty() || (refusals > 0 && !batch.partial) {
        return Err(AcceptBatchError::Refused(refused));
    }
    let row = Batch {
        id: batch.id,
        created_at: now,
        total: count(admitted.len() + refusals),
        refused: count(refusals),
        counts: Vec::new(),
    };
    let counted = quota::take(tx, tally, batch.workspace, admitted.len(), now)?;
    counted.map_err(|_there_was_room| StoreError::Aborted)?;
    batches::insert(tx, batch.workspace, &row)?;
    let mut devices = BTreeSet::new();
    for (message, sender) in admitted {
        let status = insert(tx, tally, message, Some(batch.id), sender, now)?;
        let payload = announced(message, Some(batch.id), status);
        events::append(
            tx,
            tally,
            message.device,
            EventType::MessageAccepted,
            &payload,
            now,
        )?;
        devices.insert(message.device);
    }
    let devices = devices.into_iter().collect();
    let body = answer(&refused)?;
    if let Some((key, _)) = key {
        idempotency::insert(tx, batch.workspace, key, &body, now)?;
    }
    Ok(AcceptedBatch::New { body, devices })
}

/// The devices that messages of the batch are for, each looked up once.
fn senders(connection: &Connection, batch: &NewBatch) -> Result<HashMap<DeviceId, Sender>, StoreError> {
    let named: BTreeSet<_> = batch.messages.iter().map(|message| message.device).collect();
    let mut senders = HashMap::new();
    for device in named {
        if let Some(sender) = devices::sender(connection, batch.workspace, device)? {
            senders.insert(device, sender);
        }
    }
    Ok(senders)
}

/// The messages that are admitted, with their devices, and those that are not: what their devices do not take, and what
/// the workspace has no quota left for, which are the last ones; all of them while it is deactivated.
fn sorted_out<'a>(
    batch: &'a NewBatch,
    senders: &'a HashMap<DeviceId, Sender>,
    (month, deactivated): (Month, Option<String>),
    now: Timestamp,
) -> (Vec<(&'a NewMessage, &'a Sender)>, Vec<RefusedMessage>) {
    let room = quota::room(month, batch.messages.len(), now);
    let (mut admitted, mut refused) = (Vec::with_capacity(batch.messages.len()), Vec::new());
    for (index, message) in batch.messages.iter().enumerate() {
        let taken =
            admit(senders.get(&message.device), message).and_then(|sender| match (room, &deactivated) {
                (_, Some(reason)) => Err(Refusal::Deactivated(reason.clone())),
                (Some(room), _) if admitted.len() >= room.messages => {
                    Err(Refusal::QuotaExceeded(room.exceeded))
                }
                _ => Ok(sender),
            });
        match taken {
            Ok(sender) => admitted.push((message, sender)),
            Err(reason) => refused.push(RefusedMessage { index, reason }),
        }
    }
    (admitted, refused)
}

/// Cancels what can be among the next messages of a batch; answers the device of each, and where to go on.
fn cancel_some(
    tx: &Connection,
    tally: &Tally,
    workspace: WorkspaceId,
    batch: BatchId,
    after: i64,
    now: Timestamp,
) -> Result<(Vec<DeviceId>, Option<i64>), MoveError> {
    if !batches::exists(tx, workspace, batch)? {
        return Err(MoveError::UnknownBatch);
    }
    let looked_at = messages::of_batch(tx, batch, after, AT_ONCE)?;
    let mut canceled = Vec::new();
    for (device, known) in &looked_at {
        if known.status.may_become(MessageStatus::Canceled) {
            let device = *device;
            cancel(Change::new(tx, tally, device, now), known.seq)?;
            canceled.push(device);
        }
    }
    let last = looked_at.last().map(|(_, known)| known.seq);
    Ok((canceled, last.filter(|_| looked_at.len() == AT_ONCE)))
}

/// Batches are far smaller than what fits.
fn count(messages: usize) -> u32 {
    u32::try_from(messages).unwrap_or(u32::MAX)
}
