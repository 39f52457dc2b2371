//! What an endpoint has still to get although its position is past it, as far as its follower has to know.
//!
//! The rows are in the store; here is how many there are, of which devices, and those that are due. It is changed with every
//! result, before that is recorded, and so agrees with the store whenever nothing waits to be recorded.

use std::collections::{HashMap, HashSet, VecDeque};

use postern_domain::{DeviceId, Timestamp};
use postern_store::{DeliveryResult, DueDelivery, Then, Waiting};

/// The rows of an endpoint.
#[derive(Debug, Default)]
pub(super) struct Rows {
    count: usize,
    devices: HashMap<DeviceId, usize>,
    /// Places that the position is not past, and that have a row all the same.
    ahead: HashSet<u64>,
    next_due: Option<Timestamp>,
    /// Whether something may be due that is not in `due`.
    unseen: bool,
    due: VecDeque<DueDelivery>,
    /// Those that were taken from `due` and whose result is not recorded.
    taken: HashSet<u64>,
}

impl Rows {
    /// As they are in the store.
    pub(super) fn of(waiting: Waiting) -> Self {
        Self {
            count: waiting.count,
            devices: waiting.devices.into_iter().collect(),
            ahead: waiting.ahead.into_iter().collect(),
            unseen: waiting.count > 0,
            ..Self::default()
        }
    }

    /// The same again, after something was added to them; nothing waits to be recorded.
    pub(super) fn reload(&mut self, waiting: Waiting) {
        let taken = std::mem::take(&mut self.taken);
        *self = Self {
            taken,
            ..Self::of(waiting)
        };
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Whether an event of this device is kept.
    pub(super) fn hold(&self, device: DeviceId) -> bool {
        self.devices.contains_key(&device)
    }

    /// Whether the event at this place needs no try of its own, because it has a row.
    pub(super) fn knows(&mut self, seq: u64) -> bool {
        self.ahead.remove(&seq)
    }

    /// Whether the store has to be asked what is due.
    pub(super) fn are_unseen(&self, now: Timestamp) -> bool {
        let due = self.next_due.is_some_and(|due| due <= now);
        self.count > 0 && self.due.is_empty() && (self.unseen || due)
    }

    /// How many rows to ask for, so that some are among them that were not taken.
    pub(super) fn limit(&self, wanted: usize) -> usize {
        wanted + self.taken.len()
    }

    /// What the store answered: what is due, and when the next one is.
    pub(super) fn found(&mut self, due: Vec<DueDelivery>, next_due: Option<Timestamp>) {
        self.due = due
            .into_iter()
            .filter(|row| !self.taken.contains(&row.seq))
            .collect();
        self.unseen = !self.due.is_empty();
        self.next_due = next_due;
    }

    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.next_due.filter(|_| self.count > 0)
    }

    pub(super) fn has_due(&self) -> bool {
        !self.due.is_empty()
    }

    /// The first that is due and passes.
    pub(super) fn take(&mut self, passes: impl Fn(&DueDelivery) -> bool) -> Option<DueDelivery> {
        let index = self.due.iter().position(passes)?;
        let row = self.due.remove(index)?;
        self.taken.insert(row.seq);
        Some(row)
    }

    pub(super) fn put_back(&mut self, row: DueDelivery) {
        self.taken.remove(&row.seq);
        self.due.push_front(row);
    }

    /// Takes note of a result.
    pub(super) fn note(&mut self, result: &DeliveryResult) {
        match (result.kept, result.then) {
            (false, Then::Retry(_) | Then::Hold) => {
                self.count += 1;
                if let Some(device) = result.device {
                    *self.devices.entry(device).or_default() += 1;
                }
            }
            (true, Then::Done | Then::Park) => {
                self.count = self.count.saturating_sub(1);
                self.forget(result.device);
            }
            _ => {}
        }
        if let Then::Retry(at) = result.then {
            self.next_due = Some(self.next_due.map_or(at, |due| due.min(at)));
        }
    }

    fn forget(&mut self, device: Option<DeviceId>) {
        let Some(device) = device else {
            return;
        };
        if let Some(count) = self.devices.get_mut(&device) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.devices.remove(&device);
            }
        }
    }

    /// Takes note that results are recorded: what is due has to be asked for anew. One that was kept may have let another
    /// go, and one that was to be held back may have found nothing to wait for.
    pub(super) fn recorded(&mut self, results: &[DeliveryResult]) {
        for result in results {
            if result.kept {
                self.taken.remove(&result.seq);
            }
            self.unseen |= result.kept || result.then != Then::Done;
        }
    }
}
