//! `postern device pause`.

use postern_domain::DeviceReason;

use super::follow::{Progress, follow};
use crate::cli::MoveDevice;
use crate::client::Client;
use crate::client::find;
use crate::client::model::Device;

pub(super) async fn run(client: &Client, flags: &MoveDevice) -> anyhow::Result<()> {
    let device = find::device(client, &flags.device).await?;
    let asked = client.ask(&device.id, "pause").await?;
    follow(client, asked, flags.wait, judge).await
}

/// A device without a link is offline anyway.
fn judge(device: &Device) -> Progress {
    if device.is_because(DeviceReason::Stopped) || device.has_no_link() {
        Progress::Done
    } else {
        Progress::UnderWay
    }
}
