//! A linked device as the server knows it: its public keys, its queue, and its connection if it has one.

use std::collections::VecDeque;

use wacore::prekeys::compute_key_bundle_digest;
use wacore_binary::Node;
use wacore_binary::builder::NodeBuilder;
use wacore_libsignal::protocol::{IdentityKey, PreKeyBundle, PublicKey, SignalProtocolError};

use crate::delivery::Delivery;
use crate::faults::{Armed, Ending};
use crate::outbox::Outbox;
use crate::signal::SignalError;
use crate::stanza::SERVER;
use crate::writing::new_stanza_id;

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
    pub(crate) delivery: Delivery,
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
            delivery: Delivery::NotYet,
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
