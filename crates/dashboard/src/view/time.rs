//! Times: in UTC as they are written here, in the reader's own zone and counting where scripts run.

use chrono::{DateTime, Utc};
use maud::{Markup, html};
use postern_domain::Timestamp;

/// When something was or will be.
pub(crate) fn clock(at: Timestamp) -> Markup {
    with(at, "clock")
}

/// How long ago something was.
pub(crate) fn ago(at: Timestamp) -> Markup {
    with(at, "ago")
}

/// How long something takes to come, counting down.
pub(crate) fn countdown(at: Timestamp) -> Markup {
    with(at, "until")
}

fn with(at: Timestamp, how: &str) -> Markup {
    html! { time datetime=(at.to_rfc3339()) data-show=(how) { (plain(at)) } }
}

/// `2026-12-01 09:00:00 UTC`
pub(crate) fn plain(at: Timestamp) -> String {
    DateTime::<Utc>::from(at)
        .format("%Y-%m-%d %H:%M:%S UTC")
        .to_string()
}

/// When the day of `now` began, in UTC.
pub(crate) fn midnight(now: Timestamp) -> Timestamp {
    const DAY: i64 = 24 * 60 * 60 * 1000;
    Timestamp::from_millis(now.as_millis() - now.as_millis().rem_euclid(DAY))
}
