//! `postern webhooks list`.

use postern_domain::Timestamp;
use postern_runtime::{Clock as _, SystemClock};

use super::find;
use crate::cli::ListWebhooks;
use crate::client::Client;
use crate::client::webhooks::Webhook;
use crate::print::{ago, aligned, print};

const HEAD: [&str; 6] = ["ID", "STATE", "LAST SUCCESS", "WAITING", "PARKED", "URL"];

pub(super) async fn run(client: &Client, flags: &ListWebhooks) -> anyhow::Result<()> {
    if flags.json {
        let webhooks = client.webhooks_json().await?;
        let webhooks: Vec<_> = webhooks.iter().map(|webhook| webhook.get()).collect();
        let text = format!(
            "{{\"data\":[\n{}\n],\"nextCursor\":null}}\n",
            webhooks.join(",\n")
        );
        return Ok(print(&text)?);
    }
    let webhooks = find::all(client).await?;
    let now = SystemClock.now();
    let rows = webhooks.iter().map(|webhook| row(webhook, now)).collect();
    print(&aligned(HEAD, rows))?;
    if webhooks.is_empty() {
        eprintln!("There is no endpoint yet; register one with `postern webhooks add URL`.");
    }
    Ok(())
}

fn row(webhook: &Webhook, now: Timestamp) -> [String; 6] {
    let success = webhook.health.last_success_at.as_ref();
    [
        webhook.id.clone(),
        state(webhook),
        success.map(|time| ago(time, now)).unwrap_or_default(),
        webhook.health.waiting.to_string(),
        webhook.health.parked.to_string(),
        webhook.url.clone(),
    ]
}

/// In a word or two: `enabled`, `failing`, `disabled (gone)`.
pub(super) fn state(webhook: &Webhook) -> String {
    match &webhook.disabled {
        Some(disabled) => format!("disabled ({})", disabled.reason),
        None if webhook.health.failing_since.is_some() => "failing".to_owned(),
        None => "enabled".to_owned(),
    }
}
