//! The real whatsapp-rust client, unmodified, against the sandbox.

mod companions;
mod arming;
mod control;
mod faults;
mod linking;
mod messaging;
mod names;
mod recovery;
mod support;
mod traffic_faults;
