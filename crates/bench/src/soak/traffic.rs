//! The traffic of a soak: clients, contacts, faults and kills at once, with a line on how it goes every ten seconds.

use std::sync::Arc;
use std::time::Duration;

use clap::ValueEnum as _;
use postern_testkit::{Http, TestDaemon};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::clients::Client;
use super::faults::{self, Kind};
use super::world::{World, locked};
use super::{Options, contacts, history, settle, strikes};
use crate::meter::Memory;
use crate::progress::EVERY;

/// Clients that post at the same time.
const CLIENTS: usize = 16;
/// Contacts write once while devices write this often.
const OUT_TO_IN: f64 = 5.0;

/// Everything at once until the end: clients, contacts, faults, kills.
pub(crate) async fn run(
    world: &Arc<World>,
    options: &Options,
    daemon: &mut TestDaemon,
    addresses: &watch::Sender<Http>,
) -> anyhow::Result<()> {
    let mut tasks = JoinSet::new();
    let clients = CLIENTS.min(world.devices.len());
    let pause = |rate: f64| Duration::from_secs_f64(1.0 / rate);
    for number in 0..clients {
        // Each device has one client, so that the order of its messages is known.
        let devices = (number..world.devices.len()).step_by(clients);
        let chats =
            devices.flat_map(|device| world.contacts_of(device).map(move |contact| (device, contact)));
        let client = Client {
            number,
            chats: chats.collect(),
            pause: pause(options.rate / clients as f64),
        };
        tasks.spawn(client.run(Arc::clone(world)));
    }
    tasks.spawn(contacts::run(Arc::clone(world), pause(options.rate / OUT_TO_IN)));
    let kinds = if options.faults.is_empty() {
        Kind::value_variants()
    } else {
        &options.faults
    };
    let plan = faults::plan(
        world.seed,
        kinds,
        world.devices.len(),
        world.end - world.started,
        options.faults_per_minute,
    );
    tasks.spawn(strikes::run(Arc::clone(world), plan));

    let mut chance = StdRng::seed_from_u64(!world.seed);
    let kill_every = options.kill_every.map(Duration::from_secs_f64);
    let mut kill_at = kill_every.map(|pause| world.started + pause);
    let mut speak_at = world.started + EVERY;
    while !tasks.is_empty() {
        let kills = kill_at.filter(|at| *at < world.end);
        tokio::select! {
            Some(ended) = tasks.join_next() => ended??,
            () = sleep_until(speak_at) => {
                speak_at += EVERY;
                speak(world, daemon).await;
            }
            () = sleep_until(kills.unwrap_or(world.end)), if kills.is_some() => {
                kill(world, daemon, addresses, chance.random_range(0..1_000)).await?;
                kill_at = kill_every.map(|pause| Instant::now() + pause);
            }
        }
    }
    Ok(())
}

/// SIGKILL, a moment of silence, and a new start, on another port.
async fn kill(
    world: &World,
    daemon: &mut TestDaemon,
    addresses: &watch::Sender<Http>,
    silence_ms: u64,
) -> anyhow::Result<()> {
    locked(&world.history).struck(world.now(), None, history::KILL.to_owned());
    daemon.kill().await?;
    tokio::time::sleep(Duration::from_millis(silence_ms)).await;
    daemon.restart().await?;
    addresses.send_replace(daemon.http().clone());
    Ok(())
}

/// A line on how it goes.
async fn speak(world: &World, daemon: &TestDaemon) {
    let memory = daemon.pid().and_then(|process| Memory::of(process).ok());
    let away = settle::away(world, &world.api()).await;
    let strikes: u64 = locked(&world.history)
        .counts()
        .values()
        .map(|(struck, _)| struck)
        .sum();
    eprintln!(
        "{:.0} s: {} accepted, {} requests repeated, {} written by contacts, {strikes} faults, {} devices away, {} KiB",
        world.now().as_secs_f64(),
        locked(&world.accepted).len(),
        world.tally.repeated(),
        locked(&world.written).len(),
        away.map_or_else(|_| "?".to_owned(), |away| away.len().to_string()),
        memory.map_or(0, |memory| memory.rss),
    );
}
