//! The pace of one device: how many messages may leave now, and until when none may.

use std::time::Duration;

use postern_domain::pacing::Gate;
use postern_domain::{DeviceId, Pacing, Timestamp};
use postern_store::{FirstContacts, Store, StoreError};
use rand::RngExt as _;

/// The pacing of a device and how far it is used up.
pub(crate) struct Pace {
    pub(crate) pacing: Pacing,
    gate: Gate,
    /// What is written down for those who ask when a message will leave.
    told: Option<(Timestamp, Duration)>,
}

impl Pace {
    pub(crate) fn new(pacing: Pacing) -> Self {
        Self {
            pacing,
            gate: Gate::default(),
            told: None,
        }
    }

    /// How many messages may leave at `now`, or until when none may.
    pub(crate) fn allowance(&self, now: Timestamp) -> Result<usize, Timestamp> {
        if let Some(until) = self.pacing.quiet_until(now) {
            return Err(until);
        }
        match self.gate.allowance(&self.pacing, now) {
            0 => Err(self.gate.opens_at(&self.pacing, now)),
            allowance => Ok(allowance),
        }
    }

    /// Messages leave.
    pub(crate) fn take(&mut self, count: usize, now: Timestamp) {
        if self.pacing.per_minute.is_some() {
            let mut random = rand::rng();
            for _ in 0..count {
                self.gate.take(&self.pacing, now, random.random());
            }
        }
    }

    /// How many people may still be written to for the first time.
    pub(crate) fn first_contacts(&self, now: Timestamp) -> Option<FirstContacts> {
        let per_day = self.pacing.new_recipients_per_day?;
        let until = self.pacing.day_ends(now);
        Some(FirstContacts { per_day, until })
    }

    /// Writes down that messages wait until then, if that is news.
    pub(crate) async fn holds_back(
        &mut self,
        store: &Store,
        device: DeviceId,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        let tell = (until, self.pacing.gap());
        if self.told == Some(tell) || store.next_due(device).await?.is_none() {
            return Ok(());
        }
        self.told = Some(tell);
        store.set_paced(device, self.told).await
    }

    /// Writes down that nothing waits because of it, if that is news.
    pub(crate) async fn lets_go(&mut self, store: &Store, device: DeviceId) -> Result<(), StoreError> {
        match self.told.take() {
            Some(_) => store.set_paced(device, None).await,
            None => Ok(()),
        }
    }
}
