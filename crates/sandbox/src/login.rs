//! Login of a linked companion.

use std::sync::Arc;

use postern_domain::PhoneNumber;
use wacore_binary::builder::NodeBuilder;
use waproto::whatsapp::ClientPayload;

use crate::address::lid_jid;
use crate::network::Network;
use crate::outbox::Outbox;
use crate::person::Person;
use crate::stanza::failure;

pub(crate) enum Login {
    Welcome(Arc<Person>, u16),
    /// With WhatsApp's reason code.
    Refused(&'static str),
}

/// Whether the account still knows this device by this key.
pub(crate) fn check(network: &Network, client_static: [u8; 32], payload: &ClientPayload) -> Login {
    let known = || {
        let phone = PhoneNumber::from_digits(&payload.username?.to_string()).ok()?;
        let device = u16::try_from(payload.device?).ok()?;
        let person = network.known(phone)?;
        let noise_key = person.lock().account.companions.get(&device)?.noise_key;
        (noise_key == client_static).then_some((person, device))
    };
    match known() {
        Some((person, device)) => Login::Welcome(person, device),
        // The device was removed while it was away.
        None => Login::Refused("401"),
    }
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
    outbox.send(success);
    if let Some(companion) = person.lock().account.companions.get_mut(&device) {
        companion.connect(outbox.clone(), connection);
    }
}

pub(crate) fn refuse(outbox: &Outbox, reason: &'static str) {
    outbox.send(failure(reason));
    outbox.close();
}
