//! Everybody with a phone number: a contact, and an account too once a companion is linked.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use postern_domain::PhoneNumber;
use rand::RngExt as _;
use wacore_binary::Jid;

use crate::address::{lid_jid, pn_jid};
use crate::certificate::KeyError;
use crate::companion::{Companion, Queued};
use crate::inbox::Inbox;
use crate::said::Said;
use crate::signal::Party;

/// How many of its own messages a contact can send again when a client asks.
const SENT_LIMIT: usize = 1_000;
/// How many messages wait for a contact that is offline.
const HELD_LIMIT: usize = 10_000;
/// Device numbers of companions are 1 to this.
const LAST_DEVICE: u16 = 99;

pub(crate) struct Person {
    pub(crate) phone: PhoneNumber,
    state: Mutex<PersonState>,
}

pub(crate) struct PersonState {
    pub(crate) party: Party,
    pub(crate) behaviour: Behaviour,
    pub(crate) inbox: Inbox,
    pub(crate) account: Account,
    /// The accounts that keep a list of this person's devices.
    pub(crate) watchers: BTreeSet<PhoneNumber>,
    /// What came while the contact was offline.
    pub(crate) held: VecDeque<Envelope>,
    /// What the contact wrote lately.
    pub(crate) sent: VecDeque<Sent>,
    /// How often the contact asked for a message it could not read.
    pub(crate) retries: HashMap<(PhoneNumber, String), u8>,
}

/// How a contact reacts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Behaviour {
    /// Whether the number is on WhatsApp.
    pub(crate) registered: bool,
    /// Whether its phone is reachable.
    pub(crate) online: bool,
    /// Whether it reads at once what it receives.
    pub(crate) auto_read: bool,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            registered: true,
            online: true,
            auto_read: true,
        }
    }
}

/// What makes a person an account.
pub(crate) struct Account {
    pub(crate) companions: BTreeMap<u16, Companion>,
    pub(crate) next_device: u16,
    pub(crate) next_key_index: u32,
    /// Names the account in what it signs.
    pub(crate) raw_id: u32,
    pub(crate) app_state_key: [u8; 32],
    /// Whether chats are kept under LIDs; decides which names the server uses towards companions.
    pub(crate) lid_migrated: bool,
}

/// A message on its way to a person's phone.
#[derive(Debug, Clone)]
pub(crate) struct Envelope {
    pub(crate) from: PhoneNumber,
    pub(crate) from_device: u16,
    /// The name by which the sender called the recipient; receipts come from this name.
    pub(crate) chat: String,
    pub(crate) stanza_id: String,
    /// WhatsApp's word for the content, when it is not text.
    pub(crate) media: String,
    pub(crate) enc_kind: String,
    pub(crate) ciphertext: Vec<u8>,
    /// What opens the message, if it was written into a group and the recipient may not have it yet.
    pub(crate) group_key: Option<GroupKey>,
}

/// A sender's key for a group, sealed for one device.
#[derive(Debug, Clone)]
pub(crate) struct GroupKey {
    pub(crate) enc_kind: String,
    pub(crate) ciphertext: Vec<u8>,
}

#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) stanza_id: String,
    pub(crate) to: Recipient,
    pub(crate) said: Said,
}

/// Where a contact wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Recipient {
    Account(PhoneNumber),
    /// By its JID.
    Group(String),
}

impl Recipient {
    pub(crate) fn account(&self) -> Option<PhoneNumber> {
        match self {
            Self::Account(phone) => Some(*phone),
            Self::Group(_) => None,
        }
    }

    /// Whether this account may have been written to.
    pub(crate) fn may_be(&self, account: PhoneNumber) -> bool {
        self.account().is_none_or(|phone| phone == account)
    }

    pub(crate) fn group(&self) -> Option<&str> {
        match self {
            Self::Account(_) => None,
            Self::Group(jid) => Some(jid),
        }
    }
}

impl Envelope {
    /// The group that it was written into.
    pub(crate) fn group(&self) -> Option<&str> {
        Some(self.chat.as_str()).filter(|chat| chat.ends_with("@g.us"))
    }
}

impl Person {
    pub(crate) fn generate(phone: PhoneNumber) -> Result<Self, KeyError> {
        let mut random = rand::rng();
        let account = Account {
            companions: BTreeMap::new(),
            next_device: 1,
            next_key_index: 1,
            raw_id: random.random(),
            app_state_key: random.random(),
            lid_migrated: false,
        };
        Ok(Self::new(phone, Party::generate()?, account))
    }

    pub(crate) fn new(phone: PhoneNumber, party: Party, account: Account) -> Self {
        Self {
            phone,
            state: Mutex::new(PersonState {
                party,
                behaviour: Behaviour::default(),
                inbox: Inbox::default(),
                account,
                watchers: BTreeSet::new(),
                held: VecDeque::new(),
                sent: VecDeque::new(),
                retries: HashMap::new(),
            }),
        }
    }

    /// Short sections only, and never two people at once.
    pub(crate) fn lock(&self) -> MutexGuard<'_, PersonState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a stanza into the queue of every companion.
    pub(crate) fn push_to_companions(&self, queued: &Queued) {
        for companion in self.lock().account.companions.values_mut() {
            companion.push(queued.clone());
        }
    }
}

impl PersonState {
    pub(crate) fn hold(&mut self, envelope: Envelope) {
        self.held.push_back(envelope);
        if self.held.len() > HELD_LIMIT {
            self.held.pop_front();
        }
    }

    pub(crate) fn remember_sent(&mut self, sent: Sent) {
        self.sent.push_back(sent);
        if self.sent.len() > SENT_LIMIT {
            self.sent.pop_front();
        }
    }
}

impl Account {
    /// How the server calls somebody's device towards this account's companions.
    pub(crate) fn name_for(&self, phone: PhoneNumber, device: u16) -> Jid {
        if self.lid_migrated {
            lid_jid(phone, device)
        } else {
            pn_jid(phone, device)
        }
    }

    /// The next device number and key index; numbers are used again only after all were used.
    pub(crate) fn next_companion(&mut self) -> Option<(u16, u32)> {
        let device = (0..LAST_DEVICE)
            .map(|offset| (self.next_device - 1 + offset) % LAST_DEVICE + 1)
            .find(|device| !self.companions.contains_key(device))?;
        self.next_device = device % LAST_DEVICE + 1;
        let key_index = self.next_key_index;
        self.next_key_index += 1;
        Some((device, key_index))
    }
}
