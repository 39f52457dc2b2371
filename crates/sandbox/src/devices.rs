//! The devices of an account: which there are, signed by its phone, and who hears when that changes.
//!
//! Clients remember whose devices are which and encrypt for those alone. So the account's other
//! companions hear of every change, and so does every account that has ever asked for the list.

use sha2::{Digest as _, Sha256};
use wacore_binary::Node;
use wacore_binary::builder::NodeBuilder;

use crate::address::lid_jid;
use crate::adv;
use crate::companion::{Class, Queued};
use crate::network::Network;
use crate::person::{Account, Person, PersonState};
use crate::stanza::bytes_node;
use crate::writing::new_stanza_id;

/// What happened to a companion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Added { device: u16, key_index: u32 },
    Removed { device: u16 },
}

impl Change {
    fn device(self) -> u16 {
        match self {
            Self::Added { device, .. } | Self::Removed { device } => device,
        }
    }
}

/// The key indexes that count: the phone's, and one of each companion.
pub(crate) fn key_indexes(account: &Account) -> Vec<u32> {
    let companions = account.companions.values().map(|companion| companion.key_index);
    std::iter::once(0).chain(companions).collect()
}

/// `<key-index-list>` with the phone's signature over the companions.
pub(crate) fn signed_list(state: &PersonState) -> Option<Node> {
    let signed = adv::key_index_list(
        &state.party.identity(),
        state.account.raw_id,
        key_indexes(&state.account),
    );
    let mut node = bytes_node("key-index-list", signed.ok()?);
    node.attrs.insert("ts", crate::clock::unix_seconds());
    Some(node)
}

/// Clients take it for opaque and look only whether it changed.
pub(crate) fn list_hash(key_indexes: &[u32]) -> String {
    let mut hasher = Sha256::new();
    for index in key_indexes {
        hasher.update(index.to_be_bytes());
    }
    format!("2:{}", hex::encode(&hasher.finalize()[..6]))
}

/// Tells everybody who keeps the list of this person's devices.
pub(crate) fn announce(network: &Network, person: &Person, change: Change) {
    let (announcement, watchers) = {
        let mut state = person.lock();
        let Some(announcement) = Announcement::new(person, &state, change) else {
            return;
        };
        let queued = announcement.queued(&state.account);
        let others = state.account.companions.values_mut();
        for companion in others.filter(|companion| companion.device != change.device()) {
            companion.push(queued.clone());
        }
        (announcement, state.watchers.clone())
    };
    for watcher in watchers.iter().filter_map(|phone| network.known(*phone)) {
        let queued = announcement.queued(&watcher.lock().account);
        watcher.push_to_companions(&queued);
    }
}

struct Announcement<'p> {
    person: &'p Person,
    change: Change,
    hash: String,
    list: Node,
}

impl<'p> Announcement<'p> {
    fn new(person: &'p Person, state: &PersonState, change: Change) -> Option<Self> {
        let list = match change {
            Change::Added { .. } => signed_list(state)?,
            // That a companion is gone needs no signature.
            Change::Removed { .. } => NodeBuilder::new("key-index-list")
                .attr("ts", crate::clock::unix_seconds())
                .build(),
        };
        Some(Self {
            person,
            change,
            hash: list_hash(&key_indexes(&state.account)),
            list,
        })
    }

    /// The notification, with the name that the recipient knows the account by.
    fn queued(&self, recipient: &Account) -> Queued {
        let phone = self.person.phone;
        let jid = recipient.name_for(phone, self.change.device());
        let mut device = NodeBuilder::new("device").attr("jid", jid);
        let tag = match self.change {
            Change::Added { key_index, .. } => {
                device = device.attr("key-index", key_index);
                "add"
            }
            Change::Removed { .. } => "remove",
        };
        let content = NodeBuilder::new(tag)
            .attr("device_hash", self.hash.as_str())
            .children([device.build(), self.list.clone()]);
        let id = new_stanza_id();
        let node = NodeBuilder::new("notification")
            .attr("from", recipient.name_for(phone, 0))
            .attr("lid", lid_jid(phone, 0))
            .attr("id", id.as_str())
            .attr("type", "devices")
            .attr("t", crate::clock::unix_seconds())
            .children([content.build()])
            .build();
        Queued {
            class: Class::Notification,
            id,
            kind: String::new(),
            node,
        }
    }
}
