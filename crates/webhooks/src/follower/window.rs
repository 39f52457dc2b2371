//! The stretch of the log that an endpoint works on: what is read and not yet settled, in order.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use postern_domain::DeviceId;

use crate::log::Entry;

/// The most events of it that are not settled.
pub(super) const SIZE: usize = 256;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    Running,
    Settled,
}

#[derive(Debug)]
struct Slot {
    entry: Arc<Entry>,
    state: State,
}

/// Events that are wanted, from the first that is not settled on.
#[derive(Debug)]
pub(super) struct Window {
    slots: VecDeque<Slot>,
    /// How far the log was read.
    read: u64,
    /// How many do nothing yet.
    idle: usize,
}

/// What may happen to an event of the window next.
pub(super) enum Next {
    /// It is delivered.
    Deliver(Arc<Entry>),
    /// It has to wait for an earlier event of its device that is kept.
    Hold(Arc<Entry>),
}

impl Window {
    /// An empty one at this place.
    pub(super) fn at(position: u64) -> Self {
        Self {
            slots: VecDeque::new(),
            read: position,
            idle: 0,
        }
    }

    /// The last place that is settled, as all before it.
    pub(super) fn position(&self) -> u64 {
        self.slots
            .front()
            .map_or(self.read, |slot| slot.entry.event.seq - 1)
    }

    /// How far the log was read.
    pub(super) fn read(&self) -> u64 {
        self.read
    }

    pub(super) fn has_room(&self) -> bool {
        self.slots.len() < SIZE
    }

    /// Whether an event is there that does nothing yet.
    pub(super) fn has_idle(&self) -> bool {
        self.idle > 0
    }

    /// Adds the wanted events of a stretch, which reaches up to `reached`.
    pub(super) fn extend(&mut self, wanted: impl Iterator<Item = Arc<Entry>>, reached: u64) {
        let before = self.slots.len();
        self.slots.extend(wanted.map(|entry| Slot {
            entry,
            state: State::Waiting,
        }));
        self.idle += self.slots.len() - before;
        self.read = reached;
    }

    /// The first event that nothing holds back, which is begun with this; of several of a device the first.
    pub(super) fn next(
        &mut self,
        is_busy: impl Fn(DeviceId) -> bool,
        is_held: impl Fn(DeviceId) -> bool,
        ordered: bool,
    ) -> Option<Next> {
        let mut passed = HashSet::new();
        for slot in self.slots.iter_mut().filter(|slot| slot.state == State::Waiting) {
            let device = slot.entry.event.device.filter(|_| ordered);
            let entry = Arc::clone(&slot.entry);
            match device {
                Some(device) if is_busy(device) || passed.contains(&device) => {
                    passed.insert(device);
                    continue;
                }
                Some(device) if is_held(device) => {
                    slot.state = State::Running;
                    self.idle -= 1;
                    return Some(Next::Hold(entry));
                }
                _ => {
                    slot.state = State::Running;
                    self.idle -= 1;
                    return Some(Next::Deliver(entry));
                }
            }
        }
        None
    }

    /// Takes back that an event was begun with.
    pub(super) fn put_back(&mut self, seq: u64) {
        if let Ok(index) = self.slots.binary_search_by_key(&seq, |slot| slot.entry.event.seq) {
            self.slots[index].state = State::Waiting;
            self.idle += 1;
        }
    }

    /// Notes that an event was delivered or is kept.
    pub(super) fn settle(&mut self, seq: u64) {
        if let Ok(index) = self.slots.binary_search_by_key(&seq, |slot| slot.entry.event.seq) {
            self.slots[index].state = State::Settled;
        }
        while self
            .slots
            .front()
            .is_some_and(|slot| slot.state == State::Settled)
        {
            self.slots.pop_front();
        }
    }
}
