//! From the numbers of the parts to metrics.

use std::path::Path;

use postern_domain::webhook::AttemptFailure;
use postern_domain::{FailureCode, MessageStatus};
use postern_metrics::{Counter, Histogram};
use postern_store::{Levels, WriterMeters};

use super::families as about;
use super::family::Value::{Amounts, Count, Level};
use super::family::{About, Family, Value};
use super::{Metrics, process};

/// The databases, and what SQLite keeps beside them.
const FILES: [&str; 4] = ["postern.db", "postern.db-wal", "keys.db", "keys.db-wal"];

/// Everything; without `levels` the metrics that they hold are left out.
pub(super) fn all(from: &Metrics, levels: Option<&Levels>) -> Vec<Family> {
    let mut families = vec![build()];
    families.extend(messages(from));
    families.push(requests(from));
    families.extend(webhooks(from));
    families.extend(writers(from));
    families.push(Family::single(about::TABLES, level(u64::from(levels.is_some()))));
    families.extend(levels.into_iter().flat_map(of_tables));
    families.push(files(&from.data));
    families.extend(process::families(from.started));
    // In the order of the table, whoever counted them.
    families.sort_by_key(|family| about::ALL.iter().position(|known| *known == family.about));
    families
}

fn build() -> Family {
    let labels = [
        env!("CARGO_PKG_VERSION").to_owned(),
        cfg!(feature = "sandbox").to_string(),
    ];
    Family {
        about: about::BUILD,
        series: vec![(labels.into(), Level(1.0))],
    }
}

fn messages(from: &Metrics) -> [Family; 7] {
    let meters = from.store.meters();
    let statuses = MessageStatus::ALL
        .into_iter()
        .map(MessageStatus::name)
        .zip(&meters.statuses);
    let codes = FailureCode::ALL
        .into_iter()
        .map(FailureCode::name)
        .zip(&meters.failures);
    [
        Family::single(about::ACCEPTED, count(&meters.accepted)),
        Family::by(
            about::STATUSES,
            statuses.map(|(status, times)| (status, count(times))),
        ),
        Family::by(about::FAILURES, codes.map(|(code, times)| (code, count(times)))),
        amounts(about::ACCEPT_SECONDS, &meters.accepts),
        amounts(about::SENT_SECONDS, &meters.sent),
        amounts(about::DELIVERED_SECONDS, &meters.delivered),
        Family::single(about::RECONNECTS, count(&meters.reconnects)),
    ]
}

/// Only routes that were asked for: an installation uses few of them.
fn requests(from: &Metrics) -> Family {
    let counted = from.requests.all().map(|of| (of.durations.read(), of));
    Family {
        about: about::REQUESTS,
        series: counted
            .filter(|(reading, _)| reading.count() > 0)
            .map(|(reading, of)| {
                let labels = [of.method, of.route, of.status].map(str::to_owned);
                (labels.into(), Amounts(reading))
            })
            .collect(),
    }
}

fn webhooks(from: &Metrics) -> [Family; 2] {
    let meters = &from.webhooks;
    let failures = AttemptFailure::ALL.iter().map(|failure| failure.name());
    let outcomes = std::iter::once(("delivered", &meters.delivered)).chain(failures.zip(&meters.failures));
    [
        Family::by(
            about::WEBHOOK_ATTEMPTS,
            outcomes.map(|(outcome, times)| (outcome, count(times))),
        ),
        amounts(about::WEBHOOK_SECONDS, &meters.attempts),
    ]
}

fn writers(from: &Metrics) -> [Family; 4] {
    let databases = [
        ("postern", from.store.writer_meters(), from.store.writes_waiting()),
        ("keys", from.keys.writer_meters(), from.keys.writes_waiting()),
    ];
    let each = |about, value: fn(&WriterMeters) -> Value| {
        let values = databases.iter().map(|(name, meters, _)| (*name, value(meters)));
        Family::by(about, values)
    };
    let waiting = databases
        .iter()
        .map(|(name, _, jobs)| (*name, level(*jobs as u64)));
    [
        Family::by(about::WRITES_WAITING, waiting),
        each(about::WRITER_JOBS, |meters| Amounts(meters.jobs.read())),
        each(about::WRITER_SECONDS, |meters| Amounts(meters.commits.read())),
        each(about::WRITER_FAILURES, |meters| count(&meters.failures)),
    ]
}

fn of_tables(levels: &Levels) -> [Family; 5] {
    let outbox = levels.outbox.iter().map(|(lane, number)| (*lane, level(*number)));
    let devices = levels
        .devices
        .iter()
        .map(|(state, number)| (state.name(), level(*number)));
    let endpoints = &levels.endpoints;
    let states = [
        ("enabled", level(endpoints.enabled)),
        ("disabled", level(endpoints.disabled)),
    ];
    let deliveries = [
        ("waiting", level(endpoints.waiting)),
        ("parked", level(endpoints.parked)),
    ];
    [
        Family::by(about::OUTBOX, outbox),
        Family::by(about::DEVICES, devices),
        Family::by(about::WEBHOOK_ENDPOINTS, states),
        Family::single(about::WEBHOOK_LAG, level(endpoints.furthest_behind)),
        Family::by(about::WEBHOOK_DELIVERIES, deliveries),
    ]
}

/// A file that is not there has no size.
fn files(data: &Path) -> Family {
    let sizes = FILES
        .into_iter()
        .filter_map(|name| Some((name, level(data.join(name).metadata().ok()?.len()))));
    Family::by(about::FILES, sizes)
}

fn count(counter: &Counter) -> Value {
    Count(counter.get())
}

fn amounts(about: &'static About, histogram: &Histogram) -> Family {
    Family::single(about, Amounts(histogram.read()))
}

/// Floats hold every whole number there is here.
pub(super) fn level(number: u64) -> Value {
    Level(number as f64)
}
