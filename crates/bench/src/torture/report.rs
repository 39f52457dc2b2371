//! The table of a torture.

use hdrhistogram::Histogram;

use super::Options;
use super::kills::Killer;
use crate::soak::ledger::Fault;
use crate::soak::report::{details, is_good, summary};
use crate::soak::settle::Verdict;
use crate::soak::world::{World, locked};

/// What is counted.
const COUNTED: [(&str, &[Fault]); 6] = [
    ("lost", &[Fault::Lost, Fault::InboundLost]),
    ("duplicated", &[Fault::Duplicated, Fault::InboundDuplicated]),
    ("unexpected", &[Fault::Unexpected, Fault::InboundUnexpected]),
    ("reordered", &[Fault::Disordered]),
    ("stuck or failed", &[Fault::Stuck, Fault::Failed]),
    // Arrived once, and the receipt that said so came right before a kill.
    ("no receipt", &[Fault::Unconfirmed]),
];

/// Prints the table and the problems; answers whether all is well.
pub(crate) async fn print(world: &World, options: &Options, killer: &Killer, verdict: &Verdict) -> bool {
    let (kills, while_starting) = killer.kills();
    println!(
        "{} rounds, {kills} kills, {while_starting} of them while starting\n",
        options.rounds
    );
    let headings = COUNTED.map(|(heading, _)| heading);
    println!("| | messages | {} |", headings.join(" | "));
    println!("|---|{}", "---:|".repeat(1 + headings.len()));
    let (inbound, outbound): (Vec<_>, Vec<_>) = verdict
        .problems
        .iter()
        .map(|problem| problem.fault)
        .partition(|fault| fault.is_inbound());
    line("accepted", locked(&world.accepted).len(), &outbound);
    line("written by contacts", locked(&world.written).len(), &inbound);
    println!();
    println!(
        "from the start of the program to the first 202: {}",
        times(killer.accepting())
    );
    println!(
        "from the same moment to every device connected, under link faults: {}",
        times(killer.connected())
    );
    details(world, verdict).await;
    summary(world, verdict);
    is_good(world, verdict)
}

fn line(name: &str, messages: usize, found: &[Fault]) {
    let counts = COUNTED.map(|(_, faults)| {
        let count = found.iter().filter(|fault| faults.contains(fault)).count();
        count.to_string()
    });
    println!("| {name} | {messages} | {} |", counts.join(" | "));
}

fn times(histogram: &Histogram<u64>) -> String {
    let millis = |micros: u64| micros.div_ceil(1_000);
    format!(
        "p50 {} ms, max {} ms, {} times",
        millis(histogram.value_at_quantile(0.5)),
        millis(histogram.max()),
        histogram.len()
    )
}
