//! What an operator sees at a glance, counted within bounds whatever the size of the tables.

use postern_domain::{DeviceId, MessageStatus, Timestamp, WorkspaceId};
use rusqlite::Connection;

use super::store::Store;
use crate::StoreError;

/// Messages looked at for [`Store::traffic`].
const MOST_MESSAGES: i64 = 10_000;
/// Waiting messages counted for [`Store::queue`].
const MOST_WAITING: i64 = 10_000;

/// The messages made since some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Traffic {
    /// Accepted to be sent.
    pub outbound: u64,
    /// Of these: WhatsApp's server has them.
    pub sent: u64,
    /// Of these: failed.
    pub failed: u64,
    /// Received.
    pub inbound: u64,
    /// There are more than were counted.
    pub more: bool,
}

/// What waits at a device; each number ends at 10 000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Queue {
    /// Waiting for their turn.
    pub ready: u64,
    /// Waiting for their time.
    pub scheduled: u64,
    /// Handed to WhatsApp and not acknowledged.
    pub in_flight: u64,
    /// Waiting for another attempt, or behind one that does.
    pub retrying: u64,
}

impl Store {
    /// Counts the newest messages that were made at or after `since`, at most 10 000.
    ///
    /// # Errors
    /// The store failed.
    pub async fn traffic(&self, workspace: WorkspaceId, since: Timestamp) -> Result<Traffic, StoreError> {
        self.database
            .read(move |connection| traffic(connection, workspace, since))
            .await
    }

    /// What waits at a device.
    ///
    /// # Errors
    /// The store failed.
    pub async fn queue(&self, device: DeviceId) -> Result<Queue, StoreError> {
        self.database
            .read(move |connection| {
                Ok(Queue {
                    ready: waiting(connection, device, 0)?,
                    scheduled: waiting(connection, device, 1)?,
                    in_flight: waiting(connection, device, 2)?,
                    retrying: waiting(connection, device, 3)? + waiting(connection, device, 4)?,
                })
            })
            .await
    }
}

fn traffic(connection: &Connection, workspace: WorkspaceId, since: Timestamp) -> Result<Traffic, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT status, created_at FROM messages INDEXED BY messages_by_workspace
         WHERE workspace_id = ?1 ORDER BY seq DESC LIMIT ?2",
    )?;
    let mut rows = statement.query((workspace.to_bytes(), MOST_MESSAGES))?;
    let (mut traffic, mut looked_at) = (Traffic::default(), 0);
    while let Some(row) = rows.next()? {
        // The order is that of time, but for a clock that was set.
        if row.get::<_, i64>(1)? < since.as_millis() {
            return Ok(traffic);
        }
        looked_at += 1;
        match MessageStatus::from_number(row.get(0)?) {
            Some(MessageStatus::Received) => traffic.inbound += 1,
            status => {
                traffic.outbound += 1;
                traffic.failed += u64::from(status == Some(MessageStatus::Failed));
                traffic.sent += u64::from(status.is_some_and(MessageStatus::reached_server));
            }
        }
    }
    traffic.more = looked_at == MOST_MESSAGES;
    Ok(traffic)
}

fn waiting(connection: &Connection, device: DeviceId, lane: i64) -> Result<u64, StoreError> {
    let number: i64 = connection
        .prepare_cached(
            "SELECT count(*) FROM (SELECT 1 FROM outbox WHERE device_id = ?1 AND lane = ?2 LIMIT ?3)",
        )?
        .query_row((device.to_bytes(), lane, MOST_WAITING), |row| row.get(0))?;
    Ok(number.cast_unsigned())
}
