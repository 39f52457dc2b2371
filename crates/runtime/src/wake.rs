//! Wake-ups: "look now" between stages that meet in tables.
//!
//! A wake-up carries nothing and promises nothing: who misses one finds the work at its next poll. It is
//! remembered until the listener looks, so that ringing between "look" and "wait" is not lost.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use postern_domain::DeviceId;
use tokio::sync::watch;

/// Something that can be rung and listened to by any number of parties.
#[derive(Debug, Clone)]
pub struct Bell(watch::Sender<u64>);

/// One party's ear on a bell.
#[derive(Debug)]
pub struct Listener(watch::Receiver<u64>);

impl Bell {
    /// A bell nobody has rung.
    #[must_use]
    pub fn new() -> Self {
        Self(watch::Sender::new(0))
    }

    /// Wakes every listener, now or when it next waits.
    pub fn ring(&self) {
        self.0.send_modify(|rings| *rings = rings.wrapping_add(1));
    }

    /// An ear that hears every ring from now on.
    #[must_use]
    pub fn listen(&self) -> Listener {
        Listener(self.0.subscribe())
    }
}

impl Default for Bell {
    fn default() -> Self {
        Self::new()
    }
}

impl Listener {
    /// Waits for a ring since the last call; many rings in between count as one. Cancel-safe.
    ///
    /// When the bell is gone it waits for ever: nobody is left who could ring.
    pub async fn rung(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// A bell for each key that anybody listens to; ringing a key nobody listens to costs a look-up.
#[derive(Debug)]
pub struct Switchboard<K>(Arc<Mutex<HashMap<K, watch::Sender<u64>>>>);

impl<K> Clone for Switchboard<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K> Default for Switchboard<K> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K: Eq + Hash + Copy> Switchboard<K> {
    /// Wakes those who listen to `key`.
    pub fn ring(&self, key: &K) {
        let mut bells = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bell) = bells.get(key) {
            if bell.is_closed() {
                bells.remove(key);
            } else {
                bell.send_modify(|rings| *rings = rings.wrapping_add(1));
            }
        }
    }

    /// An ear that hears every ring of `key` from now on.
    #[must_use]
    pub fn listen(&self, key: K) -> Listener {
        let mut bells = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Listener(
            bells
                .entry(key)
                .or_insert_with(|| watch::Sender::new(0))
                .subscribe(),
        )
    }

    /// Drops the bells nobody listens to any more.
    pub fn prune(&self) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|_, bell| !bell.is_closed());
    }
}

/// The wake-ups between the stages of the gateway.
#[derive(Debug, Clone, Default)]
pub struct Wakes {
    /// The wanted set of devices changed: an intent, a request to pair, a new device.
    pub devices: Bell,
    /// Something was accepted for a device, or became due.
    pub outbox: Switchboard<DeviceId>,
    /// What a device shows changed: its state, its QR or pairing code.
    pub shown: Switchboard<DeviceId>,
    /// The event log grew.
    pub events: Bell,
    /// The wanted set of webhook endpoints changed, or what one of them is to be sent: it was created, changed, enabled,
    /// disabled or removed, or events are to be sent to it again.
    pub webhooks: Bell,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_ring_before_the_wait_is_not_lost_and_many_count_once() {
        let bell = Bell::new();
        let mut listener = bell.listen();
        bell.ring();
        bell.ring();
        listener.rung().await;
        let mut second = std::pin::pin!(listener.rung());
        assert!(futures_util::poll!(second.as_mut()).is_pending());
        bell.ring();
        second.await;
    }

    #[tokio::test]
    async fn a_switchboard_wakes_only_the_key_and_forgets_who_left() {
        let board = Switchboard::<u8>::default();
        let mut one = board.listen(1);
        let mut two = board.listen(2);
        board.ring(&1);
        one.rung().await;
        assert!(futures_util::poll!(std::pin::pin!(two.rung())).is_pending());
        drop(two);
        board.prune();
        assert_eq!(board.0.lock().expect("no panic").len(), 1);
        drop(one);
        board.ring(&1);
        assert!(board.0.lock().expect("no panic").is_empty());
    }
}
