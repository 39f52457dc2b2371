//! What waits for a companion, and how it is handed over when the companion logs in.
//!
//! The server says how much there is, sends the first few stanzas, and then as many as the client asks
//! for; a marker behind the last one ends the login. A client that stops asking gets the rest unasked.
//! Whatever is not confirmed stays in the queue, and comes again with the next login.

use std::sync::Arc;
use std::time::Duration;

use wacore_binary::Node;
use wacore_binary::builder::NodeBuilder;

use crate::companion::{Class, Companion, Line, Queued};
use crate::faults::Armed;
use crate::outbox::Outbox;
use crate::person::Person;
use crate::stanza::server_info;

/// More than this is not kept for a companion that stays away; the oldest go first.
const QUEUE_LIMIT: usize = 50_000;
/// So many stanzas come before the client has asked for any.
const UNASKED: usize = 5;
/// How long the server waits to be asked for more.
const PATIENCE: Duration = Duration::from_secs(2);

/// How far a connection has got with what waited.
#[derive(Debug, Clone)]
pub(crate) enum Delivery {
    /// The client has not left passive mode.
    NotYet,
    /// The last stanzas of the queue are still to be sent on this connection.
    Backlog {
        unsent: usize,
        sent: usize,
        /// Whether the client has asked for more since somebody looked.
        asked: bool,
    },
    /// New stanzas go out at once.
    Live,
}

impl Companion {
    /// Keeps a stanza until it is confirmed, and sends it when there is somebody to send it to.
    pub(crate) fn push(&mut self, queued: Queued) {
        match &mut self.line {
            Some(Line {
                outbox,
                delivery: Delivery::Live,
                ..
            }) => deliver(outbox, &mut self.faults, &queued, queued.node.clone()),
            // Behind everything that waits already.
            Some(Line {
                delivery: Delivery::Backlog { unsent, .. },
                ..
            }) => *unsent += 1,
            _ => {}
        }
        self.queue.push_back(queued);
        if self.queue.len() > QUEUE_LIMIT {
            self.take_from_queue(0);
        }
    }

    /// The client has left passive mode: it is told what waits. True when it has to ask for the rest.
    pub(crate) fn start_delivery(&mut self) -> bool {
        let line = self.line.as_mut();
        let Some(line) = line.filter(|line| matches!(line.delivery, Delivery::NotYet)) else {
            return false;
        };
        line.delivery = Delivery::Backlog {
            unsent: self.queue.len(),
            sent: 0,
            asked: false,
        };
        let count = |class| self.queue.iter().filter(|queued| queued.class == class).count();
        let preview = NodeBuilder::new("offline_preview")
            .attr("count", self.queue.len())
            .attr("message", count(Class::Message))
            .attr("receipt", count(Class::Receipt))
            .attr("notification", count(Class::Notification))
            .attr("appdata", 0_u32)
            .build();
        line.outbox.send(server_info(preview));
        self.send_backlog(UNASKED);
        let delivery = self.line.as_ref().map(|line| &line.delivery);
        matches!(delivery, Some(Delivery::Backlog { .. }))
    }

    /// The client asks for so many of the stanzas that wait.
    pub(crate) fn ask_for(&mut self, count: usize) {
        if let Some(Line {
            delivery: Delivery::Backlog { asked, .. },
            ..
        }) = &mut self.line
        {
            *asked = true;
            self.send_backlog(count);
        }
    }

    /// Hands over the rest if the client has not asked since the last time; false when nothing is left
    /// to do on this connection.
    fn press(&mut self, connection: u64) -> bool {
        let Some(line) = self.line.as_mut().filter(|line| line.connection == connection) else {
            return false;
        };
        let Delivery::Backlog { asked, .. } = &mut line.delivery else {
            return false;
        };
        if std::mem::take(asked) {
            return true;
        }
        self.send_backlog(usize::MAX);
        false
    }

    /// Sends what comes next of the backlog, and the marker behind the last of it.
    fn send_backlog(&mut self, count: usize) {
        let Some(Line { outbox, delivery, .. }) = &mut self.line else {
            return;
        };
        let Delivery::Backlog { unsent, sent, .. } = delivery else {
            return;
        };
        let count = count.min(*unsent);
        let next = self.queue.len() - *unsent;
        for queued in self.queue.range(next..next + count) {
            let mut node = queued.node.clone();
            node.attrs.insert("offline", "1");
            deliver(outbox, &mut self.faults, queued, node);
        }
        *unsent -= count;
        *sent += count;
        if *unsent == 0 {
            let end = NodeBuilder::new("offline").attr("count", *sent).build();
            outbox.send(server_info(end));
            *delivery = Delivery::Live;
        }
    }

    /// Forgets a stanza the client has confirmed; false when there was none.
    pub(crate) fn confirm(&mut self, class: Class, id: &str, kind: &str) -> bool {
        // Clients confirm in order, so that it is nearly always the first.
        let position = self.queue.iter().position(|queued| {
            queued.class == class && queued.id == id && (class != Class::Receipt || queued.kind == kind)
        });
        match position {
            Some(position) => self.take_from_queue(position),
            None => false,
        }
    }

    fn take_from_queue(&mut self, position: usize) -> bool {
        if let Some(Line {
            delivery: Delivery::Backlog { unsent, .. },
            ..
        }) = &mut self.line
            && position >= self.queue.len() - *unsent
        {
            *unsent -= 1;
        }
        self.queue.remove(position).is_some()
    }
}

/// Notifications and the rest are the server's own and come once.
fn deliver(outbox: &Outbox, faults: &mut Armed, queued: &Queued, node: Node) {
    if matches!(queued.class, Class::Message | Class::Receipt) && faults.next_delivery_is_doubled() {
        outbox.send(node.clone());
    }
    outbox.send(node);
}

/// Waits for as long as the client goes on asking for its backlog, and then hands over the rest.
pub(crate) async fn press_backlog(person: Arc<Person>, device: u16, connection: u64) {
    loop {
        tokio::time::sleep(PATIENCE).await;
        let mut state = person.lock();
        let companion = state.account.companions.get_mut(&device);
        if !companion.is_some_and(|companion| companion.press(connection)) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc::Receiver;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::companion::{NumberedKey, Registration, SignedKey};
    use crate::outbox::{Outgoing, Words};

    fn queued(number: usize) -> Queued {
        let id = number.to_string();
        Queued {
            class: Class::Message,
            node: NodeBuilder::new("message").attr("id", id.as_str()).build(),
            id,
            kind: String::new(),
        }
    }

    /// A companion that has logged in on connection 1 after so many messages were written to it.
    fn connected(waiting: usize) -> (Companion, Receiver<Outgoing>) {
        let key = NumberedKey { id: 1, key: [0; 32] };
        let mut companion = Companion {
            device: 1,
            key_index: 1,
            noise_key: [0; 32],
            registration: Registration {
                identity: [0; 32],
                registration_id: 1,
                signed_prekey: SignedKey {
                    key,
                    signature: Vec::new(),
                },
                platform: String::new(),
            },
            device_identity: Vec::new(),
            prekeys: Default::default(),
            has_app_state_key: true,
            queue: Default::default(),
            line: None,
            faults: Armed::default(),
        };
        for number in 0..waiting {
            companion.push(queued(number));
        }
        let (outbox, said, _manner) = Outbox::new(CancellationToken::new());
        companion.connect(outbox, 1);
        assert_eq!(companion.start_delivery(), waiting > UNASKED);
        (companion, said)
    }

    /// The ids of the messages that were sent, and the names of everything else.
    fn said(receiver: &mut Receiver<Outgoing>) -> Vec<String> {
        let sent = std::iter::from_fn(|| receiver.try_recv().ok());
        sent.filter_map(|outgoing| match outgoing.what {
            Words::Stanza(node) => Some(node),
            Words::Close => None,
        })
        .map(|node| match node.attrs.get("id") {
            Some(id) => id.as_str().into_owned(),
            None => node.children().expect("a child")[0].tag.to_string(),
        })
        .collect()
    }

    fn numbers(range: std::ops::Range<usize>) -> Vec<String> {
        range.map(|number| number.to_string()).collect()
    }

    #[test]
    fn a_backlog_comes_in_the_portions_that_are_asked_for() {
        let (mut companion, mut receiver) = connected(20);
        assert_eq!(
            said(&mut receiver),
            [vec!["offline_preview".to_owned()], numbers(0..5)].concat()
        );
        companion.ask_for(10);
        assert_eq!(said(&mut receiver), numbers(5..15));
        // What is written meanwhile waits its turn, and what is confirmed meanwhile changes nothing.
        companion.push(queued(20));
        assert!(companion.confirm(Class::Message, "0", ""));
        assert!(companion.confirm(Class::Message, "17", ""));
        assert!(said(&mut receiver).is_empty());
        companion.ask_for(10);
        let rest = ["15", "16", "18", "19", "20", "offline"];
        assert_eq!(said(&mut receiver), rest);
        companion.push(queued(21));
        assert_eq!(said(&mut receiver), ["21"]);
        companion.ask_for(10);
        assert!(said(&mut receiver).is_empty());
    }

    #[test]
    fn a_client_that_stops_asking_gets_the_rest_unasked() {
        let (mut companion, mut receiver) = connected(20);
        companion.ask_for(5);
        said(&mut receiver);
        assert!(!companion.press(2), "another connection");
        assert!(companion.press(1));
        assert!(said(&mut receiver).is_empty());
        assert!(!companion.press(1));
        assert_eq!(
            said(&mut receiver),
            [numbers(10..20), vec!["offline".to_owned()]].concat()
        );
    }

    #[test]
    fn without_a_backlog_only_the_marker_comes() {
        let (mut companion, mut receiver) = connected(0);
        assert_eq!(said(&mut receiver), ["offline_preview", "offline"]);
        companion.push(queued(0));
        assert_eq!(said(&mut receiver), ["0"]);
    }
}
