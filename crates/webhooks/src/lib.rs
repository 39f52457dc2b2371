//! Follows the event log: match, sign, guard, deliver, retry, park.

mod client;
mod config;
mod guard;
mod retry_after;
mod schedule;
mod signature;
mod target;

pub use config::WebhooksConfig;
pub use guard::{Allowed, NotAllowable};
pub use schedule::Schedule;

/// Deliveries cannot be made at all.
#[derive(Debug, thiserror::Error)]
pub enum WebhooksError {
    /// Names cannot be looked up.
    #[error("the system's name servers are not known, set webhooks.nameservers: {0}")]
    Resolver(String),
    /// The client cannot be built.
    #[error("the HTTP client cannot be built: {0}")]
    Client(String),
}
