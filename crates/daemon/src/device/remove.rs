//! `postern device remove`.

use std::io::IsTerminal as _;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::advice::called;
use super::client::Client;
use super::failure::WrongUsage;
use super::find;
use super::model::Device;
use crate::cli::RemoveDevice;
use crate::print::print;

/// How often the daemon is asked.
const POLL: Duration = Duration::from_millis(250);

pub(super) async fn run(client: &Client, flags: &RemoveDevice) -> anyhow::Result<()> {
    let device = find::device(client, &flags.device).await?;
    if !flags.yes {
        confirm(&device, flags.purge)?;
    }
    client.remove(&device.id, flags.purge).await?;
    if let Some(limit) = flags.wait.limit() {
        gone(client, &device, limit).await?;
    }
    Ok(print(&format!("{} is removed\n", called(&device)))?)
}

/// # Errors
/// The answer is no, or nobody can be asked.
fn confirm(device: &Device, purge: bool) -> anyhow::Result<()> {
    if !std::io::stdin().is_terminal() {
        let refusal = "nobody can be asked whether to remove the device; add --yes".to_owned();
        return Err(WrongUsage(refusal).into());
    }
    let erased = if purge {
        "its keys, messages and events are erased"
    } else {
        "its keys are erased"
    };
    eprint!(
        "Remove {}? It is unlinked from its account and {erased}. [y/N] ",
        called(device)
    );
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    anyhow::ensure!(matches!(answer.trim(), "y" | "Y" | "yes"), "nothing was removed");
    Ok(())
}

async fn gone(client: &Client, device: &Device, limit: Duration) -> anyhow::Result<()> {
    let deadline = Instant::now() + limit;
    while client.device(&device.id).await?.is_some() {
        anyhow::ensure!(
            Instant::now() < deadline,
            "{} is still there after {} s; look at the daemon's log",
            called(device),
            limit.as_secs()
        );
        sleep(POLL).await;
    }
    Ok(())
}
