//! What a write does to the numbers of each day: gathered while it works, and written once at its end.

use std::cell::RefCell;
use std::collections::BTreeMap;

use postern_domain::{Day, DeviceId, FailureCode, Latencies, MessageStatus, Timestamp, WorkspaceId};
use rusqlite::Connection;

use super::meters::Noted;
use super::store::Store;
use super::tables::daily;
use crate::StoreError;

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

/// What one write changes. Shared by everything that works in it.
#[derive(Debug, Default)]
pub(super) struct Tally {
    changes: RefCell<BTreeMap<Place, Changes>>,
    noted: RefCell<Noted>,
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

    fn at(&self, place: Place, change: impl FnOnce(&mut Changes)) {
        change(self.changes.borrow_mut().entry(place).or_default());
    }

    /// Writes it down; answers what is to be counted after the commit.
    pub(super) fn write(self, tx: &Connection) -> Result<Noted, StoreError> {
        for (place, changes) in self.changes.into_inner() {
            daily::change(tx, place, &changes)?;
        }
        Ok(self.noted.into_inner())
    }
}

impl Changes {
    fn of(&mut self, status: MessageStatus) -> &mut i64 {
        &mut self.counts[usize::from(status.number()) - 1]
    }
}

impl Store {
    /// Runs `work` as one write, and counts at its end what it did to statuses.
    pub(super) async fn write_counted<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: Fn(&Connection, &Tally) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let counted = move |tx: &Connection| -> Result<_, E> {
            let tally = Tally::default();
            let done = work(tx, &tally)?;
            Ok((done, tally.write(tx)?))
        };
        let meters = self.meters();
        let count = move |(_, noted): &(T, Noted)| meters.count(noted);
        let (done, _noted) = self.database.write_then(counted, count).await?;
        Ok(done)
    }
}
