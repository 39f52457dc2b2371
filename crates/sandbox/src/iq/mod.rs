//! Requests of a linked companion, by namespace. Every request gets an answer: an unanswered one
//! makes clients wait for a minute.

mod groups;
mod keys;
mod usync;

use actix_web::rt;
use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Node, NodeRef};

use crate::companion::Companion;
use crate::delivery::press_backlog;
use crate::devices::{self, Change};
use crate::session::LoggedIn;
use crate::stanza::{attr_is, children, empty_node, iq_error, iq_result, text_attr};

pub(crate) fn handle(session: &LoggedIn, iq: &NodeRef<'_>) {
    let Some(id) = text_attr(iq, "id") else { return };
    let is_get = attr_is(iq, "type", "get");
    if !is_get && !attr_is(iq, "type", "set") {
        // A result or an error, which nothing here waits for.
        return;
    }
    let namespace = text_attr(iq, "xmlns").unwrap_or_default();
    match (namespace.as_str(), is_get) {
        ("passive", false) => set_passive(session, &id, iq),
        ("encrypt", true) => keys::get(session, &id, iq),
        ("encrypt", false) => keys::set(session, &id, iq),
        ("usync", true) => usync::answer(session, &id, iq),
        ("w:g2", true) => groups::get(session, &id, iq),
        ("w:g2", false) => session.outbox.send(iq_error(&id, 501, "feature-not-implemented")),
        ("w:sync:app:state", false) => session.outbox.send(iq_result(&id, [app_state(iq)])),
        ("abt" | "w", true) => session.outbox.send(iq_result(&id, [empty_node("props")])),
        ("blocklist", true) => session.outbox.send(iq_result(&id, [empty_node("list")])),
        ("privacy", true) => session.outbox.send(iq_result(&id, [privacy()])),
        ("md", false) => remove_companion(session, &id, iq),
        // Pings, and whatever a client stores with the server.
        ("w:p", _) | (_, false) => session.outbox.send(iq_result(&id, [])),
        (_, true) => session.outbox.send(iq_error(&id, 501, "feature-not-implemented")),
    }
}

fn set_passive(session: &LoggedIn, id: &str, iq: &NodeRef<'_>) {
    session.outbox.send(iq_result(id, []));
    if iq.get_optional_child("active").is_none() {
        return;
    }
    let mut state = session.person.lock();
    let companion = state.account.companions.get_mut(&session.device);
    if companion.is_some_and(Companion::start_delivery) {
        let person = session.person.clone();
        rt::spawn(press_backlog(person, session.device, session.connection));
    }
}

/// Every collection is empty and stays so.
fn app_state(iq: &NodeRef<'_>) -> Node {
    let asked = iq.get_optional_child("sync");
    let collections = asked.into_iter().flat_map(|sync| children(sync, "collection"));
    let answers = collections.filter_map(|collection| {
        let name = text_attr(collection, "name")?;
        let version = text_attr(collection, "version").unwrap_or_else(|| "0".to_owned());
        Some(
            NodeBuilder::new("collection")
                .attr("name", name)
                .attr("version", version)
                .build(),
        )
    });
    NodeBuilder::new("sync")
        .children(answers.collect::<Vec<_>>())
        .build()
}

fn privacy() -> Node {
    let categories = [
        "readreceipts",
        "last",
        "online",
        "profile",
        "status",
        "groupadd",
        "calladd",
    ];
    let categories = categories.map(|name| {
        NodeBuilder::new("category")
            .attr("name", name)
            .attr("value", "all")
            .build()
    });
    NodeBuilder::new("privacy").children(categories).build()
}

/// The companion logs itself out; only the answer says so, and then the connection ends.
fn remove_companion(session: &LoggedIn, id: &str, iq: &NodeRef<'_>) {
    if iq.get_optional_child("remove-companion-device").is_none() {
        session.outbox.send(iq_error(id, 501, "feature-not-implemented"));
        return;
    }
    session.outbox.send(iq_result(id, []));
    let device = session.device;
    let removed = session.person.lock().account.companions.remove(&device);
    if removed.is_some() {
        devices::announce(&session.network, &session.person, Change::Removed { device });
    }
    session.network.changed.notify_one();
    session.outbox.close();
}
