//! `postern device add`.

use super::client::Client;
use super::pair;
use crate::cli::AddDevice;
use crate::print::print;

pub(super) async fn run(client: &Client, flags: AddDevice) -> anyhow::Result<()> {
    let device = client.create(flags.name.as_deref().unwrap_or_default()).await?;
    print(&format!("{}\n", device.id))?;
    if flags.pair {
        return pair::link(client, device, flags.code, flags.again).await;
    }
    eprintln!("Link it with: postern device pair {}", device.id);
    Ok(())
}
