//! A linked device as the server knows it: its public keys, its queue, and its connection if it has one.

use std::collections::VecDeque;

use wacore::prekeys::compute_key_bundle_digest;
use wacore_binary::Node;
use wacore_binary::builder::NodeBuilder;
use wacore_libsignal::protocol::{IdentityKey, PreKeyBundle, PublicKey, SignalProtocolError};

use crate::faults::{Armed, Ending};
use crate::outbox::Outbox;
use crate::signal::SignalError;
use crate::stanza::{SERVER, server_info};
use crate::writing::new_stanza_id;

/// More than this is not kept for a companion that stays away; the oldest go first.
const QUEUE_LIMIT: usize = 50_000;

/// With fewer one-time keys than this left, a companion is asked for more.
const FEW_PREKEYS: usize = 10;
/// What the notification about them is called.
const PREKEYS_ARE_FEW: &str = "encrypt";

/// A public key under an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NumberedKey {
    pub(crate) id: u32,
    pub(crate) key: [u8; 32],
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SignedKey {
    pub(crate) key: NumberedKey,
    pub(crate) signature: Vec<u8>,
}

/// What a client says of itself when it asks to be linked.
#[derive(Debug, Clone)]
pub(crate) struct Registration {
    pub(crate) identity: [u8; 32],
    pub(crate) registration_id: u32,
    pub(crate) signed_prekey: SignedKey,
    /// What it calls itself, such as `chrome`; empty when it says nothing.
    pub(crate) platform: String,
}

/// What kind of stanza waits for which confirmation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Class {
    Message,
    Receipt,
    Notification,
}

#[derive(Debug, Clone)]
pub(crate) struct Queued {
    pub(crate) class: Class,
    pub(crate) id: String,
    /// The receipt's type, where it says more than "delivered", or what a notification is about.
    pub(crate) kind: String,
    pub(crate) node: Node,
}

/// A companion's connection, from login to its end.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) outbox: Outbox,
    pub(crate) connection: u64,
    /// Set when the client has left passive mode: new stanzas go out at once.
    delivering: bool,
}

#[derive(Debug)]
pub(crate) struct Companion {
    pub(crate) device: u16,
    pub(crate) key_index: u32,
    /// The Noise static key it logs in with.
    pub(crate) noise_key: [u8; 32],
    pub(crate) registration: Registration,
    /// The countersigned identity, served with its prekeys.
    pub(crate) device_identity: Vec<u8>,
    pub(crate) prekeys: VecDeque<NumberedKey>,
    /// Whether the phone has sent it the app state key.
    pub(crate) has_app_state_key: bool,
    pub(crate) queue: VecDeque<Queued>,
    pub(crate) line: Option<Line>,
    pub(crate) faults: Armed,
}

impl Companion {
    /// Takes a new connection; an older one is told that it was replaced.
    pub(crate) fn connect(&mut self, outbox: Outbox, connection: u64) {
        outbox.treat(&mut self.faults);
        let line = Line {
            outbox,
            connection,
            delivering: false,
        };
        if let Some(older) = self.line.replace(line) {
            Ending::Replaced.say(&older.outbox);
        }
    }

    /// Ends `connection`, unless another has taken its place.
    pub(crate) fn disconnect(&mut self, connection: u64) {
        if self
            .line
            .as_ref()
            .is_some_and(|line| line.connection == connection)
        {
            self.line = None;
        }
    }

    /// Keeps a stanza until it is confirmed, and sends it when there is somebody to send it to.
    pub(crate) fn push(&mut self, queued: Queued) {
        if let Some(line) = self.line.as_ref().filter(|line| line.delivering) {
            deliver(&line.outbox, &mut self.faults, &queued, queued.node.clone());
        }
        self.queue.push_back(queued);
        if self.queue.len() > QUEUE_LIMIT {
            self.queue.pop_front();
        }
    }

    /// Hands over everything that waited and the marker behind it, which ends the client's login.
    pub(crate) fn start_delivery(&mut self) {
        let Some(line) = &mut self.line else { return };
        if std::mem::replace(&mut line.delivering, true) {
            return;
        }
        let count = |class| self.queue.iter().filter(|queued| queued.class == class).count();
        let preview = NodeBuilder::new("offline_preview")
            .attr("count", self.queue.len())
            .attr("message", count(Class::Message))
            .attr("receipt", count(Class::Receipt))
            .attr("notification", count(Class::Notification))
            .attr("appdata", 0_u32)
            .build();
        line.outbox.send(server_info(preview));
        for queued in &self.queue {
            let mut node = queued.node.clone();
            node.attrs.insert("offline", "1");
            deliver(&line.outbox, &mut self.faults, queued, node);
        }
        let end = NodeBuilder::new("offline")
            .attr("count", self.queue.len())
            .build();
        line.outbox.send(server_info(end));
    }

    /// Forgets a stanza the client has confirmed; false when there was none.
    pub(crate) fn confirm(&mut self, class: Class, id: &str, kind: &str) -> bool {
        // Clients confirm in order, so that it is nearly always the first.
        let position = self.queue.iter().position(|queued| {
            queued.class == class && queued.id == id && (class != Class::Receipt || queued.kind == kind)
        });
        match position {
            Some(position) => self.queue.remove(position).is_some(),
            None => false,
        }
    }

    /// A bundle for whoever begins a session; it uses up a one-time key while there are any.
    pub(crate) fn take_bundle(&mut self) -> Result<PreKeyBundle, SignalError> {
        let one_time = self.prekeys.pop_front();
        if one_time.is_some() && self.prekeys.len() < FEW_PREKEYS {
            self.ask_for_prekeys();
        }
        self.bundle(one_time.as_ref())
    }

    /// Asks once until the companion has heard it; a client may find that it has enough still.
    fn ask_for_prekeys(&mut self) {
        let is_asked =
            |queued: &Queued| queued.class == Class::Notification && queued.kind == PREKEYS_ARE_FEW;
        if self.queue.iter().any(is_asked) {
            return;
        }
        let id = new_stanza_id();
        let count = NodeBuilder::new("count")
            .attr("value", self.prekeys.len())
            .build();
        let node = NodeBuilder::new("notification")
            .attr("from", SERVER)
            .attr("id", id.as_str())
            .attr("type", PREKEYS_ARE_FEW)
            .attr("t", crate::clock::unix_seconds())
            .children([count])
            .build();
        self.push(Queued {
            class: Class::Notification,
            id,
            kind: PREKEYS_ARE_FEW.to_owned(),
            node,
        });
    }

    fn bundle(&self, one_time: Option<&NumberedKey>) -> Result<PreKeyBundle, SignalError> {
        let public =
            |bytes: &[u8; 32]| PublicKey::from_djb_public_key_bytes(bytes).map_err(SignalProtocolError::from);
        let signed = &self.registration.signed_prekey;
        let one_time = match one_time {
            Some(prekey) => Some((prekey.id.into(), public(&prekey.key)?)),
            None => None,
        };
        Ok(PreKeyBundle::new(
            self.registration.registration_id,
            u32::from(self.device).into(),
            one_time,
            signed.key.id.into(),
            public(&signed.key.key)?,
            signed.signature.clone(),
            IdentityKey::new(public(&self.registration.identity)?),
        )?)
    }

    /// The hash by which a client checks that the server has its keys.
    pub(crate) fn digest(&self) -> Vec<u8> {
        let signed = &self.registration.signed_prekey;
        let prekeys: Vec<&[u8]> = self.prekeys.iter().map(|prekey| prekey.key.as_slice()).collect();
        compute_key_bundle_digest(
            &self.registration.identity,
            &signed.key.key,
            &signed.signature,
            &prekeys,
        )
    }
}

/// Notifications and the rest are the server's own and come once.
fn deliver(outbox: &Outbox, faults: &mut Armed, queued: &Queued, node: Node) {
    if matches!(queued.class, Class::Message | Class::Receipt) && faults.next_delivery_is_doubled() {
        outbox.send(node.clone());
    }
    outbox.send(node);
}
