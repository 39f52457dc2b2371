//! Messages into groups: sealed once for everybody, and with them the key for each device that lacks it.

use std::collections::HashMap;

use postern_domain::PhoneNumber;
use wacore_binary::{Jid, JidExt as _, NodeRef};

use super::{Letter, hand_over};
use crate::address::phone_of;
use crate::person::GroupKey;
use crate::session::LoggedIn;
use crate::stanza::{children, jid_attr};

/// With which code a message is refused, if it is for a group in which the account has no say.
pub(super) fn refusal(session: &LoggedIn, to: &Jid) -> Option<u16> {
    if !to.is_group() {
        return None;
    }
    match session.network.group(to) {
        Some(group) if group.has(session.person.phone) => None,
        Some(_) => Some(403),
        None => Some(404),
    }
}

pub(super) fn deliver(session: &LoggedIn, letter: &Letter, stanza: &NodeRef<'_>) {
    let enc = stanza.get_optional_child("enc");
    let (Some(group), Some(envelope)) = (
        session.network.group(&letter.chat),
        enc.and_then(|enc| letter.envelope(session, enc)),
    ) else {
        return;
    };
    // Who could not read it gets it again, sealed for that device alone.
    let only = jid_attr(stanza, "participant").and_then(|jid| Some((phone_of(&jid)?, jid.device)));
    let mut keys = group_keys(stanza);
    for phone in &group.participants {
        let Ok(person) = session.network.person(*phone) else {
            continue;
        };
        let companions: Vec<u16> = person.lock().account.companions.keys().copied().collect();
        for device in std::iter::once(0).chain(companions) {
            let recipient = (*phone, device);
            let is_sender = recipient == (session.person.phone, session.device);
            if is_sender || only.is_some_and(|only| only != recipient) {
                continue;
            }
            let mut envelope = envelope.clone();
            envelope.group_key = keys.remove(&recipient);
            hand_over(session, letter, &person, device, envelope);
        }
    }
}

/// The sender's key, for the devices that are to have it.
fn group_keys(stanza: &NodeRef<'_>) -> HashMap<(PhoneNumber, u16), GroupKey> {
    let participants = stanza.get_optional_child("participants");
    let listed = participants.into_iter().flat_map(|list| children(list, "to"));
    let keys = listed.filter_map(|participant| {
        let jid = jid_attr(participant, "jid")?;
        let enc = participant.get_optional_child("enc")?;
        let key = GroupKey {
            enc_kind: enc.get_attr("type")?.as_str().into_owned(),
            ciphertext: enc.content_bytes()?.to_vec(),
        };
        Some(((phone_of(&jid)?, jid.device), key))
    });
    keys.collect()
}
