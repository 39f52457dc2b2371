//! The rows of workspaces and devices that their events, messages and news are counted in.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use postern_domain::{DeviceCounters, DeviceId, Timestamp, WorkspaceId};
use rusqlite::Connection;

use crate::StoreError;
use crate::data::tables::workspaces::{Counted, Month};
use crate::data::tables::{devices, workspaces};

/// What is counted, each row read when it is first needed.
#[derive(Debug, Default)]
pub(super) struct Counters {
    workspaces: HashMap<WorkspaceId, OfWorkspace>,
    devices: HashMap<DeviceId, OfDevice>,
}

#[derive(Debug)]
struct OfWorkspace {
    now: Counted,
    is_changed: bool,
}

#[derive(Debug, Default)]
struct OfDevice {
    /// Whose device it is, and the number of its last event; `None` until there is a new one.
    last_event: Option<(WorkspaceId, i64)>,
    news: News,
}

/// What a device heard of WhatsApp.
#[derive(Debug, Default)]
pub(in crate::data) struct News {
    /// When; `None` when it heard nothing.
    pub(in crate::data) heard_at: Option<Timestamp>,
    /// What it brought.
    pub(in crate::data) counted: DeviceCounters,
}

impl Counters {
    pub(super) fn number_event(
        &mut self,
        tx: &Connection,
        workspace: WorkspaceId,
    ) -> Result<i64, StoreError> {
        let row = self.workspace(tx, workspace)?;
        row.is_changed = true;
        row.now.last_event += 1;
        Ok(row.now.last_event)
    }

    pub(super) fn number_device_event(
        &mut self,
        tx: &Connection,
        device: DeviceId,
    ) -> Result<(WorkspaceId, i64, i64), StoreError> {
        let row = self.devices.entry(device).or_default();
        let (workspace, last) = match row.last_event {
            Some(known) => known,
            None => devices::last_event(tx, device)?.ok_or_else(|| missing("device"))?,
        };
        row.last_event = Some((workspace, last + 1));
        Ok((workspace, self.number_event(tx, workspace)?, last + 1))
    }

    pub(super) fn month(&mut self, tx: &Connection, workspace: WorkspaceId) -> Result<Month, StoreError> {
        Ok(self.workspace(tx, workspace)?.now.month)
    }

    pub(super) fn deactivated(
        &mut self,
        tx: &Connection,
        workspace: WorkspaceId,
    ) -> Result<Option<String>, StoreError> {
        Ok(self.workspace(tx, workspace)?.now.deactivated.clone())
    }

    pub(super) fn set_month(
        &mut self,
        tx: &Connection,
        workspace: WorkspaceId,
        month: Month,
    ) -> Result<(), StoreError> {
        let row = self.workspace(tx, workspace)?;
        row.is_changed = true;
        row.now.month = month;
        Ok(())
    }

    pub(super) fn heard(&mut self, device: DeviceId, now: Timestamp, counted: DeviceCounters) {
        let news = &mut self.devices.entry(device).or_default().news;
        news.heard_at = news.heard_at.max(Some(now));
        news.counted.reconnects += counted.reconnects;
        news.counted.sent += counted.sent;
        news.counted.received += counted.received;
    }

    fn workspace(&mut self, tx: &Connection, id: WorkspaceId) -> Result<&mut OfWorkspace, StoreError> {
        match self.workspaces.entry(id) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(place) => {
                let now = workspaces::counted(tx, id)?.ok_or_else(|| missing("workspace"))?;
                Ok(place.insert(OfWorkspace {
                    now,
                    is_changed: false,
                }))
            }
        }
    }

    pub(super) fn write(self, tx: &Connection) -> Result<(), StoreError> {
        for (id, row) in self.workspaces {
            if row.is_changed {
                workspaces::set_counted(tx, id, &row.now)?;
            }
        }
        for (id, row) in self.devices {
            let last_event = row.last_event.map(|(_, number)| number);
            devices::set_counted(tx, id, last_event, &row.news)?;
        }
        Ok(())
    }
}

fn missing(what: &'static str) -> StoreError {
    StoreError::Invalid {
        what: "what is counted",
        reason: format!("there is no such {what}"),
    }
}
