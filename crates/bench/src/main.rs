//! The numbers in the README: the daemon beside its yardsticks, in one run on one machine.
//!
//! This binary is also the daemon, the sandbox and the no-op server that it measures: it starts itself as child
//! processes, so that one build is enough and nothing stale is measured.

mod accepts;
mod bare;
mod delivery;
#[cfg(test)]
mod documented;
mod fleet;
mod load;
mod meter;
mod noop;
mod pages;
mod progress;
mod sends;
mod sessions;
mod soak;
mod tables;
mod torture;
mod webhooks;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use postern_testkit::Postern;

/// Measures the daemon: durable accepts beside a no-op handler, time to the contact's phone, sends a second beside the
/// bare client.
#[derive(Debug, Parser)]
#[command(name = "postern-bench", version)]
struct Cli {
    #[command(subcommand)]
    part: Option<Part>,
    /// Requests in each row of the accepts table.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u64).range(100..))]
    requests: u64,
    /// Messages in each row of the sends table.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(100..))]
    messages: u64,
}

#[derive(Debug, Subcommand)]
enum Part {
    /// What idle devices cost, and how fast they come back after a kill.
    Sessions(sessions::Options),
    /// What accepting and sending cost as the tables grow.
    Tables(tables::Options),
    /// Traffic under faults, and whether any message was lost, doubled, stuck or out of order.
    Soak(soak::Options),
    /// Traffic under kills at random moments, and whether anything that was accepted was lost, doubled or out of order.
    Torture(torture::Options),
    /// Deliveries of events to webhooks a second, and how soon one arrives.
    Webhooks(webhooks::Options),
    /// A server that parses the same body and does nothing: the yardstick.
    #[command(hide = true)]
    Noop,
    /// The client without the daemon: the yardstick of the sends.
    #[command(hide = true)]
    Bare(bare::Options),
}

fn main() -> ExitCode {
    let mut arguments = std::env::args_os();
    if arguments.nth(1).is_some_and(|first| first == "postern") {
        let arguments = std::iter::once(OsString::from("postern")).chain(arguments);
        return postern::main(arguments, std::env::vars());
    }
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.into()),
    };
    let outcome = runtime.block_on(async {
        let this = Postern::at(std::env::current_exe()?);
        match &cli.part {
            Some(Part::Noop) => noop::serve().await?,
            Some(Part::Bare(options)) => bare::run(options).await?,
            Some(Part::Sessions(options)) => {
                conditions()?;
                sessions::measure(&this, options).await?;
            }
            Some(Part::Tables(options)) => {
                conditions()?;
                tables::measure(&this, options).await?;
            }
            Some(Part::Soak(options)) => {
                conditions()?;
                return soak::run(&this, options).await;
            }
            Some(Part::Torture(options)) => {
                conditions()?;
                return torture::run(&this, options).await;
            }
            Some(Part::Webhooks(options)) => {
                conditions()?;
                webhooks::measure(&this, options).await?;
            }
            None => {
                conditions()?;
                accepts::measure(&this, cli.requests).await?;
                delivery::measure(&this).await?;
                sends::measure(&this, cli.messages).await?;
            }
        }
        Ok(ExitCode::SUCCESS)
    });
    outcome.unwrap_or_else(|error| failed(&error))
}

/// Says what the numbers below were measured on.
fn conditions() -> anyhow::Result<()> {
    let processors = std::thread::available_parallelism()?;
    let profile = if cfg!(debug_assertions) {
        "debug: not worth comparing"
    } else {
        "release"
    };
    println!(
        "{processors} processors, {profile} build, synchronous=FULL, load generator on the same machine\n"
    );
    Ok(())
}

fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("postern-bench: {error:#}");
    ExitCode::FAILURE
}
