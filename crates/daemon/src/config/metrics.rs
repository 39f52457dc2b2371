//! `[metrics]`: who may read the numbers.

use std::fmt;
use std::net::SocketAddr;

use serde::Deserialize;

use super::{ConfigError, refused};

/// A token that is shorter could be guessed.
const SHORTEST_TOKEN: usize = 16;

/// `[metrics]`
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetricsConfig {
    /// Where nothing but the metrics is served; empty for nowhere.
    listen: String,
    /// What has to be shown as bearer token; empty for none.
    token: String,
}

impl MetricsConfig {
    /// Where nothing but the metrics is served. It was validated when the settings were read.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.listen.parse().ok()
    }

    /// What has to be shown.
    #[must_use]
    pub fn token(&self) -> Option<&str> {
        Some(self.token.as_str()).filter(|token| !token.is_empty())
    }

    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        if !self.listen.is_empty() && self.address().is_none() {
            let expected = "nothing, or an address with a port like 127.0.0.1:9480";
            return Err(refused("metrics.listen", &self.listen, expected));
        }
        let printable = self.token.bytes().all(|byte| byte.is_ascii_graphic());
        if self.token().is_some() && (self.token.len() < SHORTEST_TOKEN || !printable) {
            let expected = "nothing, or at least 16 printable ASCII characters without spaces";
            // What it is stays a secret.
            return Err(refused("metrics.token", "…", expected));
        }
        if self.token().is_none() && self.address().is_some_and(|address| !address.ip().is_loopback()) {
            let expected = "a loopback address while metrics.token is empty";
            return Err(refused("metrics.listen", &self.listen, expected));
        }
        Ok(())
    }
}

impl fmt::Debug for MetricsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MetricsConfig")
            .field("listen", &self.listen)
            .finish_non_exhaustive()
    }
}
