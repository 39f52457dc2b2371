//! Kill -9 at random moments under load, and afterwards three ledgers that must agree to the last message.
//!
//! The daemon starts on a data folder of the first release, with messages in it, and its first starts are killed while
//! they bring the folder up to date. Then clients post over many connections and repeat every request until it is
//! answered with a 202, contacts write back, links break, and in every round the daemon is killed a few times,
//! often again while it starts. In the end what clients were told, what the API says and what contacts decrypted is
//! compared.

mod kills;
mod prepare;
mod report;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::ValueEnum as _;
use postern_testkit::{Postern, TestSandbox};
use tokio::task::JoinSet;

use self::kills::Killer;
use crate::soak::clients::Client;
use crate::soak::faults::{self, Kind};
use crate::soak::world::World;
use crate::soak::{contacts, settle, strikes};

/// The mean time between two messages of a client.
const PAUSE: Duration = Duration::from_millis(200);
/// The same of all contacts together.
const CONTACTS_PAUSE: Duration = Duration::from_millis(20);
/// Contacts that all clients write to.
const SHARED: usize = 20;
/// Link faults a minute.
const FAULTS: f64 = 30.0;
/// How long everything has to find its end, after a last start.
const SETTLES: Duration = Duration::from_secs(300);

/// How much, and for how long.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// How many rounds, each with kills at moments of its own.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    rounds: u32,
    /// How long a round is.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=3_600))]
    seconds_per_round: u32,
    /// Clients that post at the same time.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    connections: u32,
    /// Devices to link.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    devices: u32,
    /// Repeats the choices of an earlier run, which printed its seed.
    #[arg(long)]
    seed: Option<u64>,
}

impl Options {
    fn round(&self) -> Duration {
        Duration::from_secs(self.seconds_per_round.into())
    }
}

/// Runs it; fails when the ledgers do not agree, or the data is damaged.
pub(crate) async fn run(this: &Postern, options: &Options) -> anyhow::Result<ExitCode> {
    let seed = options.seed.unwrap_or_else(rand::random);
    println!("seed {seed}");
    let postern = this.clone().with_arguments(&["postern"]);
    let network = TestSandbox::start(&postern).await?;
    let (world, mut killer) = prepare::prepare(&postern, &network, options, seed).await?;
    let agreed = judge(&world, options, &mut killer, &postern).await;
    if !matches!(agreed, Ok(true)) {
        let log = std::env::temp_dir().join(format!("postern-torture-{seed}.log"));
        std::fs::write(&log, killer.log().join("\n"))?;
        println!("repeat with --seed {seed}, or look into {}", log.display());
    }
    Ok(if agreed? {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// From the first round to the table; whether all is well.
async fn judge(
    world: &Arc<World>,
    options: &Options,
    killer: &mut Killer,
    postern: &Postern,
) -> anyhow::Result<bool> {
    traffic(world, options, killer).await?;
    strikes::clear(world).await?;
    // Whatever a link fault has told a client to wait for, this is over.
    killer.kill().await?;
    let verdict = settle::settle(world, SETTLES).await?;
    let agreed = report::print(world, options, killer, &verdict).await;
    Ok(check(postern, killer.data_dir()).await? && agreed)
}

/// Whether every invariant of the data holds, and says which do not.
async fn check(postern: &Postern, data: &Path) -> anyhow::Result<bool> {
    let mut command = postern.command(&["check", "--data-dir"]);
    let output = command.arg(data).output().await?;
    let holds = output.status.success();
    if holds {
        println!("postern check: every invariant of the data holds");
    } else {
        println!("{}", String::from_utf8_lossy(&output.stdout));
        println!("postern check: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(holds)
}

/// Everything at once, round after round, until every client has its last answer.
async fn traffic(world: &Arc<World>, options: &Options, killer: &mut Killer) -> anyhow::Result<()> {
    let mut tasks = JoinSet::new();
    for number in 0..options.connections as usize {
        tasks.spawn(client(world, number).run(Arc::clone(world)));
    }
    tasks.spawn(contacts::run(Arc::clone(world), CONTACTS_PAUSE));
    let length = world.end - world.started;
    let plan = faults::plan(
        world.seed,
        Kind::value_variants(),
        world.devices.len(),
        length,
        FAULTS,
    );
    tasks.spawn(strikes::run(Arc::clone(world), plan));

    let round = options.round();
    for number in 0..options.rounds {
        killer.round(world.started + round * number, round).await?;
        eprintln!("round {} of {}: {}", number + 1, options.rounds, killer.so_far());
    }
    while let Some(ended) = tasks.join_next().await {
        ended.context("a task panicked")??;
    }
    Ok(())
}

/// Writes from one device: in a chat that is its own, where the order of acceptance is known, and in chats in which
/// others write at the same time.
fn client(world: &World, number: usize) -> Client {
    let device = number % world.devices.len();
    let shared = world.contacts_of(device).map(|contact| contact % SHARED);
    let own = std::iter::repeat_n(SHARED + number, 5);
    Client {
        number,
        chats: shared.chain(own).map(|contact| (device, contact)).collect(),
        pause: PAUSE,
    }
}
