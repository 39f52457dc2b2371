//! From what stands on the command line to the device it names.

use postern_domain::DeviceId;

use super::Client;
use super::model::Device;

/// The device with this id, or the only one with this name.
///
/// # Errors
/// There is none, there are several, or the daemon cannot be asked.
pub(crate) async fn device(client: &Client, named: &str) -> anyhow::Result<Device> {
    if named.parse::<DeviceId>().is_ok() {
        let device = client.device(named).await?;
        return device.ok_or_else(|| anyhow::anyhow!("there is no device {named} in this workspace"));
    }
    only_one(client.devices().await?, named)
}

/// The device that is `named`, or the only one there is when none is.
///
/// # Errors
/// There is none, there are several, or the daemon cannot be asked.
pub(crate) async fn device_or_only_one(client: &Client, named: Option<&str>) -> anyhow::Result<Device> {
    if let Some(named) = named {
        return device(client, named).await;
    }
    let mut devices = client.devices().await?;
    anyhow::ensure!(
        devices.len() < 2,
        "there are {} devices; say with --device which one sends (`postern device list` shows them)",
        devices.len()
    );
    let only = devices.pop();
    only.ok_or_else(|| anyhow::anyhow!("there is no device; link one with `postern device add NAME --pair`"))
}

fn only_one(devices: Vec<Device>, name: &str) -> anyhow::Result<Device> {
    let mut so_called: Vec<Device> = devices.into_iter().filter(|device| device.name == name).collect();
    anyhow::ensure!(
        so_called.len() < 2,
        "{} devices are called \"{name}\"; name one by its id: {}",
        so_called.len(),
        so_called
            .iter()
            .map(|device| device.id.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    );
    so_called.pop().ok_or_else(|| {
        anyhow::anyhow!("no device is called \"{name}\"; `postern device list` shows those that exist")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(id: &str, name: &str) -> Device {
        let mut device = Device::seen("unlinked", "new", "").named(name);
        id.clone_into(&mut device.id);
        device
    }

    #[test]
    fn a_name_names_a_device_when_no_other_has_it() {
        let devices = [device("dev_1", "sales"), device("dev_2", "support")];
        assert_eq!(only_one(devices.to_vec(), "support").expect("found").id, "dev_2");
        let error = only_one(devices.to_vec(), "Support").expect_err("case matters");
        assert!(error.to_string().contains("postern device list"));
    }

    #[test]
    fn a_name_of_several_is_answered_with_their_ids() {
        let devices = vec![device("dev_1", "test"), device("dev_2", "test")];
        let error = only_one(devices, "test").expect_err("two").to_string();
        assert!(error.contains("dev_1, dev_2"), "{error}");
    }
}
