//! What everybody in a soak shares: the devices, the contacts, the ledgers, and where the daemon answers now.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use postern_testkit::{Http, TestSandbox};
use tokio::sync::watch;
use tokio::time::Instant;

use super::history::History;
use super::ledger::Told;
use crate::fleet::Device;

/// Contacts that a device writes with.
const CONTACTS_OF_A_DEVICE: usize = 5;

/// A soak in progress.
pub(crate) struct World {
    pub(crate) seed: u64,
    pub(crate) started: Instant,
    /// When the traffic ends.
    pub(crate) end: Instant,
    pub(crate) devices: Vec<Device>,
    pub(crate) contacts: Vec<String>,
    /// The daemon's API; another address after each restart.
    pub(crate) daemon: watch::Receiver<Http>,
    /// The sandbox's control API.
    pub(crate) network: Http,
    pub(crate) accepted: Mutex<Vec<Told>>,
    pub(crate) written: Mutex<Vec<Told>>,
    pub(crate) history: Mutex<History>,
    pub(crate) tally: Tally,
}

/// What happened to requests.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Why requests were repeated, and how often.
    pub(crate) repeats: Mutex<BTreeMap<String, u64>>,
    /// Messages whose acceptance was never answered.
    pub(crate) unanswered: AtomicU64,
    /// Repetitions of an accepted request that were answered with another message.
    pub(crate) contradicted: AtomicU64,
    /// Messages that a contact could not write.
    pub(crate) unwritten: AtomicU64,
}

impl World {
    /// One whose traffic begins now.
    pub(crate) fn new(
        seed: u64,
        length: Duration,
        (devices, contacts): (Vec<Device>, Vec<String>),
        network: &TestSandbox,
        daemon: watch::Receiver<Http>,
    ) -> Self {
        let started = Instant::now();
        Self {
            seed,
            started,
            end: started + length,
            devices,
            contacts,
            daemon,
            network: network.http().clone(),
            accepted: Mutex::default(),
            written: Mutex::default(),
            history: Mutex::default(),
            tally: Tally::default(),
        }
    }

    /// Since the start of the traffic.
    pub(crate) fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// The numbers of the contacts that a device writes with.
    pub(crate) fn contacts_of(&self, device: usize) -> impl Iterator<Item = usize> + use<> {
        let count = self.contacts.len();
        (device..device + CONTACTS_OF_A_DEVICE).map(move |number| number % count)
    }

    /// The daemon's API, as far as is known.
    pub(crate) fn api(&self) -> Http {
        self.daemon.borrow().clone()
    }
}

impl Tally {
    /// A request is about to be repeated for this reason.
    pub(crate) fn repeat(&self, why: String) {
        *locked(&self.repeats).entry(why).or_default() += 1;
    }

    /// How many requests were repeated.
    pub(crate) fn repeated(&self) -> u64 {
        locked(&self.repeats).values().sum()
    }

    /// Whether requests had an outcome that no fault explains.
    pub(crate) fn is_clean(&self) -> bool {
        [&self.unanswered, &self.contradicted, &self.unwritten]
            .iter()
            .all(|count| count.load(Ordering::Relaxed) == 0)
    }
}

/// A lock; what a panicking holder left behind is as good as any.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
