//! What concerns the HTTP server and who may ask it: `[server]`, `[dashboard]`, `[limits]`, `[registration]`.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use postern_domain::Network;
use serde::Deserialize;

use super::{ConfigError, PlanConfig, refused, within};

/// `[server]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerConfig {
    /// Where the REST API listens.
    pub listen: SocketAddr,
    /// Worker threads; 0 for one per processor.
    pub workers: usize,
    /// Bytes.
    pub body_limit: usize,
    /// Streams of events that may be open.
    pub max_streams: usize,
    /// Seconds.
    pub drain: u64,
    /// Seconds.
    pub shutdown_timeout: u64,
    /// Addresses and networks in CIDR notation, parted by commas or spaces.
    pub trusted_proxies: String,
}

impl ServerConfig {
    /// As they are compared. They were validated when the settings were read.
    #[must_use]
    pub fn trusted_proxies(&self) -> Vec<Network> {
        let networks = self.trusted_proxies.split([',', ' ']);
        networks.filter_map(|text| text.parse().ok()).collect()
    }

    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        within("server.workers", self.workers, 0, 512)?;
        within("server.body_limit", self.body_limit, 1024, 16 * 1024 * 1024)?;
        within("server.max_streams", self.max_streams, 1, 100_000)?;
        within("server.drain", self.drain, 0, 300)?;
        within("server.shutdown_timeout", self.shutdown_timeout, 1, 300)?;
        let mut proxies = self.trusted_proxies.split([',', ' ']);
        match proxies.find(|text| !text.is_empty() && text.parse::<Network>().is_err()) {
            Some(wrong) => Err(refused(
                "server.trusted_proxies",
                wrong,
                "addresses and networks like 10.0.0.0/8",
            )),
            None => Ok(()),
        }
    }
}

/// `[dashboard]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DashboardSettings {
    /// Whether there are any.
    pub enabled: bool,
    /// Hours.
    pub idle_hours: u64,
    /// Days.
    pub absolute_days: u64,
    /// Minutes.
    pub setup_minutes: u64,
    /// Pages.
    pub streams: usize,
}

impl DashboardSettings {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        within("dashboard.idle_hours", self.idle_hours, 1, 720)?;
        within("dashboard.absolute_days", self.absolute_days, 1, 365)?;
        within("dashboard.setup_minutes", self.setup_minutes, 1, 1_440)?;
        within("dashboard.streams", self.streams, 1, 10_000)
    }
}

/// `[limits]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitsConfig {
    /// A minute; 0 is no limit.
    pub requests_per_address: u32,
    /// A minute; 0 is no limit.
    pub failures_per_address: u32,
}

/// `[registration]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistrationConfig {
    /// Whether anybody may register a workspace.
    pub enabled: bool,
    /// The name of its plan.
    pub plan: String,
}

impl RegistrationConfig {
    pub(super) fn validate(&self, plans: &BTreeMap<String, PlanConfig>) -> Result<(), ConfigError> {
        if plans.contains_key(&self.plan) {
            return Ok(());
        }
        let names: Vec<_> = plans.keys().map(String::as_str).collect();
        let expected = format!("one of {}", names.join(", "));
        Err(refused("registration.plan", &self.plan, &expected))
    }
}
