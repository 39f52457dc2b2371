//! Follows a device until what was asked for has happened: the API only stores the wish.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::advice::{command, sentence, way_out};
use super::client::Client;
use super::model::Device;
use crate::cli::Wait;
use crate::print::print;

/// How often the daemon is asked.
const POLL: Duration = Duration::from_millis(250);

/// How far a device has come.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// It is not there yet.
    UnderWay,
    /// It is there.
    Done,
    /// It will not come there by itself.
    Stuck,
}

/// Follows the device that was asked for something, and prints what it is in the end.
///
/// # Errors
/// It got stuck, is not there in time, was removed, or the daemon cannot be asked.
pub(super) async fn follow(
    client: &Client,
    mut device: Device,
    wait: Wait,
    judge: impl Fn(&Device) -> Progress,
) -> anyhow::Result<()> {
    let Some(limit) = wait.limit() else {
        eprintln!("Asked for; the state follows.");
        return Ok(print(&format!("{}\n", sentence(&device)))?);
    };
    let deadline = Instant::now() + limit;
    loop {
        match judge(&device) {
            Progress::Done => return Ok(print(&format!("{}\n", sentence(&device)))?),
            Progress::Stuck => anyhow::bail!("{}. {}", sentence(&device), way_out(&device)),
            Progress::UnderWay => {}
        }
        anyhow::ensure!(
            Instant::now() < deadline,
            "after {} s, {}; look again with {}",
            limit.as_secs(),
            sentence(&device),
            command("show", &device)
        );
        sleep(POLL).await;
        let now = client.device(&device.id).await?;
        device = now.ok_or_else(|| anyhow::anyhow!("the device was removed meanwhile"))?;
    }
}
