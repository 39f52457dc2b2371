//! `postern webhooks replay`.

use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, sleep};

use super::find;
use crate::cli::ReplayEvents;
use crate::client::Client;
use crate::client::webhooks::Replay;
use crate::print::{print, printable};

/// How often the daemon is asked.
const POLL: Duration = Duration::from_millis(250);

pub(super) async fn run(client: &Client, flags: &ReplayEvents) -> anyhow::Result<()> {
    let webhook = find::webhook(client, &flags.webhook).await?;
    let mut which = json!({});
    if let Some(event) = flags.event {
        which["eventId"] = json!(event.to_string());
    }
    for (field, time) in [("from", &flags.from), ("until", &flags.until)] {
        if let Some(time) = time {
            which[field] = json!(time);
        }
    }
    if flags.failed {
        which["failed"] = json!(true);
    }
    let asked = client.replay(&webhook.id, &which).await?;
    let now = match flags.wait.limit() {
        Some(limit) => followed(client, &webhook.id, asked, limit).await?,
        None => asked,
    };
    let (id, status) = (printable(&now.id), printable(&now.status));
    Ok(print(&format!(
        "{id} is {status}: {} % looked through, {} events are sent again\n",
        now.progress, now.found
    ))?)
}

/// The replay when it is done, or as it is when `limit` has passed: it goes on without us.
async fn followed(
    client: &Client,
    webhook: &str,
    mut replay: Replay,
    limit: Duration,
) -> anyhow::Result<Replay> {
    let deadline = Instant::now() + limit;
    while replay.status == "running" && Instant::now() < deadline {
        sleep(POLL).await;
        replay = client.replay_of(webhook, &replay.id).await?;
    }
    Ok(replay)
}
