//! `postern device remove`.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::advice::called;
use crate::cli::RemoveDevice;
use crate::client::Client;
use crate::client::find;
use crate::client::model::Device;
use crate::print::{confirm, print};

/// How often the daemon is asked.
const POLL: Duration = Duration::from_millis(250);

pub(super) async fn run(client: &Client, flags: &RemoveDevice) -> anyhow::Result<()> {
    let device = find::device(client, &flags.device).await?;
    if !flags.yes {
        confirm(
            &question(&device, flags.purge),
            "nobody can be asked whether to remove the device; add --yes",
        )?;
    }
    client.remove(&device.id, flags.purge).await?;
    if let Some(limit) = flags.wait.limit() {
        gone(client, &device, limit).await?;
    }
    Ok(print(&format!("{} is removed\n", called(&device)))?)
}

fn question(device: &Device, purge: bool) -> String {
    let erased = if purge {
        "its keys, messages and events are erased"
    } else {
        "its keys are erased"
    };
    format!(
        "Remove {}? It is unlinked from its account and {erased}.",
        called(device)
    )
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
