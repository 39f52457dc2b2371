//! Login of a linked companion.

use std::sync::Arc;

use postern_domain::PhoneNumber;
use wacore_binary::builder::NodeBuilder;
use waproto::whatsapp::ClientPayload;

use crate::address::lid_jid;
use crate::faults::{IkRefusal, LoginRefusal};
use crate::network::Network;
use crate::outbox::Outbox;
use crate::person::Person;

/// The device was removed while it was away.
const REMOVED: LoginRefusal = LoginRefusal {
    code: 401,
    seconds: None,
};
/// Why WhatsApp bans for a while: messages to too many people who do not know the sender.
const BAN_CODE: u16 = 101;

pub(crate) enum Login {
    Welcome(Arc<Person>, u16),
    Refused(LoginRefusal),
}

/// Whether the account still knows this device by this key.
pub(crate) fn check(network: &Network, client_static: [u8; 32], payload: &ClientPayload) -> Login {
    let Some((person, device)) = named(network, payload) else {
        return Login::Refused(REMOVED);
    };
    let refusal = match person.lock().account.companions.get_mut(&device) {
        Some(companion) if companion.noise_key == client_static => companion.faults.next_login(),
        _ => Some(REMOVED),
    };
    match refusal {
        Some(refusal) => Login::Refused(refusal),
        None => Login::Welcome(person, device),
    }
}

/// Whether the server is to act as if it did not recognise the key by which this companion knows it.
pub(crate) fn key_refusal(
    network: &Network,
    client_static: [u8; 32],
    payload: &ClientPayload,
) -> Option<IkRefusal> {
    let (person, device) = named(network, payload)?;
    let mut state = person.lock();
    let companion = state.account.companions.get_mut(&device)?;
    (companion.noise_key == client_static)
        .then(|| companion.faults.next_cached_key())
        .flatten()
}

/// The account and the device number a client says it has.
fn named(network: &Network, payload: &ClientPayload) -> Option<(Arc<Person>, u16)> {
    let phone = PhoneNumber::from_digits(&payload.username?.to_string()).ok()?;
    let device = u16::try_from(payload.device?).ok()?;
    Some((network.known(phone)?, device))
}

pub(crate) fn welcome(person: &Person, device: u16, connection: u64, outbox: &Outbox) {
    let success = NodeBuilder::new("success")
        .attr("t", crate::clock::unix_seconds())
        .attr("props", 1_u32)
        .attr("location", "sbx")
        .attr("companion_enc_static", "")
        .attr("lid", lid_jid(person.phone, device))
        .attr("group_abprops", 1_u32)
        .build();
    // Connected first, so that what is armed for the connection holds for its first words too.
    if let Some(companion) = person.lock().account.companions.get_mut(&device) {
        companion.connect(outbox.clone(), connection);
    }
    outbox.send(success);
}

pub(crate) fn refuse(outbox: &Outbox, refusal: LoginRefusal) {
    let mut failure = NodeBuilder::new("failure").attr("reason", refusal.code);
    if let Some(seconds) = refusal.seconds {
        failure = failure.attr("code", BAN_CODE).attr("expire", seconds);
    }
    outbox.send(failure.build());
    outbox.close();
}
