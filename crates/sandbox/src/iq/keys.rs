//! Prekeys: companions leave theirs with the server and take those of others.

use wacore::iq::prekeys::PreKeyBundleUserNode;
use wacore::protocol::ProtocolNode as _;
use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Jid, Node, NodeRef};

use crate::address::phone_of;
use crate::companion::{NumberedKey, Registration, SignedKey};
use crate::phone;
use crate::session::LoggedIn;
use crate::stanza::{
    bytes_node, child_array, child_bytes, children, iq_error, iq_result, jid_attr, short_id, short_id_bytes,
};

/// More one-time keys than any client uploads are not kept.
const PREKEY_LIMIT: usize = 10_000;

pub(super) fn get(session: &LoggedIn, id: &str, iq: &NodeRef<'_>) {
    let answer = if let Some(wanted) = iq.get_optional_child("key") {
        let users = children(wanted, "user").filter_map(|user| jid_attr(user, "jid"));
        let users = users.map(|jid| bundle(session, jid)).collect::<Vec<_>>();
        Some(NodeBuilder::new("list").children(users).build())
    } else if iq.get_optional_child("digest").is_some() {
        digest(session)
    } else if iq.get_optional_child("count").is_some() {
        let state = session.person.lock();
        let companion = state.account.companions.get(&session.device);
        let count = companion.map_or(0, |companion| companion.prekeys.len());
        Some(NodeBuilder::new("count").attr("value", count).build())
    } else {
        None
    };
    session.outbox.send(match answer {
        Some(answer) => iq_result(id, [answer]),
        None => iq_error(id, 404, "item-not-found"),
    });
}

/// The keys of one device, or that there is no such device.
fn bundle(session: &LoggedIn, jid: Jid) -> Node {
    let found = (|| {
        let person = session.network.person(phone_of(&jid)?).ok()?;
        let mut state = person.lock();
        if !state.behaviour.registered {
            return None;
        }
        let (bundle, device_identity) = if jid.device == 0 {
            (state.party.bundle().ok()?, None)
        } else {
            let companion = state.account.companions.get_mut(&jid.device)?;
            (
                companion.take_bundle().ok()?,
                Some(companion.device_identity.clone()),
            )
        };
        PreKeyBundleUserNode::from_bundle(jid.clone(), &bundle, device_identity).ok()
    })();
    session.network.changed.notify_one();
    match found {
        Some(found) => found.into_node(),
        None => NodeBuilder::new("user")
            .attr("jid", jid)
            .children([NodeBuilder::new("error")
                .attr("code", 406_u32)
                .attr("text", "not-acceptable")
                .build()])
            .build(),
    }
}

/// What the server has of the companion's keys. A client without keys here is told to upload.
fn digest(session: &LoggedIn) -> Option<Node> {
    let state = session.person.lock();
    let companion = state.account.companions.get(&session.device)?;
    if companion.prekeys.is_empty() {
        return None;
    }
    let Registration {
        identity,
        registration_id,
        signed_prekey,
        ..
    } = &companion.registration;
    let ids = companion
        .prekeys
        .iter()
        .map(|prekey| bytes_node("id", short_id_bytes(prekey.id)));
    let digest = NodeBuilder::new("digest").children([
        bytes_node("registration", registration_id.to_be_bytes()),
        bytes_node("type", [5]),
        bytes_node("identity", *identity),
        NodeBuilder::new("skey")
            .children([
                bytes_node("id", short_id_bytes(signed_prekey.key.id)),
                bytes_node("value", signed_prekey.key.key),
                bytes_node("signature", signed_prekey.signature.clone()),
            ])
            .build(),
        NodeBuilder::new("list").children(ids.collect::<Vec<_>>()).build(),
        bytes_node("hash", companion.digest()),
    ]);
    Some(digest.build())
}

/// An upload of prekeys, or a new signed prekey.
pub(super) fn set(session: &LoggedIn, id: &str, iq: &NodeRef<'_>) {
    let accepted = match iq.get_optional_child("rotate") {
        Some(rotation) => rotate(session, rotation),
        None => upload(session, iq),
    };
    session.outbox.send(match accepted {
        Some(()) => iq_result(id, []),
        None => iq_error(id, 406, "not-acceptable"),
    });
    session.network.changed.notify_one();
    phone::share_app_state_key(&session.person, session.device);
}

fn rotate(session: &LoggedIn, rotation: &NodeRef<'_>) -> Option<()> {
    let signed = signed_key(rotation.get_optional_child("skey")?)?;
    let mut state = session.person.lock();
    let companion = state.account.companions.get_mut(&session.device)?;
    companion.registration.signed_prekey = signed;
    Some(())
}

fn upload(session: &LoggedIn, iq: &NodeRef<'_>) -> Option<()> {
    let identity: [u8; 32] = child_array(iq, "identity")?;
    let registration_id = u32::from_be_bytes(child_array(iq, "registration")?);
    let signed_prekey = signed_key(iq.get_optional_child("skey")?)?;
    let keys = children(iq.get_optional_child("list")?, "key")
        .map(numbered_key)
        .collect::<Option<Vec<_>>>()?;
    let mut state = session.person.lock();
    let companion = state.account.companions.get_mut(&session.device)?;
    // The identity was endorsed when the device was linked.
    if identity != companion.registration.identity {
        return None;
    }
    companion.registration.registration_id = registration_id;
    companion.registration.signed_prekey = signed_prekey;
    for key in keys {
        match companion.prekeys.iter_mut().find(|known| known.id == key.id) {
            Some(known) => *known = key,
            None => companion.prekeys.push_back(key),
        }
    }
    companion.prekeys.truncate(PREKEY_LIMIT);
    Some(())
}

fn numbered_key(node: &NodeRef<'_>) -> Option<NumberedKey> {
    Some(NumberedKey {
        id: short_id(child_bytes(node, "id")?)?,
        key: child_array(node, "value")?,
    })
}

fn signed_key(node: &NodeRef<'_>) -> Option<SignedKey> {
    Some(SignedKey {
        key: numbered_key(node)?,
        signature: child_bytes(node, "signature")?.to_vec(),
    })
}
