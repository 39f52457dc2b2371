//! The shared state: who exists, who is showing a QR code, and that something changed.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use postern_domain::PhoneNumber;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use wacore_binary::{Jid, JidExt as _};

use crate::certificate::{KeyError, ServerKeys};
use crate::faults::Schedule;
use crate::groups::Group;
use crate::pairing::Candidate;
use crate::person::Person;

/// More groups than this are not made.
const MAX_GROUPS: usize = 10_000;

/// There are as many groups as there can be.
#[derive(Debug)]
pub(crate) struct TooMany;

pub(crate) struct Network {
    pub(crate) keys: ServerKeys,
    people: Mutex<HashMap<PhoneNumber, Arc<Person>>>,
    /// What is in a QR code's first field → who shows it.
    candidates: Mutex<HashMap<String, Arc<Candidate>>>,
    /// The phone that a code is to be typed in on → who shows it. The latest code for a phone counts.
    codes: Mutex<HashMap<PhoneNumber, Arc<Candidate>>>,
    /// By the id in their JID.
    groups: Mutex<BTreeMap<String, Arc<Group>>>,
    next_connection: AtomicU64,
    /// A stored permit means that there is something to save.
    pub(crate) changed: Notify,
    /// Faults that are to come.
    pub(crate) schedule: Schedule,
    /// Ends every connection.
    pub(crate) stopping: CancellationToken,
}

impl Network {
    pub(crate) fn new(
        keys: ServerKeys,
        people: HashMap<PhoneNumber, Arc<Person>>,
        groups: Vec<Group>,
    ) -> Self {
        Self {
            keys,
            people: Mutex::new(people),
            candidates: Mutex::default(),
            codes: Mutex::default(),
            groups: Mutex::new(groups.into_iter().map(by_id).collect()),
            next_connection: AtomicU64::new(1),
            changed: Notify::new(),
            schedule: Schedule::default(),
            stopping: CancellationToken::new(),
        }
    }

    pub(crate) fn root_key(&self) -> [u8; 32] {
        let mut key = [0; 32];
        key.copy_from_slice(self.keys.root.public_key.public_key_bytes());
        key
    }

    /// Whoever has this number; everybody exists, but most have no keys until somebody needs them.
    pub(crate) fn person(&self, phone: PhoneNumber) -> Result<Arc<Person>, KeyError> {
        if let Some(person) = self.known(phone) {
            return Ok(person);
        }
        let person = Arc::new(Person::generate(phone)?);
        self.changed.notify_one();
        // Somebody else may have been faster.
        Ok(lock(&self.people).entry(phone).or_insert(person).clone())
    }

    /// Whoever has this number, if that was of interest before.
    pub(crate) fn known(&self, phone: PhoneNumber) -> Option<Arc<Person>> {
        lock(&self.people).get(&phone).cloned()
    }

    pub(crate) fn people(&self) -> Vec<Arc<Person>> {
        lock(&self.people).values().cloned().collect()
    }

    pub(crate) fn add_group(&self, group: Group) -> Result<Arc<Group>, TooMany> {
        let mut groups = lock(&self.groups);
        if groups.len() >= MAX_GROUPS {
            return Err(TooMany);
        }
        let (id, group) = by_id(group);
        groups.insert(id, group.clone());
        Ok(group)
    }

    pub(crate) fn group(&self, jid: &Jid) -> Option<Arc<Group>> {
        lock(&self.groups)
            .get(jid.user.as_str())
            .filter(|_| jid.is_group())
            .cloned()
    }

    pub(crate) fn groups(&self) -> Vec<Arc<Group>> {
        lock(&self.groups).values().cloned().collect()
    }

    pub(crate) fn next_connection(&self) -> u64 {
        self.next_connection.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn show(&self, references: &[String], candidate: &Arc<Candidate>) {
        let mut candidates = lock(&self.candidates);
        for reference in references {
            candidates.insert(reference.clone(), candidate.clone());
        }
    }

    pub(crate) fn show_code(&self, phone: PhoneNumber, candidate: &Arc<Candidate>) {
        let mut codes = lock(&self.codes);
        codes.retain(|_, shown| !Arc::ptr_eq(shown, candidate));
        codes.insert(phone, candidate.clone());
    }

    /// The candidate shows nothing any more.
    pub(crate) fn hide(&self, references: &[String], candidate: &Arc<Candidate>) {
        let mut candidates = lock(&self.candidates);
        for reference in references {
            candidates.remove(reference);
        }
        drop(candidates);
        lock(&self.codes).retain(|_, shown| !Arc::ptr_eq(shown, candidate));
    }

    pub(crate) fn candidate(&self, reference: &str) -> Option<Arc<Candidate>> {
        lock(&self.candidates).get(reference).cloned()
    }

    /// Who shows a code that is to be typed in on this phone.
    pub(crate) fn candidate_for(&self, phone: PhoneNumber) -> Option<Arc<Candidate>> {
        lock(&self.codes).get(&phone).cloned()
    }
}

fn by_id(group: Group) -> (String, Arc<Group>) {
    (group.id.clone(), Arc::new(group))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
