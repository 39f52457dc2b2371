//! What is kept, where and for how long: `[data]`, `[log]`, `[idempotency]`, `[retention]`.

use std::fmt;
use std::path::PathBuf;

use postern_store::{NotASecretsKey, SecretsKey};
use serde::Deserialize;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::{LevelFilter, ParseError};

use super::{ConfigError, refused, within};

/// `[data]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataConfig {
    /// The folder of the databases.
    pub dir: PathBuf,
    /// Reader threads.
    pub readers: usize,
    /// Writes that may wait.
    pub write_queue: usize,
    /// Empty for the one in the folder.
    pub secrets_key: Hidden,
}

impl DataConfig {
    /// The configured key of the secrets.
    ///
    /// # Errors
    /// It is none.
    pub fn secrets_key(&self) -> Result<Option<SecretsKey>, NotASecretsKey> {
        let text = self.secrets_key.0.trim();
        (!text.is_empty()).then(|| text.parse()).transpose()
    }

    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        within("data.readers", self.readers, 1, 64)?;
        within("data.write_queue", self.write_queue, 16, 65_536)?;
        let key = self.secrets_key().map(drop);
        key.map_err(|why| refused("data.secrets_key", "…", &why.to_string()))
    }
}

/// A setting that nobody is shown.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Hidden(String);

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// `[log]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogConfig {
    /// How lines look.
    pub format: LogFormat,
    /// Directives as `tracing-subscriber`'s `EnvFilter` reads them.
    pub level: String,
    /// Whether the WhatsApp client underneath is heard as well, with all it knows.
    pub client: bool,
}

impl LogConfig {
    /// The gateway alone.
    #[must_use]
    pub fn plain(format: LogFormat, level: &str) -> Self {
        Self {
            format,
            level: level.to_owned(),
            client: false,
        }
    }

    /// What is written to the log. A plain level is that of the gateway's own crates; all others speak up at `error` only,
    /// unless directives name them. Spans for traces are no log lines.
    ///
    /// # Errors
    /// `level` is neither a level nor a list of directives.
    pub(crate) fn filter(&self) -> Result<EnvFilter, ParseError> {
        let level = &self.level;
        EnvFilter::try_new(match level.parse::<LevelFilter>() {
            Ok(level) => format!("error,postern={level},traces=off"),
            Err(_directives) => format!("error,{level},traces=off"),
        })
    }

    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        let expected = "a level, or directives like postern=info,actix_http=debug";
        let filter = self.filter().map(drop);
        filter.map_err(|_neither| refused("log.level", &self.level, expected))
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Human on a terminal, JSON otherwise.
    Auto,
    /// For people.
    Human,
    /// One JSON object a line.
    Json,
}

/// `[idempotency]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdempotencyConfig {
    /// Hours.
    pub retention_hours: u64,
}

impl IdempotencyConfig {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        within("idempotency.retention_hours", self.retention_hours, 24, 720)
    }
}

/// `[retention]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetentionConfig {
    /// Days; 0 for ever.
    pub messages_days: u64,
    /// Days; 0 for ever.
    pub events_days: u64,
    /// Days; 0 for ever.
    pub attempts_days: u64,
    /// Days; 0 for ever.
    pub key_acts_days: u64,
}

impl RetentionConfig {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        within("retention.messages_days", self.messages_days, 0, 36_500)?;
        within("retention.events_days", self.events_days, 0, 36_500)?;
        within("retention.attempts_days", self.attempts_days, 0, 36_500)?;
        within("retention.key_acts_days", self.key_acts_days, 0, 36_500)
    }
}
