//! What writes count: gathered while they work, and written once at the end of their commit, or before a write that looks
//! at the rows in question itself.
//!
//! Many writes of a commit count in the same few rows: the numbers of a day, the last event of a workspace and of its
//! devices, the messages of a month. An update of one of these rows costs as much as storing a message.

mod counters;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use postern_domain::{
    Day, DeviceCounters, DeviceId, FailureCode, Latencies, MessageStatus, Timestamp, WorkspaceId,
};
use rusqlite::Connection;

use self::counters::Counters;
pub(super) use self::counters::News;
use super::meters::Noted;
use super::store::Store;
use super::tables::daily;
use super::tables::workspaces::Month;
use crate::StoreError;
use crate::sqlite::Deferred;

/// The day's numbers that a message counts in, whatever becomes of it later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) workspace: WorkspaceId,
    pub(super) day: Day,
    pub(super) device: DeviceId,
}

impl Place {
    /// Of a message of a device, by when it was accepted or received.
    pub(super) fn of(workspace: WorkspaceId, device: DeviceId, accepted_at: Timestamp) -> Self {
        let day = Day::of(accepted_at);
        Self {
            workspace,
            day,
            device,
        }
    }
}

/// What the writes of a commit change. Shared by everything that works in them.
#[derive(Debug, Default)]
pub(super) struct Tally {
    days: RefCell<BTreeMap<Place, Changes>>,
    counters: RefCell<Counters>,
    /// Of the write that is at work.
    noted: RefCell<Noted>,
    version: Cell<u64>,
}

/// What changes at one place.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// By how many messages, for each status in the order of their numbers.
    pub(super) counts: [i64; MessageStatus::ALL.len()],
    pub(super) sent: Latencies,
    pub(super) delivered: Latencies,
}

impl Tally {
    /// A message was stored with this status.
    pub(super) fn stored(&self, place: Place, status: MessageStatus) {
        self.at(place, |changes| *changes.of(status) += 1);
        self.noted.borrow_mut().stored(status);
    }

    /// A message took on another status, at `now`; it could have been sent from `due` on.
    pub(super) fn moved(
        &self,
        place: Place,
        (from, to): (MessageStatus, MessageStatus),
        due: Timestamp,
        now: Timestamp,
    ) {
        if from == to {
            return;
        }
        let mut noted = self.noted.borrow_mut();
        noted.took_on(to);
        self.at(place, |changes| {
            *changes.of(from) -= 1;
            *changes.of(to) += 1;
            if to.reached_server() && !from.reached_server() {
                changes.sent.add(now.since(due));
                noted.sent(now.since(due));
            }
            if to.reached_recipient() && !from.reached_recipient() {
                changes.delivered.add(now.since(due));
                noted.delivered(now.since(due));
            }
        });
    }

    /// A message failed.
    pub(super) fn failed(&self, code: FailureCode) {
        self.noted.borrow_mut().failed(code);
    }

    /// A device logged in again after it had lost its connection.
    pub(super) fn reconnected(&self) {
        self.noted.borrow_mut().reconnects += 1;
    }

    /// Why a workspace may accept nothing, if so.
    pub(super) fn deactivated(
        &self,
        tx: &Connection,
        workspace: WorkspaceId,
    ) -> Result<Option<String>, StoreError> {
        self.counters.borrow_mut().deactivated(tx, workspace)
    }

    /// The number of the next event of a workspace.
    pub(super) fn number_event(&self, tx: &Connection, workspace: WorkspaceId) -> Result<i64, StoreError> {
        self.changed();
        self.counters.borrow_mut().number_event(tx, workspace)
    }

    /// The workspace of a device, and the numbers of the next event in the workspace and of the device.
    pub(super) fn number_device_event(
        &self,
        tx: &Connection,
        device: DeviceId,
    ) -> Result<(WorkspaceId, i64, i64), StoreError> {
        self.changed();
        self.counters.borrow_mut().number_device_event(tx, device)
    }

    /// What a workspace has used of the month.
    pub(super) fn month(&self, tx: &Connection, workspace: WorkspaceId) -> Result<Month, StoreError> {
        self.counters.borrow_mut().month(tx, workspace)
    }

    /// The same as it is from now on.
    pub(super) fn set_month(
        &self,
        tx: &Connection,
        workspace: WorkspaceId,
        month: Month,
    ) -> Result<(), StoreError> {
        self.changed();
        self.counters.borrow_mut().set_month(tx, workspace, month)
    }

    /// WhatsApp was heard of through a device, and brought this.
    pub(super) fn heard(&self, device: DeviceId, now: Timestamp, counted: DeviceCounters) {
        self.changed();
        self.counters.borrow_mut().heard(device, now, counted);
    }

    fn at(&self, place: Place, change: impl FnOnce(&mut Changes)) {
        self.changed();
        change(self.days.borrow_mut().entry(place).or_default());
    }

    fn changed(&self) {
        self.version.set(self.version.get() + 1);
    }
}

impl Deferred for Tally {
    fn write(&self, tx: &Connection) -> Result<(), StoreError> {
        for (place, changes) in self.days.take() {
            daily::change(tx, place, &changes)?;
        }
        self.counters.take().write(tx)
    }

    fn clear(&self) {
        self.days.take();
        self.counters.take();
    }

    fn version(&self) -> u64 {
        self.version.get()
    }
}

impl Changes {
    fn of(&mut self, status: MessageStatus) -> &mut i64 {
        &mut self.counts[usize::from(status.number()) - 1]
    }
}

impl Store {
    /// Runs `work` as a write that counts.
    pub(super) async fn write_counted<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: Fn(&Connection, &Tally) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let counted = move |tx: &Connection, tally: &Tally| -> Result<_, E> {
            // What a write before it noted that failed.
            tally.noted.take();
            let done = work(tx, tally)?;
            Ok((done, tally.noted.take()))
        };
        let meters = self.meters();
        let count = move |(_, noted): &(T, Noted)| meters.count(noted);
        let (done, _noted) = self.database.write_deferring(counted, count).await?;
        Ok(done)
    }
}
