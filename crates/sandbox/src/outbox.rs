//! What waits to be written to one connection.

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use wacore_binary::Node;

/// A client that leaves so many stanzas unread has its connection closed, as the real service does.
/// It is more than a companion's queue may hold, so that a login can always hand over all of it.
const CAPACITY: usize = 65_536;

#[derive(Debug)]
pub(crate) enum Outgoing {
    Stanza(Box<Node>),
    /// Write what is before this, then close.
    Close,
}

/// The sending end; cloned to everything that has something to say to this client.
#[derive(Debug, Clone)]
pub(crate) struct Outbox {
    sender: mpsc::Sender<Outgoing>,
    closed: CancellationToken,
}

impl Outbox {
    /// `closed` ends both halves of the connection at once.
    pub(crate) fn new(closed: CancellationToken) -> (Self, mpsc::Receiver<Outgoing>) {
        let (sender, receiver) = mpsc::channel(CAPACITY);
        (Self { sender, closed }, receiver)
    }

    pub(crate) fn send(&self, node: Node) {
        self.push(Outgoing::Stanza(Box::new(node)));
    }

    /// Closes after everything sent so far is written.
    pub(crate) fn close(&self) {
        self.push(Outgoing::Close);
    }

    fn push(&self, outgoing: Outgoing) {
        if self.sender.try_send(outgoing).is_err() {
            self.closed.cancel();
        }
    }
}
