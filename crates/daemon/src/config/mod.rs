//! The daemon's settings: compiled-in defaults, a file, the environment, flags; validated before anything starts.

mod effective;
mod metrics;
mod plans;
mod sending;
mod server;
mod sessions;
mod storage;
mod telemetry;
mod webhooks;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use config::{Environment, File, FileFormat};
use postern_domain::{Pacing, Plan};
use serde::Deserialize;

pub use self::effective::Effective;
pub use self::metrics::MetricsConfig;
pub use self::plans::PlanConfig;
pub use self::sending::{MessagesConfig, PacingConfig};
pub use self::server::{DashboardSettings, LimitsConfig, RegistrationConfig, ServerConfig};
pub use self::sessions::{SandboxConfig, SessionsConfig, WhatsAppConfig};
pub use self::storage::{DataConfig, Hidden, IdempotencyConfig, LogConfig, LogFormat, RetentionConfig};
pub use self::telemetry::TelemetryConfig;
pub use self::webhooks::WebhooksConfig;

/// The commented default configuration, which is also the documentation of every key.
pub const DEFAULTS: &str = include_str!("../../../../config/postern.toml");

/// All settings. `config/postern.toml` documents each key with its unit and range.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The REST API.
    pub server: ServerConfig,
    /// The files.
    pub data: DataConfig,
    /// The log.
    pub log: LogConfig,
    /// The connection to WhatsApp.
    pub whatsapp: WhatsAppConfig,
    /// The devices' sessions.
    pub sessions: SessionsConfig,
    /// How fast devices may send.
    pub pacing: PacingConfig,
    /// What is accepted.
    pub messages: MessagesConfig,
    /// Idempotency records.
    pub idempotency: IdempotencyConfig,
    /// What workspaces may use, by the names of plans.
    pub plans: BTreeMap<String, PlanConfig>,
    /// How often an address may ask.
    pub limits: LimitsConfig,
    /// Who may make workspaces.
    pub registration: RegistrationConfig,
    /// What is forgotten when.
    pub retention: RetentionConfig,
    /// Deliveries to webhooks.
    pub webhooks: WebhooksConfig,
    /// The operators' pages.
    pub dashboard: DashboardSettings,
    /// The numbers.
    pub metrics: MetricsConfig,
    /// Traces.
    pub telemetry: TelemetryConfig,
    /// The simulated network.
    pub sandbox: SandboxConfig,
    /// All of them as they count, for people to read.
    #[serde(skip)]
    pub effective: Vec<Effective>,
}

/// What flags say; each wins over every other source.
#[derive(Debug, Clone, Default)]
pub struct Overrides(HashMap<&'static str, String>);

impl Overrides {
    /// Sets `key`, e.g. `server.listen`, when there is a value.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: Option<impl ToString>) -> Self {
        if let Some(value) = value {
            self.0.insert(key, value.to_string());
        }
        self
    }
}

/// The settings cannot be used; the message says which key and what it may be.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A source cannot be read, or a value has the wrong type.
    #[error("configuration: {0}")]
    Read(#[from] config::ConfigError),
    /// A value is out of its range.
    #[error("configuration: {key} is {value}, expected {expected}")]
    Range {
        /// Which key.
        key: &'static str,
        /// What it is.
        value: String,
        /// What it may be.
        expected: String,
    },
}

impl Config {
    /// Reads defaults, `file`, `environment` (names and values as the process has them) and `overrides`, in this
    /// order, and validates the result.
    ///
    /// # Errors
    /// A source cannot be read, a key is unknown, or a value is of the wrong type or out of its range.
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
        overrides: Overrides,
    ) -> Result<Self, ConfigError> {
        // Only names with a section are keys; POSTERN_API_KEY and the like belong to commands.
        let keys = environment
            .into_iter()
            .filter(|(name, _)| name.starts_with("POSTERN_") && name.contains("__"))
            .collect();
        let variables = Environment::with_prefix("POSTERN")
            .prefix_separator("_")
            .separator("__")
            .try_parsing(true)
            .list_separator(",")
            .with_list_parse_key("webhooks.allow")
            .with_list_parse_key("webhooks.nameservers")
            .with_list_parse_key("webhooks.retry_seconds")
            .source(Some(keys));
        let mut sources = config::Config::builder().add_source(File::from_str(DEFAULTS, FileFormat::Toml));
        if let Some(path) = file {
            sources = sources.add_source(File::from(path).format(FileFormat::Toml));
        }
        sources = sources.add_source(variables);
        for (key, value) in overrides.0 {
            sources = sources.set_override(key, value)?;
        }
        let sources = sources.build()?;
        let effective = effective::effective(&sources)?;
        let mut settings: Self = sources.try_deserialize()?;
        settings.validate()?;
        settings.effective = effective;
        Ok(settings)
    }

    /// How fast a device may send that has no pacing of its own. It was validated when the settings were read.
    #[must_use]
    pub fn default_pacing(&self) -> Pacing {
        self.pacing.pacing().unwrap_or(Pacing::OFF)
    }

    /// The plans by their names.
    #[must_use]
    pub fn plans(&self) -> BTreeMap<String, Plan> {
        let plans = self.plans.iter();
        plans.map(|(name, plan)| (name.clone(), plan.plan())).collect()
    }

    /// How deliveries to webhooks are made. It was validated when the settings were read.
    #[must_use]
    pub fn webhook_deliveries(&self) -> postern_webhooks::WebhooksConfig {
        self.webhooks.deliveries(self.sandbox.enabled).unwrap_or_default()
    }

    fn validate(&self) -> Result<(), ConfigError> {
        self.server.validate()?;
        self.dashboard.validate()?;
        self.registration.validate(&self.plans)?;
        self.data.validate()?;
        self.log.validate()?;
        self.idempotency.validate()?;
        self.retention.validate()?;
        self.whatsapp.validate()?;
        self.sessions.validate()?;
        self.pacing.validate()?;
        self.messages.validate()?;
        self.webhooks.validate()?;
        self.metrics.validate()?;
        self.telemetry.validate()?;
        self.sandbox.validate()
    }
}

/// That `key` is `value`, which is none of what is `expected`.
fn refused(key: &'static str, value: &str, expected: &str) -> ConfigError {
    ConfigError::Range {
        key,
        value: format!("\"{value}\""),
        expected: expected.to_owned(),
    }
}

fn within<T: PartialOrd + std::fmt::Display>(
    key: &'static str,
    value: T,
    least: T,
    most: T,
) -> Result<(), ConfigError> {
    if value >= least && value <= most {
        return Ok(());
    }
    Err(ConfigError::Range {
        key,
        value: value.to_string(),
        expected: format!("{least} to {most}"),
    })
}

#[cfg(test)]
mod tests;
