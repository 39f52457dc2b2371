//! The settings of deliveries.

use std::net::SocketAddr;
use std::time::Duration;

use crate::guard::Allowed;
use crate::schedule::Schedule;

/// How deliveries are made. `config/postern.toml` documents each of them.
#[derive(Debug, Clone)]
pub struct WebhooksConfig {
    /// What may be sent to although it is not public.
    pub allow: Vec<Allowed>,
    /// Whether plain `http` may be used.
    pub allow_http: bool,
    /// Who is asked for the addresses of names; those of the system when empty.
    pub name_servers: Vec<SocketAddr>,
    /// Deliveries to one endpoint that may be under way at once.
    pub concurrency: usize,
    /// How long a delivery may take, from the first packet to the last.
    pub timeout: Duration,
    /// When a failed delivery is tried again.
    pub retries: Schedule,
    /// How many failures in a row it takes until an endpoint is left alone for a while.
    pub failures_before_rest: u32,
    /// How long it is left alone at first, and at most.
    pub rest: (Duration, Duration),
    /// How long an endpoint may do nothing but fail before it is disabled.
    pub give_up_after: Duration,
    /// Events that may wait for another try, per endpoint; at more of them nothing new is begun.
    pub most_waiting: usize,
    /// How often the endpoints and the log are looked at without being told to.
    pub poll: Duration,
}

impl Default for WebhooksConfig {
    fn default() -> Self {
        Self {
            allow: Vec::new(),
            allow_http: false,
            name_servers: Vec::new(),
            concurrency: 8,
            timeout: Duration::from_secs(10),
            retries: Schedule::default(),
            failures_before_rest: 10,
            rest: (Duration::from_secs(5), Duration::from_secs(300)),
            give_up_after: Duration::from_hours(120),
            most_waiting: 10_000,
            poll: Duration::from_secs(15),
        }
    }
}
