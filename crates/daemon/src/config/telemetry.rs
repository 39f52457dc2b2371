//! `[telemetry]`: where traces go.

use serde::Deserialize;
use url::Url;

use super::{ConfigError, refused, within};

/// `[telemetry]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TelemetryConfig {
    /// Empty for nowhere.
    otlp_endpoint: String,
    /// Percent.
    pub sample_percent: f64,
}

impl TelemetryConfig {
    /// Where requests with traces are sent, if anywhere. It was validated when the settings were read.
    #[must_use]
    pub fn traces_url(&self) -> Option<Url> {
        let mut url = Url::parse(&self.otlp_endpoint).ok()?;
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}/v1/traces"));
        Some(url)
    }

    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        let sendable = |url: Url| matches!(url.scheme(), "http" | "https") && url.has_host();
        if !self.otlp_endpoint.is_empty() && !self.traces_url().is_some_and(sendable) {
            let expected = "nothing, or an address like http://127.0.0.1:4318";
            return Err(refused("telemetry.otlp_endpoint", &self.otlp_endpoint, expected));
        }
        within("telemetry.sample_percent", self.sample_percent, 0.0, 100.0)
    }
}
