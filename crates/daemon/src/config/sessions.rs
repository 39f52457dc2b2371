//! The connection to WhatsApp, real or simulated, and the devices' sessions: `[whatsapp]`, `[sessions]`, `[sandbox]`.

use std::net::SocketAddr;

use serde::Deserialize;

use super::{ConfigError, refused, within};

/// `[whatsapp]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WhatsAppConfig {
    /// Empty for the real service.
    pub url: String,
    /// `auto` or `2.3000.N`.
    pub version: String,
    /// Shown on the phone.
    pub device_name: String,
    /// One-time keys kept at the server.
    pub pre_keys: usize,
}

impl WhatsAppConfig {
    /// The version, when one is fixed.
    #[must_use]
    pub fn fixed_version(&self) -> Option<(u32, u32, u32)> {
        let mut parts = self.version.split('.').map(str::parse);
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(Ok(major)), Some(Ok(minor)), Some(Ok(patch)), None) => Some((major, minor, patch)),
            _ => None,
        }
    }

    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        within("whatsapp.pre_keys", self.pre_keys, 5, 812)?;
        if !(1..=50).contains(&self.device_name.chars().count()) {
            let expected = "1 to 50 characters";
            return Err(refused("whatsapp.device_name", &self.device_name, expected));
        }
        if self.version != "auto" && self.fixed_version().is_none() {
            let expected = "\"auto\" or three numbers like 2.3000.1234567890";
            return Err(refused("whatsapp.version", &self.version, expected));
        }
        let well_formed = url::Url::parse(&self.url)
            .is_ok_and(|url| matches!(url.scheme(), "ws" | "wss") && url.has_host());
        if !self.url.is_empty() && !well_formed {
            let expected = "nothing, or a ws:// or wss:// address";
            return Err(refused("whatsapp.url", &self.url, expected));
        }
        Ok(())
    }
}

/// `[sessions]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionsConfig {
    /// Logins at once.
    pub start_concurrency: usize,
    /// Milliseconds.
    pub start_jitter_ms: u64,
    /// Seconds.
    pub ack_timeout: u64,
    /// Messages under way per device.
    pub in_flight: usize,
    /// Milliseconds.
    pub retry_first_ms: u64,
    /// Seconds.
    pub retry_longest: u64,
    /// Hours.
    pub max_age_hours: u64,
    /// Seconds.
    pub login_retry: u64,
}

impl SessionsConfig {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        within("sessions.start_concurrency", self.start_concurrency, 1, 1000)?;
        within("sessions.start_jitter_ms", self.start_jitter_ms, 0, 60_000)?;
        within("sessions.ack_timeout", self.ack_timeout, 5, 300)?;
        within("sessions.in_flight", self.in_flight, 1, 1024)?;
        within("sessions.retry_first_ms", self.retry_first_ms, 100, 60_000)?;
        within("sessions.retry_longest", self.retry_longest, 1, 3600)?;
        within("sessions.max_age_hours", self.max_age_hours, 1, 720)?;
        within("sessions.login_retry", self.login_retry, 60, 86_400)
    }
}

/// `[sandbox]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SandboxConfig {
    /// Start it in this process.
    pub enabled: bool,
    /// Where it listens.
    pub listen: SocketAddr,
}

impl SandboxConfig {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        if self.listen.ip().is_loopback() {
            return Ok(());
        }
        let expected = "a loopback address like 127.0.0.1:8490";
        Err(refused("sandbox.listen", &self.listen.to_string(), expected))
    }
}
