//! `postern send`: sends a message through a running daemon, or one to each row of a CSV file.
//!
//! A file is read whole and checked whole; then its rows go out in batches, each under an idempotency key that is the
//! same whenever the run is repeated. What an earlier run was answered for a batch, the next one is answered again, so a
//! run that was cut short anywhere is resumed by starting it again: nothing is written down on this side.

mod bulk;
mod keys;
mod lines;
mod progress;
mod single;
mod table;
mod template;

use crate::cli::SendCommand;
use crate::client::{Client, find};

/// Sends what the flags say through the daemon that they and `environment` name.
pub(crate) async fn command(flags: SendCommand, environment: &[(String, String)]) -> anyhow::Result<()> {
    // Mistakes in the file first: whether there is a daemon does not matter to them.
    let bulk = bulk::Bulk::read(&flags)?;
    let client = Client::new(&flags.daemon, environment)?;
    let device = find::device_or_only_one(&client, flags.device.as_deref()).await?;
    match bulk {
        Some(bulk) => bulk.send(&client, &device.id, &flags).await,
        None => single::send(&client, &device.id, &flags).await,
    }
}
