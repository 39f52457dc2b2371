//! Accepting messages, exactly once per idempotency key.

use std::time::Duration;

use postern_domain::event::EventPayload;
use postern_domain::{EventType, MessageStatus, Timestamp};
use rusqlite::Connection;

use super::records::{Accepted, IdempotencyKey, NewMessage};
use super::store::{AcceptError, Store};
use super::tables::outbox::{Entry, Lane};
use super::tables::{devices, events, idempotency, messages, outbox};
use crate::StoreError;

/// How long a key is good for.
const KEY_LIFETIME: Duration = Duration::from_hours(24);

impl Store {
    /// Accepts a message: its row, outbox entry, idempotency record and event in one transaction.
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
        self.database
            .write(move |tx| accept(tx, &message, idempotency.as_ref(), now))
            .await
    }
}

pub(super) fn accept(
    tx: &Connection,
    message: &NewMessage,
    key: Option<&IdempotencyKey>,
    now: Timestamp,
) -> Result<Accepted, AcceptError> {
    if let Some(key) = key
        && let Some(first) = replay(tx, message, key, now)?
    {
        return Ok(first);
    }
    insert(tx, message, now)?;
    if let Some(key) = key {
        idempotency::insert(tx, message.workspace, key, now)?;
    }
    Ok(Accepted::New)
}

fn replay(
    tx: &Connection,
    message: &NewMessage,
    key: &IdempotencyKey,
    now: Timestamp,
) -> Result<Option<Accepted>, AcceptError> {
    let lifetime = i64::try_from(KEY_LIFETIME.as_millis()).unwrap_or(i64::MAX);
    let oldest = Timestamp::from_millis(now.as_millis().saturating_sub(lifetime));
    match idempotency::find(tx, message.workspace, key, oldest)? {
        None => Ok(None),
        Some(first) if first.fingerprint == key.fingerprint => Ok(Some(Accepted::Replayed {
            http_status: first.http_status,
            body: first.body,
        })),
        Some(_) => Err(AcceptError::IdempotencyConflict),
    }
}

fn insert(tx: &Connection, message: &NewMessage, now: Timestamp) -> Result<(), AcceptError> {
    let sender = devices::sender(tx, message.workspace, message.device)?.ok_or(AcceptError::UnknownDevice)?;
    if !sender.status.state.accepts_messages() && !message.queue_if_disconnected {
        return Err(AcceptError::SessionDisconnected(sender.status));
    }
    let (status, lane, due_at) = match message.scheduled_for {
        Some(later) if later > now => (MessageStatus::Scheduled, Lane::Scheduled, later),
        _ => (MessageStatus::Queued, Lane::Ready, now),
    };
    let chat = message.to.to_string();
    let seq = messages::insert_outbound(tx, message, &chat, status, sender.account, now)?;
    let entry = Entry {
        seq,
        lane,
        chat,
        due_at,
        account: sender.account,
    };
    outbox::insert(tx, message.device, &entry)?;
    announce(tx, message, status, now)?;
    Ok(())
}

fn announce(
    tx: &Connection,
    message: &NewMessage,
    status: MessageStatus,
    now: Timestamp,
) -> Result<(), StoreError> {
    let payload = EventPayload::Message {
        message: message.id,
        to: message.to.clone(),
        status,
        failure: None,
    };
    events::append(tx, message.device, EventType::MessageAccepted, &payload, now)
}
