//! How fast a device may send, as the API reads and shows it.

use std::time::Duration;

use postern_domain::{Pacing, QuietHours};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::errors::{ApiError, FieldError};
use crate::extract::{maybe_whole, whole};
use crate::texts;

/// How fast a device may send, to protect its account. Pacing only delays: a message it holds back stays `queued` with the
/// reason `paced` and the time it is expected to leave.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(example = json!({
    "messagesPerMinute": 20, "burst": 5, "jitterPercent": 30, "newRecipientsPerDay": 50,
    "quietHours": { "from": "22:00", "until": "07:00" }, "typingMs": 1500, "timeZone": "Europe/Berlin",
}))]
pub(crate) struct PacingFields {
    /// 1 to 6000; `null` is no limit.
    #[schema(minimum = 1, maximum = 6000)]
    #[serde(default, deserialize_with = "maybe_whole")]
    messages_per_minute: Option<u32>,
    /// How many may leave at once after a pause.
    #[schema(minimum = 1, maximum = 1000)]
    #[serde(default = "one", deserialize_with = "whole")]
    burst: u32,
    /// By how many percent the gap after a message may be longer, at random.
    #[schema(minimum = 0, maximum = 200)]
    #[serde(default, deserialize_with = "whole")]
    jitter_percent: u32,
    /// People written to for the first time, a day, at most 1000000; `null` is no limit.
    #[schema(minimum = 0, maximum = 1_000_000)]
    #[serde(default, deserialize_with = "maybe_whole")]
    new_recipients_per_day: Option<u32>,
    /// When nothing leaves; `null` is never.
    #[serde(default)]
    quiet_hours: Option<QuietFields>,
    /// For how many milliseconds the account is shown as typing before a message.
    #[schema(minimum = 0, maximum = 10_000)]
    #[serde(default, deserialize_with = "whole")]
    typing_ms: u32,
    /// Whose days and hours count: an IANA name.
    #[schema(value_type = texts::TimeZone)]
    #[serde(default = "utc")]
    time_zone: String,
}

/// A part of the day; `from` after `until` spans midnight.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct QuietFields {
    /// `HH:MM`.
    #[schema(value_type = texts::TimeOfDay)]
    from: String,
    /// `HH:MM`.
    #[schema(value_type = texts::TimeOfDay)]
    until: String,
}

fn one() -> u32 {
    1
}

fn utc() -> String {
    "UTC".to_owned()
}

impl PacingFields {
    /// # Errors
    /// Every field that is not acceptable.
    pub(super) fn check(self) -> Result<Pacing, ApiError> {
        let numbers = Pacing {
            per_minute: self.messages_per_minute,
            burst: self.burst,
            jitter_percent: self.jitter_percent,
            new_recipients_per_day: self.new_recipients_per_day,
            typing: Duration::from_millis(self.typing_ms.into()),
            ..Pacing::OFF
        };
        let out_of_range = numbers.problems().into_iter().map(FieldError::from);
        let mut errors: Vec<_> = out_of_range.map(|error| error.within("pacing")).collect();
        let time_zone = self.time_zone.parse().map_err(|_unknown| {
            let message = "must be the IANA name of a time zone, e.g. Europe/Berlin";
            errors.push(FieldError::new("pacing.timeZone", message));
        });
        let quiet_hours = self.quiet_hours.map(|quiet| {
            let mut minute = |field: &str, text: &str| {
                QuietHours::minute(text).ok_or_else(|| {
                    let message = "must be a time of the day like 22:00";
                    errors.push(FieldError::new(format!("pacing.quietHours.{field}"), message));
                })
            };
            let (from, until) = (minute("from", &quiet.from), minute("until", &quiet.until));
            Ok::<_, ()>(QuietHours {
                from: from?,
                until: until?,
            })
        });
        match (time_zone, quiet_hours.transpose()) {
            (Ok(time_zone), Ok(quiet_hours)) if errors.is_empty() => Ok(Pacing {
                quiet_hours,
                time_zone,
                ..numbers
            }),
            _ => Err(ApiError::fields(errors)),
        }
    }
}

impl From<Pacing> for PacingFields {
    fn from(pacing: Pacing) -> Self {
        Self {
            messages_per_minute: pacing.per_minute,
            burst: pacing.burst,
            jitter_percent: pacing.jitter_percent,
            new_recipients_per_day: pacing.new_recipients_per_day,
            quiet_hours: pacing.quiet_hours.map(|quiet| QuietFields {
                from: QuietHours::text(quiet.from),
                until: QuietHours::text(quiet.until),
            }),
            typing_ms: u32::try_from(pacing.typing.as_millis()).unwrap_or(u32::MAX),
            time_zone: pacing.time_zone.name().to_owned(),
        }
    }
}
