//! For how long an endpoint asks to be left alone: the header `Retry-After`, in seconds or as a date.

use std::time::Duration;

use postern_domain::Timestamp;

/// No request of an endpoint to be left alone counts for longer.
pub(crate) const LONGEST: Duration = Duration::from_hours(24);

/// Reads the header's value; `None` when it is neither of its forms. A date that has passed is no time at all.
pub(crate) fn parse(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    let asked = if value.bytes().all(|byte| byte.is_ascii_digit()) && !value.is_empty() {
        // So many digits that they do not fit are longer than the longest.
        Duration::from_secs(value.parse().unwrap_or(u64::MAX))
    } else {
        let date = chrono::DateTime::parse_from_rfc2822(value).ok()?;
        Timestamp::from_millis(date.timestamp_millis()).since(now)
    };
    Some(asked.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_dates_are_read_within_bounds() {
        // 1994-11-06T08:49:30Z
        let now = Timestamp::from_millis(784_111_770_000);
        let secs = |seconds| Some(Duration::from_secs(seconds));
        for (value, expected) in [
            ("0", secs(0)),
            (" 120 ", secs(120)),
            ("86401", secs(86_400)),
            ("99999999999999999999999", secs(86_400)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", secs(7)),
            ("Sun, 06 Nov 1994 08:49:00 GMT", secs(0)),
            ("Sat, 06 Nov 2094 08:49:37 GMT", secs(86_400)),
            ("", None),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
        ] {
            assert_eq!(parse(value, now), expected, "{value:?}");
        }
    }
}
