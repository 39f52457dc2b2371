//! The `postern` daemon: settings, wiring, subcommands, shutdown order.

pub mod cli;
pub mod config;

mod access;
mod bootstrap;
mod client;
mod dashboard;
mod data_dir;
#[cfg(feature = "sandbox")]
mod demo;
mod device;
mod health;
mod keys;
mod listen;
mod logging;
mod manual;
mod messages;
mod metrics;
mod operator;
mod print;
#[cfg(feature = "sandbox")]
mod sandbox;
mod send;
mod serve;
mod telemetry;
mod upkeep;
mod usage;
mod webhooks;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::{Cli, Command};
use crate::config::ConfigError;

/// Name and build as `--version` shows them.
#[must_use]
pub fn version() -> &'static str {
    if cfg!(feature = "sandbox") {
        concat!(
            env!("CARGO_PKG_VERSION"),
            " (sandbox build: reaches loopback addresses only)"
        )
    } else {
        env!("CARGO_PKG_VERSION")
    }
}

/// Runs the command line `arguments` (the program's name first) with the environment `variables`.
///
/// Exit codes: 0 done, 1 failed, 2 wrong arguments or configuration, 3 no daemon answers, or it cannot right now.
pub fn main(
    arguments: impl IntoIterator<Item = OsString>,
    variables: impl IntoIterator<Item = (String, String)>,
) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(refusal) => {
            // Help and version come this way too, with code 0. A closed pipe is no reason to fail.
            drop(refusal.print());
            return ExitCode::from(u8::try_from(refusal.exit_code()).unwrap_or(2));
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&anyhow::Error::new(error).context("cannot start threads")),
    };
    let outcome = runtime.block_on(run(cli.command, variables.into_iter().collect()));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

async fn run(command: Command, environment: Vec<(String, String)>) -> anyhow::Result<()> {
    match command {
        Command::Serve(flags) => serve::command(flags, environment).await,
        Command::Device(flags) => device::command(flags, &environment).await,
        Command::Workspace(flags) => access::workspace(flags, &environment).await,
        Command::Keys(flags) => access::keys(flags, &environment).await,
        Command::Send(flags) => send::command(flags, &environment).await,
        Command::Listen(flags) => listen::command(flags, &environment).await,
        Command::Webhooks(flags) => webhooks::command(flags, &environment).await,
        Command::Messages(flags) => messages::command(flags, &environment).await,
        Command::Usage(flags) => usage::command(flags, &environment).await,
        Command::Operator(flags) => operator::command(flags, environment).await,
        Command::Health(flags) => health::command(flags).await,
        Command::Completions(flags) => manual::completions(&flags),
        Command::Man(flags) => manual::pages(&flags),
        Command::ExitCodes => manual::exit_codes(),
        Command::Backup(flags) => upkeep::backup(flags, environment).await,
        Command::Restore(flags) => upkeep::restore(flags, environment).await,
        Command::Check(flags) => upkeep::check(flags, environment).await,
        #[cfg(feature = "sandbox")]
        Command::Demo(flags) => demo::command(flags).await,
        #[cfg(feature = "sandbox")]
        Command::Sandbox(flags) => sandbox::command(flags).await,
        Command::Config => {
            print!("{}", config::DEFAULTS);
            Ok(())
        }
    }
}

fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("postern: {error:#}");
    let usage =
        error.is::<ConfigError>() || error.is::<bootstrap::KeyRefused>() || error.is::<client::WrongUsage>();
    let passes = error.downcast_ref().is_some_and(client::Failure::passes);
    ExitCode::from(match (usage, passes) {
        (true, _) => 2,
        (false, true) => 3,
        (false, false) => 1,
    })
}
