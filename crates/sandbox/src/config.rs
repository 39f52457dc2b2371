//! What a sandbox is started with, and why it may refuse.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

/// How to start a [`Sandbox`](crate::Sandbox).
#[derive(Debug, Clone)]
pub struct SandboxConfig {
    /// Where to listen. Must be a loopback address; port 0 picks a free port.
    pub listen: SocketAddr,
    /// Where the network keeps its own state: the server's keys, accounts, companions, queued
    /// stanzas and received messages, in one file `sandbox.json`. `None` keeps it in memory.
    pub state_dir: Option<PathBuf>,
}

/// On a free port of 127.0.0.1, in memory.
impl Default for SandboxConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            state_dir: None,
        }
    }
}

/// Why a sandbox did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Clients of a sandbox trust whatever it says, so it must not be reachable from elsewhere.
    #[error("the sandbox listens on loopback only, and {0} is not a loopback address")]
    NotLoopback(SocketAddr),
    /// The address is in use or may not be bound.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// What was to be bound.
        address: SocketAddr,
        /// Why it could not be.
        source: io::Error,
    },
    /// The state file or its directory cannot be read or written.
    #[error("cannot use {}: {source}", path.display())]
    State {
        /// The file or directory.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// The state file is not one this version wrote.
    #[error("{} is not a sandbox state this version can read: {reason}; delete it to begin anew", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A key of the server or its certificate could not be made.
    #[error("cannot prepare the server's keys: {0}")]
    Keys(#[from] crate::certificate::KeyError),
    /// The server's thread did not come up.
    #[error("the sandbox's thread did not start: {0}")]
    Thread(io::Error),
}
