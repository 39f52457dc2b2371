//! The virtual phone of an account: device 0, which links companions and shares its keys with them.

use buffa::{Message as _, MessageField};
use postern_domain::PhoneNumber;
use rand::RngExt as _;
use wacore::messages::{MessageUtils, decode_plaintext};
use wacore_binary::builder::NodeBuilder;
use waproto::whatsapp::Message;
use waproto::whatsapp::message::protocol_message::Type;
use waproto::whatsapp::message::{
    AppStateSyncKey, AppStateSyncKeyData, AppStateSyncKeyFingerprint, AppStateSyncKeyId,
    AppStateSyncKeyShare, ProtocolMessage,
};

use crate::address::pn_jid;
use crate::companion::{Class, Queued};
use crate::devices::{self, Change};
use crate::faults::Ending;
use crate::network::Network;
use crate::person::{Account, Envelope, Person, PersonState};
use crate::signal::{SignalError, address};
use crate::writing::{enc, new_stanza_id};

/// The one app state key of every account has this id.
const APP_STATE_KEY_ID: [u8; 6] = [0, 0, 0, 0, 0, 1];

/// What a person calls itself: enough to tell people apart, and not a phone number.
pub(crate) fn name_of(phone: PhoneNumber) -> String {
    format!("Sandbox {:04}", phone.as_u64() % 10_000)
}

/// A message from one of the account's own companions.
pub(crate) fn receive(person: &Person, envelope: &Envelope) {
    let asks_for_key = {
        let mut state = person.lock();
        let peer = address(envelope.from, envelope.from_device);
        // Of a message into a group only the key is sealed for this phone.
        let plaintext = match &envelope.group_key {
            Some(key) => state.party.decrypt(&peer, &key.enc_kind, &key.ciphertext),
            None => state
                .party
                .decrypt(&peer, &envelope.enc_kind, &envelope.ciphertext),
        };
        let asks = plaintext
            .ok()
            .and_then(|plaintext| decode_plaintext(&plaintext, 2).ok())
            .and_then(|message| message.protocol_message.into_option())
            .is_some_and(|protocol| protocol.r#type == Some(Type::APP_STATE_SYNC_KEY_REQUEST));
        // Everything else is a copy of what a companion sent to somebody, for the phone's own screen.
        asks && forget_app_state_key(&mut state.account, envelope.from_device)
    };
    if asks_for_key {
        share_app_state_key(person, envelope.from_device);
    }
}

/// A companion could not read the share: it gets another one, on a new session.
pub(crate) fn share_app_state_key_again(person: &Person, device: u16) {
    {
        let mut state = person.lock();
        state.party.forget_session(&address(person.phone, device));
        if !forget_app_state_key(&mut state.account, device) {
            return;
        }
    }
    share_app_state_key(person, device);
}

fn forget_app_state_key(account: &mut Account, device: u16) -> bool {
    match account.companions.get_mut(&device) {
        Some(companion) => {
            companion.has_app_state_key = false;
            true
        }
        None => false,
    }
}

/// Sends the app state key to a companion that has none; without it clients wait before they call
/// themselves connected.
pub(crate) fn share_app_state_key(person: &Person, device: u16) {
    if let Err(error) = try_share(person, device) {
        tracing::warn!(%error, "a phone could not share its app state key");
    }
}

fn try_share(person: &Person, device: u16) -> Result<(), SignalError> {
    let mut state = person.lock();
    let PersonState { party, account, .. } = &mut *state;
    let share = app_state_key_share(account);
    let Some(companion) = account
        .companions
        .get_mut(&device)
        .filter(|companion| !companion.has_app_state_key)
    else {
        return Ok(());
    };
    let peer = address(person.phone, device);
    if !party.has_session(&peer) {
        party.start_session(&peer, &companion.take_bundle()?)?;
    }
    let plaintext = MessageUtils::pad_message_v2(share.encode_to_vec());
    let sealed = party.encrypt(&peer, &plaintext)?;
    let id = new_stanza_id();
    let node = NodeBuilder::new("message")
        .attr("from", pn_jid(person.phone, 0))
        .attr("id", id.as_str())
        .attr("t", crate::clock::unix_seconds())
        .attr("type", "text")
        .attr("category", "peer")
        .children([enc(sealed)])
        .build();
    companion.has_app_state_key = true;
    companion.push(Queued {
        class: Class::Message,
        id,
        kind: String::new(),
        node,
    });
    Ok(())
}

fn app_state_key_share(account: &Account) -> Message {
    let fingerprint = AppStateSyncKeyFingerprint {
        raw_id: Some(account.raw_id),
        current_index: Some(account.next_key_index.saturating_sub(1)),
        device_indexes: std::iter::once(0)
            .chain(account.companions.values().map(|companion| companion.key_index))
            .collect(),
    };
    let key = AppStateSyncKey {
        key_id: MessageField::some(AppStateSyncKeyId {
            key_id: Some(APP_STATE_KEY_ID.to_vec()),
        }),
        key_data: MessageField::some(AppStateSyncKeyData {
            key_data: Some(account.app_state_key.to_vec()),
            fingerprint: MessageField::some(fingerprint),
            timestamp: Some(crate::clock::now().timestamp_millis()),
        }),
    };
    Message {
        protocol_message: MessageField::some(ProtocolMessage {
            r#type: Some(Type::APP_STATE_SYNC_KEY_SHARE),
            app_state_sync_key_share: MessageField::some(AppStateSyncKeyShare { keys: vec![key] }),
            ..Default::default()
        }),
        ..Default::default()
    }
}

/// Removes one companion, or all, as a user does on the phone; returns how many there were. One that
/// is away learns of it at its next login.
pub(crate) fn unlink(network: &Network, person: &Person, device: Option<u16>) -> usize {
    let removed = {
        let mut state = person.lock();
        let companions = &mut state.account.companions;
        let removed = match device {
            Some(device) => companions.remove_entry(&device).into_iter().collect(),
            None => std::mem::take(companions),
        };
        if companions.is_empty() {
            // What was kept under the old device is of no use to the next one.
            state.account.app_state_key = rand::rng().random();
        }
        removed
    };
    for (device, companion) in &removed {
        if let Some(line) = &companion.line {
            Ending::Logout.say(&line.outbox);
        }
        devices::announce(network, person, Change::Removed { device: *device });
    }
    network.changed.notify_one();
    removed.len()
}
