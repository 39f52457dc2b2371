//! Steady traffic under faults, and afterwards three ledgers that must agree to the last message.
//!
//! Clients post over the API and repeat every request until it is answered with a 202; contacts write back; a plan
//! of faults, decided by the seed, strikes one device after the other, and the daemon may be killed on top. Then
//! the faults are cleared and everything has a while to find its end.

pub(crate) mod clients;
pub(crate) mod contacts;
pub(crate) mod faults;
pub(crate) mod history;
pub(crate) mod ledger;
pub(crate) mod report;
pub(crate) mod settle;
pub(crate) mod strikes;
mod traffic;
pub(crate) mod world;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use postern_testkit::{DaemonOptions, Http, Postern, TestDaemon, TestSandbox};
use tokio::sync::watch;

use self::faults::Kind;
use self::world::World;
use crate::fleet;

/// A contact of the sandbox remembers 100,000 messages.
const MESSAGES_OF_A_CONTACT: f64 = 20_000.0;
/// How long everything has to find its end: longer than the 15 minutes for which a client that was asked for patience
/// several times may stay away.
const SETTLES: Duration = Duration::from_secs(1_000);

/// How much, for how long, and what goes wrong.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Devices to link.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    devices: u64,
    /// How long the traffic lasts. Fractions are minutes as well.
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,
    /// Messages a second, all devices together.
    #[arg(long, default_value_t = 100.0)]
    rate: f64,
    /// Repeats the choices of an earlier soak, which printed its seed.
    #[arg(long)]
    seed: Option<u64>,
    /// Faults a minute, all devices together.
    #[arg(long, default_value_t = 60.0)]
    faults_per_minute: f64,
    /// Which faults strike; all of them unless told.
    #[arg(long, value_enum, value_delimiter = ',')]
    faults: Vec<Kind>,
    /// Kills the daemon with SIGKILL every so many seconds, and starts it again.
    #[arg(long)]
    kill_every: Option<f64>,
    /// Sets one of the daemon's settings, e.g. `SESSIONS__ACK_TIMEOUT=5` or `LOG__LEVEL=debug`.
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = setting)]
    settings: Vec<(String, String)>,
}

fn setting(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("expected KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

/// Runs a soak; fails when the ledgers do not agree.
pub(crate) async fn run(this: &Postern, options: &Options) -> anyhow::Result<ExitCode> {
    let kills_make_sense = options.kill_every.is_none_or(|seconds| seconds > 0.0);
    anyhow::ensure!(
        options.minutes > 0.0 && options.rate > 0.0 && options.faults_per_minute >= 0.0 && kills_make_sense,
        "--minutes, --rate and --kill-every must be more than 0, --faults-per-minute at least that"
    );
    let seed = options.seed.unwrap_or_else(rand::random);
    println!("seed {seed}");
    let postern = this.clone().with_arguments(&["postern"]);
    let network = TestSandbox::start(&postern).await?;
    let settings = options.settings.iter();
    let settings = settings.fold(DaemonOptions::default(), |all, (key, value)| all.set(key, value));
    let mut daemon = TestDaemon::start_with(&postern, &network, settings).await?;
    let agreed = judge(&mut daemon, &network, options, seed).await;
    if !matches!(agreed, Ok(true)) {
        let log = std::env::temp_dir().join(format!("postern-soak-{seed}.log"));
        std::fs::write(&log, daemon.log().join("\n"))?;
        println!("repeat with --seed {seed}, or look into {}", log.display());
        if let Some(status) = daemon.ended()? {
            println!("the daemon ended by itself: {status}");
        }
    }
    Ok(if agreed? {
        ExitCode::SUCCESS
    } else {
        println!("the ledgers do not agree");
        ExitCode::FAILURE
    })
}

/// From linking the devices to the table; whether the ledgers agree.
async fn judge(
    daemon: &mut TestDaemon,
    network: &TestSandbox,
    options: &Options,
    seed: u64,
) -> anyhow::Result<bool> {
    let (addresses, world) = prepare(daemon, network, options, seed).await?;
    let world = Arc::new(world);
    traffic::run(&world, options, daemon, &addresses).await?;
    strikes::clear(&world).await?;
    let verdict = settle::settle(&world, SETTLES).await?;
    Ok(report::print(&world, &verdict).await)
}

async fn prepare(
    daemon: &TestDaemon,
    network: &TestSandbox,
    options: &Options,
    seed: u64,
) -> anyhow::Result<(watch::Sender<Http>, World)> {
    let (devices, _took) = fleet::link(daemon, network, 0, usize::try_from(options.devices)?).await?;
    let length = Duration::from_secs_f64(options.minutes * 60.0);
    let needed = options.rate * length.as_secs_f64() / MESSAGES_OF_A_CONTACT;
    let contacts = (0..20 + needed as u32)
        .map(|number| format!("+1555{}", 2_000_000 + number))
        .collect();
    let (sender, receiver) = watch::channel(daemon.http().clone());
    let world = World::new(seed, length, (devices, contacts), network, receiver);
    Ok((sender, world))
}
