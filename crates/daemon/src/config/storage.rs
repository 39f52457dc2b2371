//! What is kept, where and for how long: `[data]`, `[log]`, `[idempotency]`, `[retention]`.

use std::path::PathBuf;

use serde::Deserialize;

use super::{ConfigError, within};

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
}

impl DataConfig {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        within("data.readers", self.readers, 1, 64)?;
        within("data.write_queue", self.write_queue, 16, 65_536)
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
}

impl RetentionConfig {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        within("retention.messages_days", self.messages_days, 0, 36_500)?;
        within("retention.events_days", self.events_days, 0, 36_500)?;
        within("retention.attempts_days", self.attempts_days, 0, 36_500)
    }
}
