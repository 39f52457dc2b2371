//! What a linked device costs while it is idle, and how long all of them take to come back after a kill.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use hdrhistogram::Histogram;
use postern_testkit::{DaemonOptions, Postern, TestDaemon, TestSandbox};
use rand::seq::IndexedRandom as _;

use crate::fleet::{self, Device};
use crate::meter::{self, Memory};

const CONTACT: &str = "+15551234567";
/// How long the idle processor time is watched.
const WATCH: Duration = Duration::from_secs(20);
/// When the devices are given up that do not come back.
const RETURN_LIMIT: Duration = Duration::from_secs(180);
/// Devices that send a message after each restart.
const SAMPLE: usize = 5;

/// The settings of a start, and what to call them.
const STARTS: [(&str, &[(&str, &str)]); 2] = [
    ("defaults", &[]),
    (
        "no limit, no jitter",
        &[
            ("SESSIONS__START_CONCURRENCY", "1000"),
            ("SESSIONS__START_JITTER_MS", "0"),
        ],
    ),
];

/// How many devices.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Devices to link. Memory is compared with that of one.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u64).range(2..=10_000))]
    devices: u64,
}

/// Prints both tables.
pub(crate) async fn measure(this: &Postern, options: &Options) -> anyhow::Result<()> {
    let postern = this.clone().with_arguments(&["postern"]);
    let network = TestSandbox::start(&postern).await?;
    let mut daemon = TestDaemon::start(&postern, &network).await?;
    let count = usize::try_from(options.devices)?;

    let (mut devices, mut linking) = fleet::link(&daemon, &network, 0, 1).await?;
    let one = idle_memory(&daemon).await?;
    let (rest, took) = fleet::link(&daemon, &network, 1, count - 1).await?;
    devices.extend(rest);
    linking.add(took)?;
    let all = idle_memory(&daemon).await?;

    println!("| {count} linked devices | measured | aim |\n|---|---:|---:|");
    memory_rows(one, all, options.devices - 1);
    idle_row(process(&daemon)?).await?;
    file_row(&daemon, "keys.db")?;
    file_row(&daemon, "postern.db")?;
    linking_row(&linking);
    println!();
    println!(
        "| start after kill -9 | API answers | all {count} connected | shown too early | RSS per device | sent from {SAMPLE} | aim |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|");
    for (name, settings) in STARTS {
        restart(&mut daemon, &network, name, settings, &devices, one).await?;
    }
    println!();
    Ok(())
}

async fn idle_memory(daemon: &TestDaemon) -> anyhow::Result<Memory> {
    let process = process(daemon)?;
    meter::idle(process).await?;
    Memory::of(process)
}

fn process(daemon: &TestDaemon) -> anyhow::Result<u32> {
    daemon.pid().context("the daemon is gone")
}

fn memory_rows(one: Memory, all: Memory, more: u64) {
    let row = |name, of_one: u64, of_all: u64, aim| {
        let each = of_all.saturating_sub(of_one) / more;
        println!(
            "| {name} per idle device ({of_one} KiB with one, {of_all} KiB with all) | {each} KiB | {aim} |"
        );
    };
    row("RSS", one.rss, all.rss, "≤ 200 KiB");
    row("Pss", one.pss, all.pss, "");
    row("private memory", one.private, all.private, "");
}

async fn idle_row(process: u32) -> anyhow::Result<()> {
    let took = meter::processor_time_in(process, WATCH).await?;
    let share = took.as_secs_f64() / WATCH.as_secs_f64() * 100.0;
    println!("| idle CPU over {WATCH:?} | {share:.2} % of one processor | |");
    Ok(())
}

fn file_row(daemon: &TestDaemon, name: &str) -> anyhow::Result<()> {
    let size = meter::database_kib(&daemon.data_dir().join(name))?;
    println!("| {name} with its log | {size} KiB | |");
    Ok(())
}

fn linking_row(took: &Histogram<u64>) {
    println!(
        "| create, pair, scan, connected; {} at a time, 300 ms of it the sandbox's pause; p50 / p99 | {} / {} ms | |",
        fleet::AT_ONCE,
        took.value_at_quantile(0.5) / 1000,
        took.value_at_quantile(0.99) / 1000
    );
}

/// Kills the daemon, starts it with these settings, and prints how it came back.
async fn restart(
    daemon: &mut TestDaemon,
    network: &TestSandbox,
    name: &str,
    settings: &[(&str, &str)],
    devices: &[Device],
    one: Memory,
) -> anyhow::Result<()> {
    let before = fleet::states(daemon.http()).await?;
    daemon.kill().await?;
    let options = settings
        .iter()
        .fold(DaemonOptions::default(), |options, (key, value)| {
            options.set(key, value)
        });
    let started = Instant::now();
    daemon.restart_with(options).await?;
    let stale = fleet::stale(daemon.http(), &before).await?;
    let answers = started.elapsed().as_secs_f64();
    fleet::all_connected(daemon.http(), &before, RETURN_LIMIT).await?;
    let connected = started.elapsed().as_secs_f64();
    let memory = idle_memory(daemon).await?;
    let each = memory.rss.saturating_sub(one.rss) / (devices.len() as u64 - 1);
    let sent = send_from_some(daemon, network, devices).await?;
    println!(
        "| {name} | {answers:.2} s | {connected:.2} s | {stale} | {each} KiB | {sent} arrived | < 10 s, ≤ 200 KiB |"
    );
    Ok(())
}

/// Lets a few devices, chosen by chance, write to the contact; answers how many messages it decrypted.
async fn send_from_some(
    daemon: &TestDaemon,
    network: &TestSandbox,
    devices: &[Device],
) -> anyhow::Result<usize> {
    let before = network.received_by(CONTACT).await?.len();
    for device in devices.sample(&mut rand::rng(), SAMPLE) {
        let message = daemon.send_text(&device.id, CONTACT, "back again").await?;
        daemon.message_reaches(&message, "read").await?;
    }
    Ok(network.received_by(CONTACT).await?.len() - before)
}
