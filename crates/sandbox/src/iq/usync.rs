//! Who is on WhatsApp, under which LID, with which devices.

use postern_domain::PhoneNumber;
use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Node, NodeRef};

use crate::address::{lid_jid, phone_of, pn_jid};
use crate::devices;
use crate::session::LoggedIn;
use crate::stanza::{children, empty_node, iq_error, iq_result, jid_attr, text_attr};

/// What can be asked about a user; the rest is passed over.
const PROTOCOLS: [&str; 3] = ["devices", "lid", "contact"];

pub(super) fn answer(session: &LoggedIn, id: &str, iq: &NodeRef<'_>) {
    let answered = iq
        .get_optional_child("usync")
        .and_then(|usync| usync_answer(session, usync));
    session.outbox.send(match answered {
        Some(usync) => iq_result(id, [usync]),
        None => iq_error(id, 400, "bad-request"),
    });
}

fn usync_answer(session: &LoggedIn, usync: &NodeRef<'_>) -> Option<Node> {
    let query = usync.get_optional_child("query")?;
    let asked: Vec<&'static str> = PROTOCOLS
        .into_iter()
        .filter(|protocol| query.get_optional_child(protocol).is_some())
        .collect();
    let users = children(usync.get_optional_child("list")?, "user")
        .filter_map(|user| user_answer(session, &asked, user))
        .collect::<Vec<_>>();
    let mut answer = NodeBuilder::new("usync").attr("index", "0").attr("last", "true");
    for key in ["sid", "mode", "context"] {
        answer = answer.attr(key, text_attr(usync, key).unwrap_or_default());
    }
    let results = asked.iter().map(|protocol| empty_node(protocol));
    Some(
        answer
            .children([
                NodeBuilder::new("result").children(results).build(),
                NodeBuilder::new("list").children(users).build(),
            ])
            .build(),
    )
}

/// A user is named by either JID, or by a number somebody typed.
fn user_answer(session: &LoggedIn, asked: &[&str], user: &NodeRef<'_>) -> Option<Node> {
    let typed = user
        .get_optional_child("contact")
        .and_then(NodeRef::content_as_string)
        .filter(|number| !number.is_empty());
    let jid = jid_attr(user, "jid");
    let phone = match (&jid, &typed) {
        (Some(jid), _) => phone_of(jid)?,
        (None, Some(number)) => PhoneNumber::from_digits(number.trim_start_matches('+')).ok()?,
        (None, None) => return None,
    };
    let registered = session
        .network
        .known(phone)
        .is_none_or(|person| person.lock().behaviour.registered);

    let mut protocols = Vec::new();
    for protocol in asked {
        match *protocol {
            "devices" => protocols.push(device_list(session, phone, registered)),
            "lid" if registered => {
                protocols.push(NodeBuilder::new("lid").attr("val", lid_jid(phone, 0)).build())
            }
            "contact" => {
                let contact = NodeBuilder::new("contact").attr("type", if registered { "in" } else { "out" });
                protocols.push(match &typed {
                    Some(number) => contact.string_content(number.clone()).build(),
                    None => contact.build(),
                });
            }
            _ => {}
        }
    }
    let jid = jid.unwrap_or_else(|| pn_jid(phone, 0));
    let mut answer = NodeBuilder::new("user").attr("jid", &jid);
    if jid.is_lid() {
        answer = answer.attr("pn_jid", pn_jid(phone, 0));
    }
    Some(answer.children(protocols).build())
}

/// Whoever is told the list is told its changes from now on.
fn device_list(session: &LoggedIn, phone: PhoneNumber, registered: bool) -> Node {
    let device = |id: u16| NodeBuilder::new("device").attr("id", id);
    let mut list = Vec::new();
    let mut signed = None;
    let mut indexes = Vec::new();
    if registered {
        list.push(device(0).build());
        indexes.push(0);
        if let Some(person) = session.network.known(phone) {
            let mut state = person.lock();
            if phone != session.person.phone {
                state.watchers.insert(session.person.phone);
            }
            let companions = state.account.companions.values();
            list.extend(companions.map(|companion| {
                let entry = device(companion.device).attr("key-index", companion.key_index);
                entry.build()
            }));
            indexes = devices::key_indexes(&state.account);
            if indexes.len() > 1 {
                signed = devices::signed_list(&state);
            }
        }
    }
    let mut children = vec![
        NodeBuilder::new("device-list")
            .attr("hash", devices::list_hash(&indexes))
            .children(list)
            .build(),
    ];
    children.extend(signed);
    NodeBuilder::new("devices").children(children).build()
}
