//! `postern webhooks remove`.

use super::find;
use crate::cli::RemoveWebhook;
use crate::client::Client;
use crate::print::{confirm, print};

pub(super) async fn run(client: &Client, flags: &RemoveWebhook) -> anyhow::Result<()> {
    let webhook = find::webhook(client, &flags.webhook).await?;
    let called = find::called(&webhook);
    if !flags.yes {
        confirm(
            &format!("Remove {called}? What is known of its deliveries goes with it."),
            "nobody can be asked whether to remove the endpoint; add --yes",
        )?;
    }
    client.remove_webhook(&webhook.id).await?;
    Ok(print(&format!("{called} is removed\n"))?)
}
