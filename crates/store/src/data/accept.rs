//! Accepting messages, exactly once per idempotency key.

use std::time::Instant;

use postern_domain::event::EventPayload;
use postern_domain::{BatchId, EventType, MessageStatus, Timestamp, WorkspaceId};
use rusqlite::Connection;

use super::quota;
use super::records::{Accepted, IdempotencyKey, NewMessage, Refusal};
use super::store::{AcceptError, Store};
use super::tables::devices::Sender;
use super::tables::outbox::{Entry, Lane};
use super::tables::{devices, events, idempotency, messages, outbox};
use super::tally::{Place, Tally};
use crate::StoreError;

impl Store {
    /// Accepts a message: its row, outbox entry, idempotency record, event and use of the quota in one transaction.
    ///
    /// An earlier acceptance with the same idempotency key is looked up first.
    ///
    /// # Errors
    /// See [`AcceptError`]. Nothing was stored.
    pub async fn accept(
        &self,
        message: NewMessage,
        idempotency: Option<IdempotencyKey>,
        now: Timestamp,
    ) -> Result<Accepted, AcceptError> {
        let asked = Instant::now();
        let forgotten = self.forgotten_before(now);
        let accepted = self
            .write_counted(move |tx, tally| {
                let key = idempotency.as_ref().map(|key| (key, forgotten));
                accept(tx, tally, &message, key, now)
            })
            .await;
        if matches!(accepted, Ok(Accepted::New)) {
            self.meters.accepts.took(asked.elapsed());
        }
        accepted
    }
}

pub(super) fn accept(
    tx: &Connection,
    tally: &Tally,
    message: &NewMessage,
    key: Option<(&IdempotencyKey, Timestamp)>,
    now: Timestamp,
) -> Result<Accepted, AcceptError> {
    if let Some((key, forgotten)) = key {
        match earlier(tx, message.workspace, key, forgotten)? {
            Earlier::Nothing => {}
            Earlier::Same { http_status, body } => return Ok(Accepted::Replayed { http_status, body }),
            Earlier::Another => return Err(AcceptError::IdempotencyConflict),
        }
    }
    let sender = devices::sender(tx, message.workspace, message.device)?;
    let sender = admit(sender.as_ref(), message)?;
    quota::take(tx, tally, message.workspace, 1, now)??;
    let status = insert(tx, tally, message, None, sender, now)?;
    let announced = announced(message, None, status);
    events::append(
        tx,
        tally,
        message.device,
        EventType::MessageAccepted,
        &announced,
        now,
    )?;
    if let Some((key, _)) = key {
        idempotency::insert(tx, message.workspace, key, &key.body, now)?;
    }
    Ok(Accepted::New)
}

/// What was accepted with an idempotency key before.
pub(super) enum Earlier {
    /// Nothing, or so long ago that it is forgotten.
    Nothing,
    /// The same request; this was its answer.
    Same { http_status: u16, body: Vec<u8> },
    /// Another request.
    Another,
}

/// Uses of the key before `forgotten` do not count.
pub(super) fn earlier(
    tx: &Connection,
    workspace: WorkspaceId,
    key: &IdempotencyKey,
    forgotten: Timestamp,
) -> Result<Earlier, StoreError> {
    Ok(match idempotency::find(tx, workspace, key, forgotten)? {
        None => Earlier::Nothing,
        Some(first) if first.fingerprint == key.fingerprint => Earlier::Same {
            http_status: first.http_status,
            body: first.body,
        },
        Some(_) => Earlier::Another,
    })
}

/// Whether the device the message is for takes it; answers the device.
pub(super) fn admit<'a>(sender: Option<&'a Sender>, message: &NewMessage) -> Result<&'a Sender, Refusal> {
    let sender = sender.ok_or(Refusal::UnknownDevice)?;
    if !sender.status.state.accepts_messages() && !message.queue_if_disconnected {
        return Err(Refusal::SessionDisconnected(sender.status));
    }
    Ok(sender)
}

/// Stores a message that was admitted, with its outbox entry, and counts it; answers its status.
pub(super) fn insert(
    tx: &Connection,
    tally: &Tally,
    message: &NewMessage,
    batch: Option<BatchId>,
    sender: &Sender,
    now: Timestamp,
) -> Result<MessageStatus, StoreError> {
    let (status, lane, due_at) = match message.scheduled_for {
        Some(later) if later > now => (MessageStatus::Scheduled, Lane::Scheduled, later),
        _ => (MessageStatus::Queued, Lane::Ready, now),
    };
    let chat = message.to.to_string();
    let seq = messages::insert_outbound(tx, message, batch, &chat, status, sender.account, now)?;
    let entry = Entry {
        seq,
        lane,
        chat,
        due_at,
        account: sender.account,
    };
    outbox::insert(tx, message.device, &entry)?;
    tally.stored(Place::of(message.workspace, message.device, now), status);
    Ok(status)
}

/// What the event of an acceptance carries.
pub(super) fn announced(message: &NewMessage, batch: Option<BatchId>, status: MessageStatus) -> EventPayload {
    EventPayload::Message {
        message: message.id,
        to: message.to.clone(),
        status,
        failure: None,
        client_reference: message.client_reference.clone(),
        metadata: message.metadata.clone(),
        batch,
    }
}
