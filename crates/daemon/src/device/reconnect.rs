//! `postern device reconnect`.

use super::follow::{Progress, follow};
use super::resume;
use crate::cli::MoveDevice;
use crate::client::Client;
use crate::client::find;

pub(super) async fn run(client: &Client, flags: &MoveDevice) -> anyhow::Result<()> {
    let before = find::device(client, &flags.device).await?;
    let asked = client.ask(&before.id, "reconnect").await?;
    follow(client, asked, flags.wait, |device| {
        // What it was before says nothing of the connection that was asked for.
        if device.is_still(&before) {
            Progress::UnderWay
        } else {
            resume::judge(device, &before)
        }
    })
    .await
}
