//! `postern device resume`.

use postern_domain::DeviceState;

use super::follow::{Progress, follow};
use crate::cli::MoveDevice;
use crate::client::Client;
use crate::client::find;
use crate::client::model::Device;

pub(super) async fn run(client: &Client, flags: &MoveDevice) -> anyhow::Result<()> {
    let before = find::device(client, &flags.device).await?;
    let asked = client.ask(&before.id, "resume").await?;
    follow(client, asked, flags.wait, |device| judge(device, &before)).await
}

/// A device that ended before may be about to leave that state; one that ended since then is not.
pub(super) fn judge(device: &Device, before: &Device) -> Progress {
    if device.is(DeviceState::Connected) {
        Progress::Done
    } else if device.has_no_link() || (device.is(DeviceState::Disconnected) && !device.is_still(before)) {
        Progress::Stuck
    } else {
        Progress::UnderWay
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_new_ending_is_an_ending() {
        let before = Device::seen("disconnected", "stopped", "1");
        for (now, progress) in [
            (Device::seen("disconnected", "stopped", "1"), Progress::UnderWay),
            (Device::seen("degraded", "connecting", "2"), Progress::UnderWay),
            (Device::seen("connected", "healthy", "3"), Progress::Done),
            (
                Device::seen("disconnected", "temporary_ban", "3"),
                Progress::Stuck,
            ),
            (Device::seen("disconnected", "stopped", "4"), Progress::Stuck),
            (Device::seen("unlinked", "logged_out", "3"), Progress::Stuck),
            (Device::seen("disconnected", "logged_out", "3"), Progress::Stuck),
        ] {
            assert_eq!(judge(&now, &before), progress, "{now:?}");
        }
    }
}
