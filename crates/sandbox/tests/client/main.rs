//! The real whatsapp-rust client, unmodified, against the sandbox.

mod arming;
mod companions;
mod control;
mod faults;
mod groups;
mod linking;
mod messaging;
mod names;
mod recovery;
mod support;
mod traffic_faults;
