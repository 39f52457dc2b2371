//! A simulated WhatsApp network on loopback, which an unmodified client links to and talks through.
//!
//! One port serves three things. `/ws/chat` is WhatsApp: a WebSocket carrying Noise frames, in them
//! stanzas, in them Signal messages. `/mms/` is where its media would be. `/sandbox/v1` plays the
//! people: it scans a QR code with a virtual phone, reads what a virtual contact received, writes
//! back, and breaks things on purpose.
//!
//! # How it is built
//!
//! A `network` holds people. A person is a phone number with a Signal identity: everybody is a
//! *contact*, and whoever has scanned a QR code is an *account* with linked *companions* too. A
//! `connection` does the Noise handshake and then hands stanzas to a `session`, which is plain
//! synchronous code: it changes the network and puts answers into outboxes. Nothing waits while a
//! lock is held, and no two people are ever locked at once. What goes wrong on purpose is in
//! `faults`, which a session asks at a few places.
//!
//! What a companion has not confirmed stays in its queue and is delivered again on its next login,
//! as WhatsApp does it. With a state directory, all of that survives a restart of the sandbox.
//!
//! What is kept is bounded: a contact remembers its latest 100 000 received messages and can write
//! its latest 1 000 again; 10 000 messages wait for a contact that is offline and 50 000 stanzas for
//! a companion that is away, and the oldest go first. There are 10 000 groups at most. A client that
//! leaves 65 536 stanzas unread has its connection closed.
//!
//! # What it is not
//!
//! It never leaves loopback, keeps no secrets, and proves nothing about the real service's limits.

mod address;
mod adv;
mod certificate;
mod clock;
mod companion;
mod config;
mod connection;
mod contact;
mod control;
mod delivery;
mod devices;
mod faults;
mod groups;
mod inbox;
mod iq;
mod login;
mod messages;
mod network;
mod noise;
mod outbox;
mod pairing;
mod person;
mod phone;
mod receipts;
mod said;
mod sandbox;
mod sender_keys;
mod server;
mod session;
mod signal;
mod snapshot;
mod stanza;
mod writing;

pub use certificate::KeyError;
pub use config::{SandboxConfig, StartError};
pub use sandbox::Sandbox;
