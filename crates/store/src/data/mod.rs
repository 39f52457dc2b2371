//! `postern.db`: workspaces, devices, messages, the outbox and the event log.

mod records;
mod store;

pub use records::*;
pub use store::{AcceptError, LinkError, PairingError, Store, StoreOptions};
