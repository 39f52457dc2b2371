//! `postern device …` as an operator uses it: the built command against a running daemon.

pub(crate) mod code;
mod refusals;
mod used_up;
mod verbs;

use std::process::{Output, Stdio};

use anyhow::Context as _;
use postern_testkit::{DEADLINE, TestDaemon};
use tokio::process::Command;

use crate::postern;

/// `postern device` with these arguments, for this daemon.
fn device_command(daemon: &TestDaemon, arguments: &[&str]) -> Command {
    command_at(daemon.http().base(), daemon.key(), arguments)
}

/// `postern device` with these arguments, for the daemon at `url`.
fn command_at(url: &str, key: &str, arguments: &[&str]) -> Command {
    let mut command = postern().command(&["device"]);
    command.args(arguments).stdin(Stdio::null());
    command.env("POSTERN_URL", url).env("POSTERN_API_KEY", key);
    command
}

/// What it said and how it ended.
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

async fn run(mut command: Command) -> anyhow::Result<Said> {
    let ended = tokio::time::timeout(DEADLINE, command.output()).await;
    said(ended.context("it does not end")??)
}

fn said(output: Output) -> anyhow::Result<Said> {
    Ok(Said {
        code: output.status.code(),
        out: String::from_utf8(output.stdout)?,
        err: String::from_utf8(output.stderr)?,
    })
}

/// Runs a command that must succeed; answers what went to standard output.
pub(crate) async fn done(daemon: &TestDaemon, arguments: &[&str]) -> anyhow::Result<String> {
    let said = run(device_command(daemon, arguments)).await?;
    anyhow::ensure!(
        said.code == Some(0),
        "{arguments:?}: {:?}: {}",
        said.code,
        said.err
    );
    Ok(said.out)
}

/// Runs a command that must fail with `code`; answers what went to standard error.
async fn refused(daemon: &TestDaemon, arguments: &[&str], code: i32) -> anyhow::Result<String> {
    let said = run(device_command(daemon, arguments)).await?;
    anyhow::ensure!(
        said.code == Some(code),
        "{arguments:?}: {:?}: {}",
        said.code,
        said.out
    );
    Ok(said.err)
}
