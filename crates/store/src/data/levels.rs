//! How much there is at a moment, over all workspaces: devices, what waits to be sent, what waits to be delivered.

use postern_domain::DeviceState;
use rusqlite::Connection;

use super::store::Store;
use super::tables::{devices, outbox, webhooks};
use crate::StoreError;

/// What a look at the tables finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Levels {
    /// How many devices are in each state.
    pub devices: [(DeviceState, u64); DeviceState::ALL.len()],
    /// How many messages wait in each lane of the outbox, with the lane's name. Counting ends at [`Levels::MOST`] messages
    /// together, so that looking costs the same however long the queue is.
    pub outbox: [(&'static str, u64); 6],
    /// What waits for webhooks.
    pub endpoints: EndpointLevels,
}

/// What waits for webhooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EndpointLevels {
    /// Endpoints that are enabled.
    pub enabled: u64,
    /// Endpoints that are disabled.
    pub disabled: u64,
    /// How many places of the event log the enabled endpoint has before it that is furthest behind.
    pub furthest_behind: u64,
    /// Deliveries that wait for another try; counting ends at [`Levels::MOST`].
    pub waiting: u64,
    /// Deliveries that were given up until somebody asks for them; counting ends there, too.
    pub parked: u64,
}

impl Levels {
    /// Rows of a table that are counted at most.
    pub const MOST: u32 = 500_000;
}

impl Store {
    /// Looks how much there is now.
    ///
    /// # Errors
    /// The store failed.
    pub async fn levels(&self) -> Result<Levels, StoreError> {
        let end = *self.database.watch().borrow();
        self.database
            .read(move |connection| levels(connection, end))
            .await
    }
}

fn levels(connection: &Connection, end: u64) -> Result<Levels, StoreError> {
    let states = devices::states(connection)?;
    let number = |state| {
        let found = states.iter().find(|(known, _)| *known == state);
        found.map_or(0, |(_, number)| *number)
    };
    Ok(Levels {
        devices: DeviceState::ALL.map(|state| (state, number(state))),
        outbox: outbox::in_lanes(connection, Levels::MOST)?,
        endpoints: webhooks::levels(connection, end, Levels::MOST)?,
    })
}
