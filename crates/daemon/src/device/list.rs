//! `postern device list`.

use postern_runtime::{Clock as _, SystemClock};

use super::client::Client;
use super::table::table;
use crate::cli::ListDevices;
use crate::print::print;

pub(super) async fn run(client: &Client, flags: &ListDevices) -> anyhow::Result<()> {
    if flags.json {
        let devices = client.devices_json().await?;
        let devices: Vec<_> = devices.iter().map(|device| device.get()).collect();
        let text = format!("{{\"data\":[\n{}\n],\"nextCursor\":null}}\n", devices.join(",\n"));
        return Ok(print(&text)?);
    }
    let devices = client.devices().await?;
    print(&table(&devices, SystemClock.now()))?;
    if devices.is_empty() {
        eprintln!("There is no device yet; create and link one with `postern device add NAME --pair`.");
    }
    Ok(())
}
