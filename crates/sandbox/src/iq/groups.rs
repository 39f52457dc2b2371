//! What clients ask about groups; they cannot change any.

use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Node, NodeRef};

use crate::session::LoggedIn;
use crate::stanza::{iq_error, iq_result, jid_attr};

pub(super) fn get(session: &LoggedIn, id: &str, iq: &NodeRef<'_>) {
    let answer = if iq.get_optional_child("participating").is_some() {
        iq_result(id, [participating(session)])
    } else if iq.get_optional_child("query").is_some() {
        let group = jid_attr(iq, "to").and_then(|jid| session.network.group(&jid));
        match group {
            Some(group) if group.has(session.person.phone) => iq_result(id, [group.node()]),
            Some(_) => iq_error(id, 403, "forbidden"),
            None => iq_error(id, 404, "item-not-found"),
        }
    } else {
        iq_error(id, 501, "feature-not-implemented")
    };
    session.outbox.send(answer);
}

fn participating(session: &LoggedIn) -> Node {
    let groups = session.network.groups();
    let own = groups
        .iter()
        .filter(|group| group.has(session.person.phone))
        .map(|group| group.node());
    NodeBuilder::new("groups")
        .children(own.collect::<Vec<_>>())
        .build()
}
