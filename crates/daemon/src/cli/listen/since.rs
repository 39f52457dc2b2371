//! From when on events are listened to.

use std::str::FromStr;
use std::time::Duration;

use postern_domain::{EventId, Timestamp};

/// From when on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Since {
    /// After this event.
    Event(EventId),
    /// At this time.
    Time(Timestamp),
    /// So long ago.
    Ago(Duration),
}

impl Since {
    /// The time, as the API takes it; nothing for an event.
    pub(crate) fn time(&self, now: Timestamp) -> Option<String> {
        match self {
            Self::Event(_) => None,
            Self::Time(time) => Some(time.to_rfc3339()),
            Self::Ago(duration) => Some(now.before(*duration).to_rfc3339()),
        }
    }
}

impl FromStr for Since {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(id) = text.parse() {
            return Ok(Self::Event(id));
        }
        if let Some(time) = Timestamp::from_rfc3339(text) {
            return Ok(Self::Time(time));
        }
        ago(text).map(Self::Ago).ok_or(
            "it must be an event (evt_…), a time like 2026-12-01T09:00:00Z, or so long ago like 30s, 10m, 2h or 1d",
        )
    }
}

fn ago(text: &str) -> Option<Duration> {
    let unit = text.chars().next_back()?;
    let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return None,
    };
    Some(Duration::from_secs(number.checked_mul(seconds)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_in_the_log_or_in_time() {
        let id = EventId::generate();
        assert_eq!(id.to_string().parse(), Ok(Since::Event(id)));
        let now = Timestamp::from_millis(1_796_115_600_000);
        let time = |text: &str| text.parse::<Since>().expect(text).time(now);
        assert_eq!(time("10m").as_deref(), Some("2026-12-01T08:50:00.000Z"));
        assert_eq!(time("1d").as_deref(), Some("2026-11-30T09:00:00.000Z"));
        assert_eq!(
            time("2026-12-01T09:00:00+01:00").as_deref(),
            Some("2026-12-01T08:00:00.000Z")
        );
        for bad in [
            "",
            "m",
            "10",
            "10x",
            "-1m",
            "1.5h",
            "yesterday",
            "msg_1",
            "99999999999999999999d",
            "9999999999999999999d",
        ] {
            assert!(bad.parse::<Since>().is_err(), "{bad}");
        }
    }
}
