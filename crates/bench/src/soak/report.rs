//! The table of a soak: what went wrong after which fault.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::history::{KILL, NOTHING};
use super::ledger::{Fault, Told};
use super::settle::Verdict;
use super::world::{World, locked};

/// Problems of a kind that are told in full for each device; they tend to have one cause.
const TOLD: usize = 3;

/// One row of the table.
#[derive(Debug, Default)]
struct Row {
    strikes: u64,
    missed: u64,
    messages: u64,
    slowest: Duration,
    faults: BTreeMap<Fault, u64>,
}

/// Prints the table and the problems; answers whether all is well.
pub(crate) async fn print(world: &World, verdict: &Verdict) -> bool {
    let rows = rows(world, verdict);
    let headings: Vec<&str> = Fault::ALL.iter().map(|(_, heading)| *heading).collect();
    println!(
        "| last fault before | strikes | missed | messages | slowest s | {} |",
        headings.join(" | ")
    );
    println!("|---{}|", "|---:".repeat(4 + headings.len()));
    let mut total = Row::default();
    for (kind, row) in &rows {
        line(kind, row);
        total.add(row);
    }
    line("all", &total);
    println!();
    details(world, verdict).await;
    summary(world, verdict);
    is_good(world, verdict)
}

/// Whether all is well, as far as anything can be expected to be.
pub(crate) fn is_good(world: &World, verdict: &Verdict) -> bool {
    let agreed = verdict
        .problems
        .iter()
        .all(|problem| is_forgiven(world, problem.fault));
    agreed && verdict.away.is_empty() && world.tally.is_clean()
}

/// WhatsApp Web's client acknowledges a receipt before anybody can store it: one that comes right before a kill is not
/// told again.
fn is_forgiven(world: &World, fault: Fault) -> bool {
    fault == Fault::Unconfirmed && locked(&world.history).counts().contains_key(KILL)
}

fn rows(world: &World, verdict: &Verdict) -> BTreeMap<String, Row> {
    let history = locked(&world.history);
    let mut rows: BTreeMap<String, Row> = BTreeMap::new();
    for (kind, (strikes, missed)) in history.counts() {
        let row = rows.entry(kind).or_default();
        (row.strikes, row.missed) = (strikes, missed);
    }
    let accepted = locked(&world.accepted);
    let lived: HashMap<&str, Duration> = verdict
        .outbound
        .iter()
        .map(|row| (row.id.as_str(), row.lived))
        .collect();
    for told in accepted.iter() {
        let lived = lived.get(told.id.as_str()).copied().unwrap_or_default();
        let row = rows
            .entry(history.blame(told.device, told.at + lived).to_owned())
            .or_default();
        row.messages += 1;
        row.slowest = row.slowest.max(lived);
    }
    for problem in &verdict.problems {
        let kind = problem.told.as_ref().map_or(NOTHING, |told| {
            history.blame(told.device, problem.until.unwrap_or(told.at))
        });
        let row = rows.entry(kind.to_owned()).or_default();
        *row.faults.entry(problem.fault).or_default() += 1;
    }
    rows
}

fn line(kind: &str, row: &Row) {
    let faults: Vec<String> = Fault::ALL
        .iter()
        .map(|(fault, _)| row.faults.get(fault).copied().unwrap_or(0).to_string())
        .collect();
    println!(
        "| {kind} | {} | {} | {} | {:.1} | {} |",
        row.strikes,
        row.missed,
        row.messages,
        row.slowest.as_secs_f64(),
        faults.join(" | ")
    );
}

/// Tells the first problems of each kind in full.
pub(crate) async fn details(world: &World, verdict: &Verdict) {
    for device in &verdict.away {
        println!("- {device}");
    }
    let mut alike: BTreeMap<(Fault, Option<usize>), usize> = BTreeMap::new();
    for problem in &verdict.problems {
        let device = problem.told.as_ref().map(|told| told.device);
        let count = alike.entry((problem.fault, device)).or_default();
        *count += 1;
        if *count <= TOLD {
            println!("- {:?}: \"{}\": {}", problem.fault, problem.text, problem.detail);
            if let Some(told) = &problem.told {
                println!("  - {}", circumstances(world, told));
                println!("  - {}", timeline(world, &told.id).await);
            }
        }
    }
    let untold: usize = alike.values().map(|count| count.saturating_sub(TOLD)).sum();
    if untold > 0 {
        println!("- and {untold} more like these");
    }
}

/// When a message was told of, and what struck its device around that.
fn circumstances(world: &World, told: &Told) -> String {
    let around = locked(&world.history).around(told.device, told.at);
    format!("told at {:.1} s; {around}", told.at.as_secs_f64())
}

/// The steps of a message as the API tells them; nothing for what a contact wrote.
async fn timeline(world: &World, id: &str) -> String {
    let answer = world.api().get(&format!("/v1/messages/{id}")).await;
    let Ok(message) = answer.and_then(|answer| answer.ok()) else {
        return format!("the API does not know {id}");
    };
    let steps = message["timeline"].as_array().into_iter().flatten();
    let steps: Vec<String> = steps
        .map(|step| {
            let text = |field: &str| step[field].as_str().unwrap_or_default().to_owned();
            format!("{} {} {}", text("at"), text("status"), text("detail"))
        })
        .collect();
    format!("{} attempts: {}", message["attempts"], steps.join("; "))
}

/// Tells what happened to requests, and how it ended.
pub(crate) fn summary(world: &World, verdict: &Verdict) {
    let count = |count: &std::sync::atomic::AtomicU64| count.load(Ordering::Relaxed);
    let repeats: Vec<String> = locked(&world.tally.repeats)
        .iter()
        .map(|(why, times)| format!("{why} {times}"))
        .collect();
    println!(
        "{} accepted, {} written by contacts; settled after {:.1} s with {} devices away",
        locked(&world.accepted).len(),
        locked(&world.written).len(),
        verdict.took.as_secs_f64(),
        verdict.away.len()
    );
    println!(
        "requests repeated: {}",
        if repeats.is_empty() {
            "none".to_owned()
        } else {
            repeats.join(", ")
        }
    );
    println!(
        "never answered {}, repeated and answered otherwise {}, not written by contacts {}; further copies of a stanza, for WhatsApp to fold: {}",
        count(&world.tally.unanswered),
        count(&world.tally.contradicted),
        count(&world.tally.unwritten),
        verdict.folded
    );
}

impl Row {
    fn add(&mut self, other: &Self) {
        self.strikes += other.strikes;
        self.missed += other.missed;
        self.messages += other.messages;
        self.slowest = self.slowest.max(other.slowest);
        for (fault, count) in &other.faults {
            *self.faults.entry(*fault).or_default() += count;
        }
    }
}
