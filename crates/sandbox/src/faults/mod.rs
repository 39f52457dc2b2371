//! What goes wrong on purpose.
//!
//! A fault belongs to one companion and never touches another. Some faults *strike* at once, on the
//! open connection: an [`Ending`] says why the session ends, or that it does not. The others are
//! *armed*: a [`Trap`] waits in the companion's [`Armed`] list for its occasion and is asked for at
//! five places only:
//!
//! | occasion | asked by |
//! |---|---|
//! | a handshake with a cached server key | `connection` |
//! | a login | `login` |
//! | a connection that begins | `Companion::connect` |
//! | a message from the companion | `messages` |
//! | a stanza for the companion | `Companion::push` and `contact` |
//!
//! How a connection is treated while it lasts (not heard, not answered, answered late) is its
//! [`Manner`], which only the connection's reader and writer look at. A fault that is to come later
//! waits in the [`Schedule`]. Nothing of this is saved: a sandbox that starts again has no faults.

mod armed;
mod ending;
mod manner;
mod schedule;
mod strike;

pub(crate) use armed::{Armed, IkRefusal, Left, LoginRefusal, MessageFault, Trap};
pub(crate) use ending::Ending;
pub(crate) use manner::{Manner, Treatment};
pub(crate) use schedule::{Schedule, later};
pub(crate) use strike::{Missed, clear, strike};

use std::time::Duration;

use postern_domain::PhoneNumber;
use serde::{Deserialize, Serialize};

/// What faults are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Close,
    StreamEnd,
    Restart,
    Unavailable,
    SlowDown,
    Replaced,
    Logout,
    UnknownError,
    LoginFailure,
    IkFailure,
    Mute,
    Slow,
    LoseAcks,
    LoseMessages,
    Nack,
    DuplicateDelivery,
    DropFramesAfter,
    Undecryptable,
}

/// Something that goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Said on every open connection, at once.
    End(Ending),
    /// After so many further frames of the open connection the server throws away what it hears.
    DropFramesAfter(u64),
    /// Waits for its occasion.
    Arm {
        trap: Trap,
        left: Left,
        /// Whether open connections are closed, so that a login comes soon.
        drop: bool,
    },
}

/// What is to happen to whom, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) phone: PhoneNumber,
    /// `None` means all of the account.
    pub(crate) device: Option<u16>,
    pub(crate) kind: Kind,
    pub(crate) fault: Fault,
    pub(crate) delay: Duration,
}
