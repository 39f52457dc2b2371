//! A day in UTC: what is counted is counted by it.

use std::fmt;
use std::str::FromStr;

use chrono::NaiveDate;

use crate::Timestamp;

const MILLIS: i64 = 24 * 3_600_000;

/// A day of the calendar, from midnight to midnight UTC; written `2026-12-01`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(i64);

/// Why a text is not a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a day in UTC, e.g. 2026-12-01")]
pub struct DayError;

impl Day {
    /// The day a time is on.
    #[must_use]
    pub const fn of(time: Timestamp) -> Self {
        Self(time.as_millis().div_euclid(MILLIS))
    }

    /// Days since the Unix epoch, which is how it is stored.
    #[must_use]
    pub const fn number(self) -> i64 {
        self.0
    }

    /// The inverse of [`Self::number`].
    #[must_use]
    pub const fn from_number(number: i64) -> Self {
        Self(number)
    }

    /// The day so many days later, or earlier when negative.
    #[must_use]
    pub const fn plus(self, days: i64) -> Self {
        Self(self.0.saturating_add(days))
    }

    /// How many days it is from `earlier` to this one; negative when that is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let epoch = NaiveDate::default();
        let date = chrono::TimeDelta::try_days(self.0).and_then(|days| epoch.checked_add_signed(days));
        date.unwrap_or(NaiveDate::MAX).format("%Y-%m-%d").fmt(f)
    }
}

impl FromStr for Day {
    type Err = DayError;

    fn from_str(text: &str) -> Result<Self, DayError> {
        let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_why| DayError)?;
        let day = Self(date.signed_duration_since(NaiveDate::default()).num_days());
        // chrono takes 2026-1-1 and years of any length, too.
        if day.to_string() == text && text.len() == 10 {
            Ok(day)
        } else {
            Err(DayError)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        for (text, number) in [
            ("1970-01-01", 0),
            ("1969-12-31", -1),
            ("2024-02-29", 19_782),
            ("2026-12-01", 20_788),
        ] {
            assert_eq!(text.parse(), Ok(Day(number)));
            assert_eq!(Day(number).to_string(), text);
            let midnight = Timestamp::from_millis(number * MILLIS);
            assert_eq!(Day::of(midnight), Day(number));
            assert_eq!(
                Day::of(Timestamp::from_millis(midnight.as_millis() + MILLIS - 1)),
                Day(number)
            );
        }
        assert_eq!(Day(5).plus(-2).since(Day(1)), 2);
    }

    #[test]
    fn nothing_else_is_a_day() {
        for text in [
            "",
            "today",
            "2026-13-01",
            "2025-02-29",
            "2026-1-1",
            "2026-12-01T00:00:00Z",
            " 2026-12-01",
            "+12026-12-01",
        ] {
            assert_eq!(text.parse::<Day>(), Err(DayError), "{text}");
        }
    }
}
