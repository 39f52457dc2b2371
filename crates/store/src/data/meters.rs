//! What is counted of messages and devices when the write that moved them is committed.

use std::ops::AddAssign;
use std::sync::Arc;
use std::time::Duration;

use postern_domain::{FailureCode, MessageStatus};
use postern_metrics::{Counter, Histogram};

use super::store::Store;
use crate::sqlite::WriterMeters;

/// What became of messages, and of connections, since the process began.
#[derive(Debug)]
pub struct StoreMeters {
    /// How often a message took on each status, in the order of [`MessageStatus::ALL`]; those that it skipped because a
    /// later one was known first are not counted, nor is an attempt after one that went unanswered. Accepted ones count as `scheduled` or `queued`.
    pub statuses: [Counter; MessageStatus::ALL.len()],
    /// Messages that were accepted to be sent.
    pub accepted: Counter,
    /// How often a message failed, in the order of [`FailureCode::ALL`].
    pub failures: [Counter; FailureCode::ALL.len()],
    /// From the call to the answer of an acceptance: its wait for the writer, and the commit.
    pub accepts: Histogram,
    /// From when a message could leave to the word of WhatsApp's server.
    pub sent: Histogram,
    /// From when a message could leave to the word of the recipient's device.
    pub delivered: Histogram,
    /// Logins after a lost connection.
    pub reconnects: Counter,
}

impl Default for StoreMeters {
    fn default() -> Self {
        Self {
            statuses: Default::default(),
            accepted: Counter::default(),
            failures: Default::default(),
            accepts: Histogram::of_work(),
            sent: Histogram::of_journeys(),
            delivered: Histogram::of_journeys(),
            reconnects: Counter::default(),
        }
    }
}

/// What writes have to be counted for, once they are committed.
#[derive(Debug, Default, Clone)]
pub(super) struct Noted {
    statuses: [u32; MessageStatus::ALL.len()],
    accepted: u32,
    failures: [u32; FailureCode::ALL.len()],
    sent: Vec<Duration>,
    delivered: Vec<Duration>,
    pub(super) reconnects: u32,
}

impl Noted {
    /// A message was stored with this status.
    pub(super) fn stored(&mut self, status: MessageStatus) {
        self.took_on(status);
        self.accepted += u32::from(status.is_in_outbox());
    }

    /// A message took on this status.
    pub(super) fn took_on(&mut self, status: MessageStatus) {
        self.statuses[usize::from(status.number()) - 1] += 1;
    }

    pub(super) fn sent(&mut self, after: Duration) {
        self.sent.push(after);
    }

    pub(super) fn delivered(&mut self, after: Duration) {
        self.delivered.push(after);
    }

    pub(super) fn failed(&mut self, code: FailureCode) {
        let place = FailureCode::ALL.into_iter().position(|known| known == code);
        if let Some(place) = place {
            self.failures[place] += 1;
        }
    }
}

impl AddAssign for Noted {
    fn add_assign(&mut self, more: Self) {
        let statuses = self.statuses.iter_mut().zip(more.statuses);
        let failures = self.failures.iter_mut().zip(more.failures);
        statuses.chain(failures).for_each(|(sum, times)| *sum += times);
        self.accepted += more.accepted;
        self.reconnects += more.reconnects;
        self.sent.extend(more.sent);
        self.delivered.extend(more.delivered);
    }
}

impl StoreMeters {
    /// Counts what was noted; it is committed.
    pub(super) fn count(&self, noted: &Noted) {
        let pairs = self.statuses.iter().zip(noted.statuses);
        let pairs = pairs.chain(self.failures.iter().zip(noted.failures));
        let single = [
            (&self.accepted, noted.accepted),
            (&self.reconnects, noted.reconnects),
        ];
        for (counter, times) in pairs.chain(single).filter(|(_, times)| *times > 0) {
            counter.add(times.into());
        }
        noted.sent.iter().for_each(|after| self.sent.took(*after));
        noted
            .delivered
            .iter()
            .for_each(|after| self.delivered.took(*after));
    }
}

impl Store {
    /// What was counted of messages and devices.
    #[must_use]
    pub fn meters(&self) -> Arc<StoreMeters> {
        Arc::clone(&self.meters)
    }

    /// What was counted of the work of the writer.
    #[must_use]
    pub fn writer_meters(&self) -> Arc<WriterMeters> {
        Arc::clone(self.database.meters())
    }

    /// How many writes wait for their commit.
    #[must_use]
    pub fn writes_waiting(&self) -> usize {
        self.database.waiting()
    }
}
