//! How much is used, and what became of it: gauges, plots, and the numbers themselves.

mod plot;

use std::ops::RangeInclusive;
use std::time::Duration;

use maud::{Markup, html};
use postern_domain::{Day, MessageStatus};
use postern_store::{Figures, Summary, Usage};

use self::plot::{Bar, bars, latencies, rates};
use super::icon::{Icon, icon};
use super::time;
use super::webhooks::took;

/// What became of the messages that were to be sent: a class that gives a colour, and a word.
const PARTS: [(&str, &str); 4] = [
    ("arrived", "delivered"),
    ("sent", "sent"),
    ("waiting", "waiting"),
    ("failed", "failed or canceled"),
];

/// How many of each of [`PARTS`].
fn parts(figures: &Figures) -> [u64; 4] {
    let sum = |statuses: &[MessageStatus]| statuses.iter().map(|status| figures.of(*status)).sum::<u64>();
    [
        figures.arrived(),
        sum(&[MessageStatus::Sent]),
        sum(&[
            MessageStatus::Scheduled,
            MessageStatus::Queued,
            MessageStatus::Processing,
            MessageStatus::Retrying,
        ]),
        sum(&[MessageStatus::Failed, MessageStatus::Canceled]),
    ]
}

/// What is used of the plan.
pub(crate) fn quota(usage: &Usage, plan: &str) -> Markup {
    let devices = (u64::from(usage.devices), usage.device_limit.map(u64::from));
    html! {
        section class="card" {
            header class="card-head" {
                h2 { "Plan " (plan) }
                small { "counting began " (time::clock(usage.period.start())) " and begins anew " (time::clock(usage.period.end())) }
            }
            div class="gauges" {
                (gauge("messages", "Messages this month", (usage.messages, usage.message_limit)))
                (gauge("devices", "Devices", devices))
            }
        }
    }
}

fn gauge(id: &str, label: &str, (used, limit): (u64, Option<u64>)) -> Markup {
    let percent = limit.map(|limit| (used.saturating_mul(100)).checked_div(limit).unwrap_or(100));
    let class = match percent {
        Some(100..) => "bad",
        Some(80..) => "warn",
        _ => "good",
    };
    html! {
        div class={ "gauge " (class) } {
            p class="gauge-words" {
                label for={ "gauge-" (id) } { (label) }
                span { strong class="number" { (grouped(used)) } @match limit { Some(limit) => { " of " (grouped(limit)) }, None => ", no limit" } }
            }
            @if let (Some(limit), Some(percent)) = (limit, percent) {
                progress id={ "gauge-" (id) } max=(limit.max(1)) value=(used.min(limit)) { (percent) " %" }
                @if percent >= 100 { p class="error" { (icon(Icon::Alert)) span { "used up" } } }
            }
        }
    }
}

/// What became of the messages of some days.
pub(crate) fn figures(days: &RangeInclusive<Day>, summary: &Summary) -> Markup {
    let all = each_day(days, summary);
    html! {
        (tiles(&summary.all))
        section class="card" {
            header class="card-head" {
                h2 id="plot-messages" { "Messages a day" }
                ul class="legend" aria-hidden="true" { @for (class, word) in PARTS { li class=(class) { (word) } } }
            }
            (bars("plot-messages", &PARTS.map(|(class, _)| class), &all.iter().map(|(day, figures)| Bar {
                label: day.to_string(),
                parts: parts(figures),
                words: in_words(*day, figures),
            }).collect::<Vec<_>>()))
        }
        div class="columns" {
            section class="card" {
                header class="card-head" { h2 id="plot-rate" { "Delivered, of those that ended" } }
                (rates("plot-rate", &by_day(&all, |figures| (figures.arrived(), figures.ended()))))
            }
            section class="card" {
                header class="card-head" {
                    h2 id="plot-latency" { "From accepted to delivered" }
                    ul class="legend" aria-hidden="true" { li class="half" { "half of them within" } li class="most" { "95 of 100 within" } }
                }
                (latencies("plot-latency", &by_day(&all, |figures| [50, 95].map(|percent| figures.delivered.percentile(percent)))))
            }
        }
        (table(&all))
    }
}

fn by_day<T>(days: &[(Day, Figures)], of: impl Fn(&Figures) -> T) -> Vec<(String, T)> {
    days.iter()
        .map(|(day, figures)| (day.to_string(), of(figures)))
        .collect()
}

/// Every day of the range, those without messages too.
fn each_day(days: &RangeInclusive<Day>, summary: &Summary) -> Vec<(Day, Figures)> {
    let (from, until) = (*days.start(), *days.end());
    let found = |day: Day| summary.days.iter().find(|(known, _)| *known == day);
    (0..=until.since(from))
        .map(|after| from.plus(after))
        .map(|day| {
            (
                day,
                found(day).map(|(_, figures)| figures.clone()).unwrap_or_default(),
            )
        })
        .collect()
}

fn tiles(all: &Figures) -> Markup {
    let outbound: u64 = parts(all).iter().sum();
    let tiles = [
        (Icon::Out, "to be sent", grouped(outbound)),
        (Icon::Checks, "delivered", rate(all.arrived(), all.ended())),
        (Icon::Cross, "failed", grouped(all.of(MessageStatus::Failed))),
        (Icon::In, "received", grouped(all.of(MessageStatus::Received))),
        (
            Icon::Clock,
            "half delivered within",
            span(all.delivered.percentile(50)),
        ),
    ];
    html! {
        ul class="tiles figures" aria-label="All days together" {
            @for (symbol, word, number) in tiles {
                li class="tile idle" {
                    div class="tile-box" {
                        span class="tile-number" { (number) }
                        span class="tile-word" { (icon(symbol)) (word) }
                    }
                }
            }
        }
    }
}

fn in_words(day: Day, figures: &Figures) -> String {
    let mut words = day.to_string();
    for ((_, word), number) in PARTS.iter().zip(parts(figures)) {
        if number > 0 {
            words.push_str(&format!(", {} {word}", grouped(number)));
        }
    }
    words
}

fn table(days: &[(Day, Figures)]) -> Markup {
    html! {
        details class="card" {
            summary { (icon(Icon::Activity)) "The numbers of each day" }
            div class="scroll" tabindex="0" role="region" aria-label="The numbers of each day" {
                table class="numbers" {
                    thead { tr {
                        th scope="col" { "Day" }
                        @for (_, word) in PARTS { th scope="col" { (word) } }
                        th scope="col" { "received" }
                        th scope="col" { "delivered, of those that ended" }
                        th scope="col" { "sent within: half, 95 %, 99 %" }
                        th scope="col" { "delivered within: half, 95 %, 99 %" }
                    } }
                    tbody {
                        @for (day, figures) in days.iter().rev() {
                            tr {
                                th scope="row" { (day) }
                                @for number in parts(figures) { td { (grouped(number)) } }
                                td { (grouped(figures.of(MessageStatus::Received))) }
                                td { (rate(figures.arrived(), figures.ended())) }
                                td { (percentiles(&figures.sent)) }
                                td { (percentiles(&figures.delivered)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn percentiles(latencies: &postern_domain::Latencies) -> String {
    if latencies.is_empty() {
        return "–".to_owned();
    }
    [50, 95, 99]
        .map(|percent| span(latencies.percentile(percent)))
        .join(", ")
}

fn span(duration: Option<Duration>) -> String {
    duration.map_or_else(|| "–".to_owned(), long)
}

/// A duration that may be long: `85 ms`, `1.3 s`, `4 min`, `3 h`.
fn long(duration: Duration) -> String {
    match duration.as_secs() {
        0..120 => took(duration),
        seconds @ 120..7_200 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3_600),
    }
}

/// A part of a whole with one digit: `98.3 %`.
fn rate(part: u64, whole: u64) -> String {
    let thousandths = part.saturating_mul(1_000).checked_div(whole);
    thousandths.map_or_else(
        || "–".to_owned(),
        |found| format!("{}.{} %", found / 10, found % 10),
    )
}

/// A number with its thousands apart: `12 400`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            // A narrow space that does not break.
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_people_read_them() {
        assert_eq!(
            [0, 999, 1_000, 1_234_567].map(grouped),
            ["0", "999", "1\u{202f}000", "1\u{202f}234\u{202f}567"]
        );
        assert_eq!([rate(0, 0), rate(59, 60), rate(3, 3)], ["–", "98.3 %", "100.0 %"]);
        let spans = [85, 1_300, 240_000, 10_800_000].map(|millis| long(Duration::from_millis(millis)));
        assert_eq!(spans, ["85 ms", "1.3 s", "4 min", "3 h"]);
    }
}
