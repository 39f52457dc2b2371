//! What every long-running part of the gateway shares: time, wake-ups, backoff, named tasks, shutdown.
//!
//! Knows tokio and the ids of the domain; knows no WhatsApp, no SQL and no HTTP.

mod backoff;
mod clock;
mod tasks;
mod wake;

pub use backoff::Backoff;
pub use clock::{Clock, ManualClock, SystemClock};
pub use tasks::{Panicked, Pulse, Stop, Tasks};
pub use wake::{Bell, Listener, Switchboard, Wakes};
