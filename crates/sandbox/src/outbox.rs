//! What waits to be written to one connection.

use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use wacore_binary::Node;

use crate::faults::{Armed, Manner, Treatment};

/// A client that leaves so many stanzas unread has its connection closed, as the real service does.
/// It is more than a companion's queue may hold, so that a login can always hand over all of it.
const CAPACITY: usize = 65_536;

#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) said: Instant,
    pub(crate) what: Words,
}

#[derive(Debug)]
pub(crate) enum Words {
    Stanza(Box<Node>),
    /// Write what is before this, then close.
    Close,
}

/// The sending end; cloned to everything that has something to say to this client.
#[derive(Debug, Clone)]
pub(crate) struct Outbox {
    sender: mpsc::Sender<Outgoing>,
    closed: CancellationToken,
    treatment: watch::Sender<Treatment>,
}

impl Outbox {
    /// `closed` ends both halves of the connection at once.
    pub(crate) fn new(closed: CancellationToken) -> (Self, mpsc::Receiver<Outgoing>, Manner) {
        let (sender, receiver) = mpsc::channel(CAPACITY);
        let (treatment, manner) = Manner::new();
        let outbox = Self {
            sender,
            closed,
            treatment,
        };
        (outbox, receiver, manner)
    }

    pub(crate) fn send(&self, node: Node) {
        self.push(Words::Stanza(Box::new(node)));
    }

    /// Closes after everything sent so far is written; at once, where nothing is written any more.
    pub(crate) fn close(&self) {
        if self.treatment.borrow().muted {
            self.closed.cancel();
        }
        self.push(Words::Close);
    }

    /// Changes how the connection is treated to what is armed for the companion.
    pub(crate) fn treat(&self, faults: &mut Armed) {
        self.treatment.send_modify(|treatment| {
            treatment.muted = treatment.muted || faults.next_connection_is_mute();
            treatment.latency = Duration::from_millis(faults.latency_ms());
        });
    }

    /// After so many more frames nothing the client says is listened to. A line that is deaf already stays so: it must
    /// not hear what comes after a gap.
    pub(crate) fn hear_only(&self, frames: u64) {
        self.treatment.send_modify(|treatment| {
            let left = treatment.heard_frames.unwrap_or(frames);
            treatment.heard_frames = Some(left.min(frames));
        });
    }

    /// Takes back what was changed, and says what was held back.
    pub(crate) fn treat_normally(&self) {
        self.treatment.send_replace(Treatment::default());
    }

    pub(crate) fn treatment(&self) -> Treatment {
        *self.treatment.borrow()
    }

    /// Whether the frame that came is listened to.
    pub(crate) fn hears_frame(&self) -> bool {
        if self.treatment.borrow().heard_frames.is_none() {
            return true;
        }
        let mut hears = true;
        self.treatment.send_if_modified(|treatment| {
            if let Some(frames) = &mut treatment.heard_frames {
                hears = *frames > 0;
                *frames = frames.saturating_sub(1);
            }
            // Nobody waits for this number.
            false
        });
        hears
    }

    fn push(&self, what: Words) {
        let said = Instant::now();
        if self.sender.try_send(Outgoing { said, what }).is_err() {
            self.closed.cancel();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::{Left, Trap};

    #[test]
    fn what_is_heard_is_counted_down() {
        let (outbox, _outgoing, _manner) = Outbox::new(CancellationToken::new());
        assert!(outbox.hears_frame());
        outbox.hear_only(2);
        let heard = [(); 4].map(|()| outbox.hears_frame());
        assert_eq!(heard, [true, true, false, false]);
        outbox.hear_only(2);
        assert!(!outbox.hears_frame(), "there would be a gap");
        outbox.treat_normally();
        assert!(outbox.hears_frame());
    }

    #[test]
    fn a_silence_is_used_up_by_one_connection() {
        let mut faults = Armed::default();
        faults.arm(Trap::Mute, Left::from_count(1)).expect("room");
        let [first, second] = [(); 2].map(|()| Outbox::new(CancellationToken::new()).0);
        for outbox in [&first, &first, &second] {
            outbox.treat(&mut faults);
        }
        assert!(first.treatment().muted);
        assert!(!second.treatment().muted);
    }

    #[test]
    fn a_mute_connection_is_closed_at_once() {
        let closed = CancellationToken::new();
        let (outbox, _outgoing, _manner) = Outbox::new(closed.clone());
        outbox.close();
        assert!(!closed.is_cancelled(), "the writer closes it in its turn");
        let mut faults = Armed::default();
        faults.arm(Trap::Mute, Left::UntilCleared).expect("room");
        outbox.treat(&mut faults);
        outbox.close();
        assert!(closed.is_cancelled());
    }
}
