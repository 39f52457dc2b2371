//! The real whatsapp-rust client, unmodified, against the sandbox.

mod arming;
mod control;
mod faults;
mod linking;
mod messaging;
mod recovery;
mod support;
mod traffic_faults;
