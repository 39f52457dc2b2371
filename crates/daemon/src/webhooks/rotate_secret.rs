//! `postern webhooks rotate-secret`.

use super::find;
use crate::cli::RotateSecret;
use crate::client::Client;
use crate::print::{print, printable};

pub(super) async fn run(client: &Client, flags: &RotateSecret) -> anyhow::Result<()> {
    let webhook = find::webhook(client, &flags.webhook).await?;
    let rotated = client.rotate_secret(&webhook.id, flags.overlap_hours).await?;
    print(&format!("{}\n", printable(&rotated.secret)))?;
    match rotated.previous_secret_until {
        Some(until) => eprintln!(
            "Store it now, it is not shown again. The old one signs as well until {}.",
            printable(&until)
        ),
        None => eprintln!("Store it now, it is not shown again. The old one signs no more."),
    }
    Ok(())
}
