//! `postern webhooks enable` and `postern webhooks disable`.

use serde_json::json;

use super::find;
use super::list::state;
use crate::cli::MoveWebhook;
use crate::client::Client;
use crate::print::{print, printable};

pub(super) async fn run(client: &Client, flags: &MoveWebhook, enabled: bool) -> anyhow::Result<()> {
    let webhook = find::webhook(client, &flags.webhook).await?;
    let changed = client
        .change_webhook(&webhook.id, &json!({ "enabled": enabled }))
        .await?;
    let state = printable(&state(&changed));
    Ok(print(&format!("{} is {state}\n", find::called(&changed)))?)
}
