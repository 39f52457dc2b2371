//! Black-box tests of the whole daemon: the built binary, a sandbox in a process of its own, HTTP between them.

mod access;
mod backup;
mod baileys;
mod batches;
mod commands;
mod dashboard;
mod device_commands;
mod discretion;
mod disk;
mod documents;
mod endings;
mod errors;
mod events;
mod examples;
mod groups;
mod idempotency;
mod linking;
mod listening;
mod metrics;
mod names;
mod pacing;
mod pages;
mod power;
mod receiving;
mod recovery;
mod schemathesis;
mod searching;
mod sending;
mod shell;
mod stopping;
mod switched_off;
mod telemetry;
mod tracing;
mod upgrades;
mod webhook_commands;
mod webhook_examples;
mod webhooks;

use postern_testkit::{Postern, TestDaemon, TestSandbox};

/// The account that is linked.
const OWNER: &str = "+4915112345678";
/// The contact at the other end.
const CONTACT: &str = "+15551234567";

fn postern() -> Postern {
    Postern::at(env!("CARGO_BIN_EXE_postern"))
}

/// A network, a daemon, and a device that is linked and connected.
async fn linked() -> anyhow::Result<(TestSandbox, TestDaemon, String)> {
    let network = TestSandbox::start(&postern()).await?;
    let daemon = TestDaemon::start(&postern(), &network).await?;
    let device = daemon.link_device(&network, OWNER).await?;
    Ok((network, daemon, device))
}

/// The statuses of a message's timeline, in order.
fn steps(message: &serde_json::Value) -> Vec<&str> {
    let timeline = message["timeline"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    timeline
        .iter()
        .filter_map(|entry| entry["status"].as_str())
        .collect()
}
