//! Keys that were valid a moment ago, so that a request costs no query.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use postern_domain::{ApiKeyId, Network, Plan, Scopes, Timestamp, WorkspaceId};
use postern_runtime::{Bell, Listener};
use subtle::ConstantTimeEq as _;

/// How many keys are remembered at most.
const REMEMBERED_KEYS: usize = 1024;
/// How often the use of a key is noted at most, in milliseconds.
const USES_APART: i64 = 60_000;

/// A key that is not revoked, with what is to be asked of it at every request.
#[derive(Debug)]
pub(crate) struct KnownKey {
    pub(crate) id: ApiKeyId,
    pub(crate) workspace: WorkspaceId,
    pub(crate) hash: [u8; 32],
    pub(crate) scopes: Scopes,
    /// Where it may be used from; `None` is anywhere.
    pub(crate) networks: Option<Vec<Network>>,
    pub(crate) expires_at: Option<Timestamp>,
    /// Why its workspace may do nothing.
    pub(crate) deactivated: Option<String>,
    /// The name of its workspace's plan, and what it allows; `None` when the configuration does not have it.
    pub(crate) plan: (String, Option<Plan>),
    /// When its use was last noted, in milliseconds since the Unix epoch.
    pub(crate) noted: AtomicI64,
}

impl KnownKey {
    pub(crate) fn may_come_from(&self, address: Option<IpAddr>) -> bool {
        let Some(networks) = &self.networks else {
            return true;
        };
        address.is_some_and(|address| networks.iter().any(|network| network.contains(address)))
    }

    /// Whether this use is to be written down; says so to one caller in a minute.
    pub(crate) fn is_to_be_noted(&self, now: Timestamp) -> bool {
        let (now, noted) = (now.as_millis(), self.noted.load(Ordering::Relaxed));
        now.saturating_sub(noted) >= USES_APART
            && self
                .noted
                .compare_exchange(noted, now, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }
}

/// Only valid keys are remembered, and only for the configured time. Whoever changes keys or workspaces makes all of them be
/// forgotten, so that a key that is revoked is refused from the next request on.
#[derive(Debug, Default)]
pub(crate) struct KnownKeys {
    known: Mutex<Known>,
    changed: Bell,
}

#[derive(Debug, Default)]
struct Known {
    keys: HashMap<[u8; 32], (Arc<KnownKey>, Timestamp)>,
    /// How often everything was forgotten.
    forgotten: u64,
}

/// What was known when a key was looked for in vain; it is read from the store then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Asked(u64);

impl KnownKeys {
    pub(crate) fn get(&self, hash: &[u8; 32], now: Timestamp) -> Result<Arc<KnownKey>, Asked> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        // Looked up by a hash of the secret: how long the look-up takes tells nothing about a stored key.
        match known.keys.get(hash) {
            Some((key, until)) if now < *until && bool::from(key.hash.ct_eq(hash)) => Ok(Arc::clone(key)),
            _ => Err(Asked(known.forgotten)),
        }
    }

    /// Remembers a key that was read after `asked`, unless it may have changed since.
    pub(crate) fn remember(&self, asked: Asked, key: Arc<KnownKey>, now: Timestamp, ttl: Duration) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.forgotten != asked.0 {
            return;
        }
        if known.keys.len() >= REMEMBERED_KEYS {
            known.keys.retain(|_, (_, until)| now < *until);
        }
        if known.keys.len() >= REMEMBERED_KEYS {
            known.keys.clear();
        }
        known.keys.insert(key.hash, (key, now.after(ttl)));
    }

    /// Forgets all of them: one was changed.
    pub(crate) fn forget(&self) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.keys.clear();
        known.forgotten += 1;
        drop(known);
        self.changed.ring();
    }

    /// Rings whenever all of them were forgotten.
    pub(crate) fn listen(&self) -> Listener {
        self.changed.listen()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TTL: Duration = Duration::from_secs(5);

    fn key(number: u32) -> Arc<KnownKey> {
        let mut hash = [0; 32];
        hash[..4].copy_from_slice(&number.to_be_bytes());
        Arc::new(KnownKey {
            id: ApiKeyId::generate(),
            workspace: WorkspaceId::generate(),
            hash,
            scopes: Scopes::all(),
            networks: None,
            expires_at: None,
            deactivated: None,
            plan: ("unlimited".to_owned(), Some(Plan::UNLIMITED)),
            noted: AtomicI64::new(0),
        })
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn keys_are_remembered_for_a_while_and_never_too_many() {
        let known = KnownKeys::default();
        let asked = known.get(&key(7).hash, at(0)).expect_err("nothing is known");
        known.remember(asked, key(7), at(0), TTL);
        assert!(known.get(&key(7).hash, at(4_999)).is_ok());
        assert!(known.get(&key(7).hash, at(5_000)).is_err());
        assert!(known.get(&key(8).hash, at(0)).is_err());
        for number in 0..5_000 {
            known.remember(asked, key(number), at(0), TTL);
        }
        assert!(known.known.lock().expect("no panic").keys.len() <= REMEMBERED_KEYS);
    }

    #[test]
    fn what_was_read_before_a_change_is_not_remembered_after_it() {
        let known = KnownKeys::default();
        let asked = known.get(&key(7).hash, at(0)).expect_err("nothing is known");
        known.forget();
        known.remember(asked, key(7), at(0), TTL);
        let asked = known.get(&key(7).hash, at(0)).expect_err("it was forgotten");
        known.remember(asked, key(7), at(0), TTL);
        assert!(known.get(&key(7).hash, at(0)).is_ok());
        known.forget();
        assert!(known.get(&key(7).hash, at(0)).is_err());
    }

    #[test]
    fn a_use_is_noted_once_a_minute() {
        let key = key(1);
        let noted = [100_000, 100_001, 159_999, 160_000, 160_000].map(|now| key.is_to_be_noted(at(now)));
        assert_eq!(noted, [true, false, false, true, false]);
    }

    #[test]
    fn a_key_with_networks_needs_an_address_in_one() {
        let mut key = Arc::into_inner(key(1)).expect("one owner");
        assert!(key.may_come_from(None));
        key.networks = Some(vec!["10.0.0.0/8".parse().expect("a network")]);
        assert!(!key.may_come_from(None));
        assert!(key.may_come_from("10.1.2.3".parse().ok()));
        assert!(!key.may_come_from("11.1.2.3".parse().ok()));
    }
}
