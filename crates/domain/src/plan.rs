//! Plans: what a workspace may use, and the months that use is counted by.

use chrono::{DateTime, Datelike as _, Months, NaiveDate, NaiveTime, Utc};

use crate::Timestamp;

/// What a workspace may use; `None` is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// Devices at a time.
    pub devices: Option<u32>,
    /// Messages accepted in a calendar month.
    pub messages_per_month: Option<u64>,
    /// Requests of one API key in a minute.
    pub requests_per_minute: Option<u32>,
    /// Messages in one batch.
    pub messages_per_batch: Option<u32>,
    /// Whether it may be used over the REST API.
    pub api: bool,
    /// Whether it may have webhooks.
    pub webhooks: bool,
}

impl Plan {
    /// Everything, as much as there is.
    pub const UNLIMITED: Self = Self {
        devices: None,
        messages_per_month: None,
        requests_per_minute: None,
        messages_per_batch: None,
        api: true,
        webhooks: true,
    };

    /// How many messages a batch may have where the gateway allows `most`.
    #[must_use]
    pub fn batch(&self, most: usize) -> usize {
        let own = self.messages_per_batch.and_then(|own| usize::try_from(own).ok());
        own.map_or(most, |own| own.min(most))
    }
}

/// A calendar month in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Period(NaiveDate);

impl Period {
    /// The month that a point in time lies in.
    #[must_use]
    pub fn of(time: Timestamp) -> Self {
        let date = DateTime::<Utc>::from(time).date_naive();
        Self(date.with_day(1).unwrap_or(date))
    }

    /// The number that is stored: months since the year 0.
    #[must_use]
    pub fn number(self) -> i64 {
        i64::from(self.0.year()) * 12 + i64::from(self.0.month0())
    }

    /// Its first moment.
    #[must_use]
    pub fn start(self) -> Timestamp {
        Timestamp::from(self.0.and_time(NaiveTime::MIN).and_utc())
    }

    /// The first moment of the month after it: when counting begins anew.
    #[must_use]
    pub fn end(self) -> Timestamp {
        let next = self.0.checked_add_months(Months::new(1));
        Self(next.unwrap_or(self.0)).start()
    }
}

/// Year and month, e.g. `2026-12`.
impl std::fmt::Display for Period {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-{:02}", self.0.year(), self.0.month())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_ends_where_the_next_begins() {
        let time = |text| Timestamp::from_rfc3339(text).expect("a time");
        for (at, name, end) in [
            ("2026-12-31T23:59:59.999Z", "2026-12", "2027-01-01T00:00:00.000Z"),
            ("2027-01-01T00:00:00Z", "2027-01", "2027-02-01T00:00:00.000Z"),
            ("2028-02-29T12:00:00+14:00", "2028-02", "2028-03-01T00:00:00.000Z"),
            // Still December where the clock stands.
            ("2027-01-01T01:00:00+02:00", "2026-12", "2027-01-01T00:00:00.000Z"),
        ] {
            let period = Period::of(time(at));
            assert_eq!(
                (period.to_string().as_str(), period.end().to_rfc3339().as_str()),
                (name, end)
            );
            assert_eq!(Period::of(period.start()), period);
            assert_eq!(Period::of(period.end()).number(), period.number() + 1);
        }
    }
}
