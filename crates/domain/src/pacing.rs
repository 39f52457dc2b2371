//! How fast a device may send, so that its account is not taken for a spammer's.
//!
//! A rate with a burst, a cap on people who were never written to before, and hours in which nothing leaves. All of
//! it only delays: a paced message stays `queued` and leaves when its time has come.

use std::time::Duration;

use chrono::{DateTime, Days, NaiveTime, TimeZone as _, Timelike as _, Utc};
use chrono_tz::Tz;
use prost::Message as _;

use crate::{FieldProblem, Timestamp, proto};

/// How fast a device may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pacing {
    /// Messages a minute, 1 to 6 000; `None` is no limit.
    pub per_minute: Option<u32>,
    /// How many may leave at once after a pause, 1 to 1 000.
    pub burst: u32,
    /// By how many percent the gap after a message may be longer, at random; 0 to 200.
    pub jitter_percent: u32,
    /// People written to for the first time, a day; `None` is no limit.
    pub new_recipients_per_day: Option<u32>,
    /// When nothing leaves.
    pub quiet_hours: Option<QuietHours>,
    /// For how long the account is shown as typing before a message; up to 10 s, zero for not at all.
    pub typing: Duration,
    /// Whose days and hours count.
    pub time_zone: Tz,
}

/// A part of the day, in minutes after midnight, 0 to 1 439. `from` after `until` spans midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuietHours {
    /// The first quiet minute.
    pub from: u16,
    /// The first minute that is not quiet any more.
    pub until: u16,
}

impl QuietHours {
    /// The minute of the day that a text like `22:00` names.
    #[must_use]
    pub fn minute(text: &str) -> Option<u16> {
        let (hour, minute) = text.split_once(':')?;
        let two_digits = |text: &str| {
            let is_number = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
            is_number.then(|| text.parse::<u16>().ok())?
        };
        let (hour, minute) = (two_digits(hour)?, two_digits(minute)?);
        (hour < 24 && minute < 60).then_some(hour * 60 + minute)
    }

    /// The inverse of [`Self::minute`].
    #[must_use]
    pub fn text(minute: u16) -> String {
        format!("{:02}:{:02}", minute / 60, minute % 60)
    }
}

impl Pacing {
    /// The numbers that are out of their range, by the names that the API has for them.
    #[must_use]
    pub fn problems(&self) -> Vec<FieldProblem> {
        let typing = u32::try_from(self.typing.as_millis()).unwrap_or(u32::MAX);
        let ranges = [
            ("messagesPerMinute", self.per_minute.unwrap_or(1), 1, 6_000),
            (
                "newRecipientsPerDay",
                self.new_recipients_per_day.unwrap_or(0),
                0,
                1_000_000,
            ),
            ("burst", self.burst, 1, 1_000),
            ("jitterPercent", self.jitter_percent, 0, 200),
            ("typingMs", typing, 0, 10_000),
        ];
        let wrong = ranges
            .into_iter()
            .filter(|(_, value, least, most)| !(least..=most).contains(&value));
        wrong
            .map(|(field, _, least, most)| {
                FieldProblem::new(field, format!("must be a whole number from {least} to {most}"))
            })
            .collect()
    }

    /// No limit at all.
    pub const OFF: Self = Self {
        per_minute: None,
        burst: 1,
        jitter_percent: 0,
        new_recipients_per_day: None,
        quiet_hours: None,
        typing: Duration::ZERO,
        time_zone: Tz::UTC,
    };

    /// The least time between two messages, without jitter; zero without a limit. Rounded up to whole milliseconds, in which
    /// times are counted: rounded down, messages would leave faster than they may.
    #[must_use]
    pub fn gap(&self) -> Duration {
        self.per_minute.map_or(Duration::ZERO, |rate| {
            Duration::from_millis(60_000_u64.div_ceil(rate.max(1).into()))
        })
    }

    /// When the quiet hours end that `now` lies in.
    #[must_use]
    pub fn quiet_until(&self, now: Timestamp) -> Option<Timestamp> {
        let quiet = self.quiet_hours?;
        let local = self.local(now)?;
        let minute = u16::try_from(local.num_seconds_from_midnight() / 60).ok()?;
        let spans_midnight = quiet.from > quiet.until;
        let is_quiet = if spans_midnight {
            minute >= quiet.from || minute < quiet.until
        } else {
            minute >= quiet.from && minute < quiet.until
        };
        if !is_quiet {
            return None;
        }
        let days = u64::from(spans_midnight && minute >= quiet.from);
        self.at_minute(local, days, quiet.until)
    }

    /// When the day of `now` ends.
    #[must_use]
    pub fn day_ends(&self, now: Timestamp) -> Timestamp {
        self.local(now)
            .and_then(|local| self.at_minute(local, 1, 0))
            .unwrap_or_else(|| now.after(Duration::from_hours(24)))
    }

    fn local(&self, now: Timestamp) -> Option<DateTime<Tz>> {
        let utc = DateTime::<Utc>::from_timestamp_millis(now.as_millis())?;
        Some(utc.with_timezone(&self.time_zone))
    }

    /// A minute of the day so many days later; where the clock is put forward over it, the next there is.
    fn at_minute(&self, local: DateTime<Tz>, days: u64, minute: u16) -> Option<Timestamp> {
        let date = local.date_naive().checked_add_days(Days::new(days))?;
        let (hour, minute) = (u32::from(minute) / 60, u32::from(minute) % 60);
        (hour..24).find_map(|hour| {
            let time = date.and_time(NaiveTime::from_hms_opt(hour, minute, 0)?);
            let found = self.time_zone.from_local_datetime(&time).earliest()?;
            Some(Timestamp::from_millis(found.timestamp_millis()))
        })
    }

    /// The stored form.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        proto::Pacing {
            per_minute: self.per_minute.unwrap_or(0),
            burst: self.burst,
            jitter_percent: self.jitter_percent,
            new_recipients_per_day: self.new_recipients_per_day,
            quiet_hours: self.quiet_hours.map(|quiet| proto::QuietHours {
                from: quiet.from.into(),
                until: quiet.until.into(),
            }),
            typing_ms: u32::try_from(self.typing.as_millis()).unwrap_or(u32::MAX),
            time_zone: self.time_zone.name().to_owned(),
        }
        .encode_to_vec()
    }

    /// Reads the stored form; `None` when it is not one. A zone that is not known any more becomes UTC.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let stored = proto::Pacing::decode(bytes).ok()?;
        let minute = |minute: u32| u16::try_from(minute).ok().filter(|minute| *minute < 1_440);
        Some(Self {
            per_minute: Some(stored.per_minute).filter(|rate| *rate > 0),
            burst: stored.burst.max(1),
            jitter_percent: stored.jitter_percent,
            new_recipients_per_day: stored.new_recipients_per_day,
            quiet_hours: match stored.quiet_hours {
                Some(quiet) => Some(QuietHours {
                    from: minute(quiet.from)?,
                    until: minute(quiet.until)?,
                }),
                None => None,
            },
            typing: Duration::from_millis(stored.typing_ms.into()),
            time_zone: stored.time_zone.parse().unwrap_or(Tz::UTC),
        })
    }
}

/// How far a device has used its rate up: the generic cell rate algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Gate {
    /// When the device would be even with its rate again.
    even_at: Timestamp,
}

impl Gate {
    /// How many messages may leave now.
    #[must_use]
    pub fn allowance(&self, pacing: &Pacing, now: Timestamp) -> usize {
        let gap = pacing.gap();
        if gap.is_zero() {
            return usize::MAX;
        }
        let ahead = self.even_at.since(now);
        let free = (gap * pacing.burst).saturating_sub(ahead);
        usize::try_from(free.as_nanos() / gap.as_nanos()).unwrap_or(usize::MAX)
    }

    /// A message leaves; `random` lies between 0 and 1.
    pub fn take(&mut self, pacing: &Pacing, now: Timestamp, random: f64) {
        let longer = 1.0 + f64::from(pacing.jitter_percent) / 100.0 * random.clamp(0.0, 1.0);
        self.even_at = self.even_at.max(now).after(pacing.gap().mul_f64(longer));
    }

    /// When the next message may leave, if none may now.
    #[must_use]
    pub fn opens_at(&self, pacing: &Pacing, now: Timestamp) -> Timestamp {
        let gap = pacing.gap();
        let (ahead, most) = (self.even_at.since(now), gap * (pacing.burst.saturating_sub(1)));
        now.after(ahead.saturating_sub(most))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        let time = DateTime::parse_from_rfc3339(text).expect("a time");
        Timestamp::from(time.to_utc())
    }

    fn quiet(from: u16, until: u16, zone: &str) -> Pacing {
        Pacing {
            quiet_hours: Some(QuietHours { from, until }),
            time_zone: zone.parse().expect("a zone"),
            ..Pacing::OFF
        }
    }

    #[test]
    fn quiet_hours_are_those_of_the_zone_and_may_span_midnight() {
        let night = quiet(22 * 60, 7 * 60, "Europe/Berlin");
        for (now, until) in [
            ("2026-01-10T20:59:00Z", None),
            ("2026-01-10T21:00:00Z", Some("2026-01-11T06:00:00Z")),
            ("2026-01-11T02:00:00Z", Some("2026-01-11T06:00:00Z")),
            ("2026-01-11T06:00:00Z", None),
            // An hour is lost in this night.
            ("2026-03-28T22:00:00Z", Some("2026-03-29T05:00:00Z")),
        ] {
            assert_eq!(night.quiet_until(at(now)), until.map(at), "{now}");
        }
        let noon = quiet(12 * 60, 13 * 60, "UTC");
        assert_eq!(noon.quiet_until(at("2026-01-10T11:59:59Z")), None);
        assert_eq!(
            noon.quiet_until(at("2026-01-10T12:30:00Z")),
            Some(at("2026-01-10T13:00:00Z"))
        );
        // Half past two does not exist on that day.
        let gone = quiet(0, 150, "Europe/Berlin");
        assert_eq!(
            gone.quiet_until(at("2026-03-29T00:30:00Z")),
            Some(at("2026-03-29T01:30:00Z"))
        );
    }

    #[test]
    fn a_day_ends_at_midnight_of_the_zone() {
        let pacing = quiet(0, 0, "America/New_York");
        assert_eq!(
            pacing.day_ends(at("2026-01-10T04:59:00Z")),
            at("2026-01-10T05:00:00Z")
        );
        assert_eq!(
            pacing.day_ends(at("2026-01-10T05:00:00Z")),
            at("2026-01-11T05:00:00Z")
        );
    }

    #[test]
    fn numbers_out_of_their_range_are_named() {
        assert_eq!(Pacing::OFF.problems(), []);
        let wrong = Pacing {
            per_minute: Some(0),
            burst: 1_001,
            jitter_percent: 201,
            new_recipients_per_day: Some(1_000_001),
            typing: Duration::from_secs(11),
            ..Pacing::OFF
        };
        let fields = wrong.problems().into_iter().map(|problem| problem.field);
        let named: Vec<_> = fields.collect();
        assert_eq!(
            named,
            [
                "messagesPerMinute",
                "newRecipientsPerDay",
                "burst",
                "jitterPercent",
                "typingMs"
            ]
        );
    }

    #[test]
    fn a_minute_of_the_day_is_read_and_written() {
        for text in ["00:00", "07:05", "23:59"] {
            assert_eq!(
                QuietHours::minute(text).map(QuietHours::text).as_deref(),
                Some(text)
            );
        }
        for bad in ["", "7:05", "24:00", "07:60", "07:05:00", "+7:05"] {
            assert_eq!(QuietHours::minute(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_stored_form_comes_back() {
        let pacing = Pacing {
            per_minute: Some(30),
            burst: 10,
            jitter_percent: 50,
            new_recipients_per_day: Some(0),
            quiet_hours: Some(QuietHours {
                from: 1,
                until: 1_439,
            }),
            typing: Duration::from_millis(1_500),
            time_zone: Tz::Asia__Kolkata,
        };
        assert_eq!(Pacing::decode(&pacing.encode()), Some(pacing));
        assert_eq!(Pacing::decode(&Pacing::OFF.encode()), Some(Pacing::OFF));
        assert_eq!(Pacing::decode(&[0xff]), None);
    }

    #[test]
    fn no_rate_is_exceeded_by_rounding() {
        for rate in 1..=6_000 {
            let gap = Pacing {
                per_minute: Some(rate),
                ..Pacing::OFF
            }
            .gap();
            assert!(gap * rate >= Duration::from_secs(60), "{rate}");
            assert_eq!(gap.subsec_nanos() % 1_000_000, 0, "{rate}");
        }
    }

    proptest! {
        #[test]
        fn no_window_holds_more_than_burst_and_rate(
            rate in 1..600_u32,
            burst in 1..50_u32,
            jitter in 0..100_u32,
            steps in prop::collection::vec((0..5_000_u64, 0.0..1.0_f64), 1..200),
        ) {
            let pacing = Pacing { per_minute: Some(rate), burst, jitter_percent: jitter, ..Pacing::OFF };
            let (mut gate, mut now) = (Gate::default(), Timestamp::from_millis(1_000_000));
            let mut sent = Vec::new();
            for (pause, random) in steps {
                now = now.after(Duration::from_millis(pause));
                for _ in 0..gate.allowance(&pacing, now) {
                    gate.take(&pacing, now, random);
                    sent.push(now);
                }
                let opens = gate.opens_at(&pacing, now);
                prop_assert!(gate.allowance(&pacing, opens.after(Duration::from_millis(2))) >= 1);
            }
            for (first, from) in sent.iter().enumerate() {
                let until = from.after(Duration::from_secs(60));
                let in_window = sent[first..].iter().take_while(|time| **time < until).count();
                prop_assert!(in_window <= (rate + burst + 1) as usize, "{in_window}");
            }
        }
    }
}
