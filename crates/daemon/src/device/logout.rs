//! `postern device logout`.

use super::follow::{Progress, follow};
use crate::cli::MoveDevice;
use crate::client::Client;
use crate::client::find;

pub(super) async fn run(client: &Client, flags: &MoveDevice) -> anyhow::Result<()> {
    let device = find::device(client, &flags.device).await?;
    let asked = client.ask(&device.id, "logout").await?;
    follow(client, asked, flags.wait, |device| {
        if device.has_no_link() {
            Progress::Done
        } else {
            Progress::UnderWay
        }
    })
    .await
}
