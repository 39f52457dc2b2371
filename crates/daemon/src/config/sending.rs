//! How fast devices send, and how much is accepted at once: `[pacing]`, `[messages]`.

use std::time::Duration;

use postern_api::ApiConfig;
use postern_domain::{Pacing, QuietHours};
use serde::Deserialize;

use super::{ConfigError, refused, within};

/// `[pacing]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PacingConfig {
    /// 0 is no limit.
    pub messages_per_minute: u32,
    /// Messages.
    pub burst: u32,
    /// Percent.
    pub jitter_percent: u32,
    /// -1 is no limit.
    pub new_recipients_per_day: i64,
    /// `HH:MM-HH:MM`, or empty.
    pub quiet_hours: String,
    /// Milliseconds.
    pub typing_ms: u32,
    /// An IANA name.
    pub time_zone: String,
}

impl PacingConfig {
    /// As sessions keep it.
    ///
    /// # Errors
    /// A text in it cannot be read.
    pub(super) fn pacing(&self) -> Result<Pacing, ConfigError> {
        let quiet_hours = if self.quiet_hours.is_empty() {
            None
        } else {
            let parsed = self.quiet_hours.split_once('-').and_then(|(from, until)| {
                Some(QuietHours {
                    from: minute_of_day(from)?,
                    until: minute_of_day(until)?,
                })
            });
            let expected = "a part of the day like 22:00-07:00, or nothing";
            Some(parsed.ok_or_else(|| refused("pacing.quiet_hours", &self.quiet_hours, expected))?)
        };
        let expected = "the IANA name of a time zone, e.g. Europe/Berlin";
        Ok(Pacing {
            per_minute: Some(self.messages_per_minute).filter(|rate| *rate > 0),
            burst: self.burst,
            jitter_percent: self.jitter_percent,
            new_recipients_per_day: u32::try_from(self.new_recipients_per_day).ok(),
            quiet_hours,
            typing: Duration::from_millis(self.typing_ms.into()),
            time_zone: self
                .time_zone
                .parse()
                .map_err(|_unknown| refused("pacing.time_zone", &self.time_zone, expected))?,
        })
    }

    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        within("pacing.messages_per_minute", self.messages_per_minute, 0, 6_000)?;
        within("pacing.burst", self.burst, 1, 1_000)?;
        within("pacing.jitter_percent", self.jitter_percent, 0, 200)?;
        let most = 1_000_000;
        within(
            "pacing.new_recipients_per_day",
            self.new_recipients_per_day,
            -1,
            most,
        )?;
        within("pacing.typing_ms", self.typing_ms, 0, 10_000)?;
        self.pacing().map(drop)
    }
}

fn minute_of_day(text: &str) -> Option<u16> {
    let (hour, minute) = text.trim().split_once(':')?;
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    (hour < 24 && minute < 60).then_some(hour * 60 + minute)
}

/// `[messages]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MessagesConfig {
    /// Messages in one batch.
    pub batch_max: usize,
    /// Bytes.
    pub batch_body_limit: usize,
}

impl MessagesConfig {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        within("messages.batch_max", self.batch_max, 1, ApiConfig::MOST_PER_BATCH)?;
        within(
            "messages.batch_body_limit",
            self.batch_body_limit,
            1024,
            64 * 1024 * 1024,
        )
    }
}
