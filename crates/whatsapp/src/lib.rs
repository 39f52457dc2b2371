//! The port to WhatsApp over whatsapp-rust: the only crate that knows that client.
//!
//! [`WhatsAppWeb`] starts one client per device, each a linked device of one account, and translates
//! between it and the words of [`postern_domain::port`].
//!
//! What the client does not promise, this crate adds: it never dials WhatsApp with a client that can be
//! fooled (`guard`), it waits for nothing without a deadline, it names one contact by one address
//! (`address`), it holds a delivery back until it is committed (`inbound`), it does not send to numbers
//! without an account (`recipients`), and when it says that a session has ended, nothing of that session
//! runs any more (`tasks`, `session`).
//!
//! A client cannot be started twice. After [`Ended`](postern_domain::port::Observed::Ended) the device is
//! opened anew, over the same keys.
//!
//! whatsapp-rust logs through `log`, and writes phone numbers, JIDs, pairing codes and whole stanzas there at
//! every level; its log lines must not be shown as they are. Lines of this crate carry none of these.

mod address;
mod caches;
mod config;
mod content;
mod events;
mod gateway;
mod guard;
mod http;
mod inbound;
mod outbound;
mod pairing;
mod recipients;
mod redact;
mod report;
mod session;
mod silence;
mod tasks;
mod transport;
mod version;

pub use config::{Config, Deadlines, LAST_KNOWN_VERSION, Version, VersionSource};
pub use gateway::{ConfigError, DeviceKeys, KeyProvider, WhatsAppWeb};
pub use guard::{NotLoopback, accepts_forged_certificates};
/// What a client keeps its keys in.
pub use wacore::store::traits::Backend;
