//! What a gateway's port to WhatsApp is built from.

use std::path::PathBuf;
use std::time::Duration;

/// How clients reach WhatsApp and what they say about themselves.
#[derive(Debug, Clone)]
pub struct Config {
    /// The chat server's `ws:` or `wss:` URL; `None` is WhatsApp itself.
    pub url: Option<String>,
    /// Which version of WhatsApp Web the clients claim to be.
    pub version: VersionSource,
    /// The name that the phone shows in its list of linked devices.
    pub device_name: String,
    /// How many one-time keys a device keeps at the server, at least 5.
    ///
    /// Each contact that writes first uses one up, and the client refills them when few are left.
    /// WhatsApp Web keeps 812; each costs storage here and time at the first login.
    pub pre_key_count: usize,
    /// How long nothing at all may come through an open connection before it is reported as silent. The client asks
    /// for a sign of life after 15 to 30 s without one, so it should be longer than that.
    pub silence: Duration,
    /// How long the calls may take.
    pub deadlines: Deadlines,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            url: None,
            version: VersionSource::lookup(),
            device_name: "Postern".to_owned(),
            pre_key_count: 100,
            silence: Duration::from_secs(34),
            deadlines: Deadlines::default(),
        }
    }
}

/// A version of WhatsApp Web, e.g. 2.3000.1042742319.
pub type Version = (u32, u32, u32);

/// The version that was current when this release was made; WhatsApp accepts old ones for months.
pub const LAST_KNOWN_VERSION: Version = (2, 3000, 1_042_742_319);

/// Where the version comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VersionSource {
    /// Always this one. Nothing is looked up.
    Fixed(u32, u32, u32),
    /// Asks WhatsApp Web which version is current, at most once a day.
    Lookup {
        /// Keeps the last answer across restarts, for when WhatsApp Web cannot be asked.
        cache_file: Option<PathBuf>,
        /// What to say when it cannot be asked and nothing is cached.
        fallback: Version,
    },
}

impl VersionSource {
    /// Looked up, kept in memory only, and [`LAST_KNOWN_VERSION`] where the lookup fails.
    #[must_use]
    pub fn lookup() -> Self {
        Self::Lookup {
            cache_file: None,
            fallback: LAST_KNOWN_VERSION,
        }
    }
}

/// How long the calls may take. The defaults are what the port promises.
#[derive(Debug, Clone, Copy)]
pub struct Deadlines {
    /// Building and starting a client.
    pub open: Duration,
    /// Resolving, dialling and upgrading one connection. The client itself gives up after 20 s.
    pub connect: Duration,
    /// Asking WhatsApp Web for its version, within `open`.
    pub version: Duration,
    /// Sending one message, the question below included.
    pub send: Duration,
    /// Asking whether a new recipient is on WhatsApp.
    pub recipient: Duration,
    /// Asking for a pairing code.
    pub pairing_code: Duration,
    /// Telling WhatsApp that the link is removed.
    pub log_out: Duration,
    /// Closing the socket and writing what is buffered; 1.5 s more for what does not listen.
    pub stop: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            open: Duration::from_secs(30),
            connect: Duration::from_secs(15),
            version: Duration::from_secs(8),
            send: Duration::from_secs(30),
            recipient: Duration::from_secs(10),
            pairing_code: Duration::from_secs(30),
            log_out: Duration::from_secs(10),
            stop: Duration::from_secs(8),
        }
    }
}
