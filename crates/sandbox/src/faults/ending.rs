//! The last words of a connection, and what else is said in `<stream:error>`.

use crate::outbox::Outbox;
use crate::stanza::{empty_node, stream_error};

/// An error code no client knows.
const UNKNOWN_CODE: &str = "599";

/// How a session ends. After all but [`Ending::Logout`] the client may log in again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Without a word.
    Close,
    /// The server ends its stream, as it does from time to time.
    StreamEnd,
    /// The client is to log in again at once.
    Restart,
    /// The server goes down.
    Unavailable,
    /// The client is too fast.
    SlowDown,
    /// The same device has logged in elsewhere.
    Replaced,
    /// The account has removed the companion.
    Logout,
    /// Something no client has heard of, after which all goes on.
    UnknownError,
}

impl Ending {
    pub(crate) fn say(self, outbox: &Outbox) {
        let words = match self {
            Self::Close => None,
            Self::StreamEnd => Some(empty_node("xmlstreamend")),
            Self::Restart => Some(stream_error(Some("515"), None)),
            Self::Unavailable => Some(stream_error(Some("503"), None)),
            Self::SlowDown => Some(stream_error(Some("429"), None)),
            Self::Replaced => Some(stream_error(None, Some("replaced"))),
            Self::Logout => Some(stream_error(Some("401"), Some("device_removed"))),
            Self::UnknownError => Some(stream_error(Some(UNKNOWN_CODE), None)),
        };
        if let Some(words) = words {
            outbox.send(words);
        }
        if self != Self::UnknownError {
            outbox.close();
        }
    }
}
