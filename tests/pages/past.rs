//! What a daemon has to show that has been in use for a while.

use std::time::Duration;

use anyhow::Context as _;
use postern_runtime::{Clock as _, SystemClock};
use postern_testkit::{TestDaemon, TestSandbox};
use serde_json::{Value, json};

use crate::{CONTACT, OWNER};

/// Links a device and sends from it; answers how pages write what came of it, and what it is.
pub(super) async fn of(
    daemon: &TestDaemon,
    network: &TestSandbox,
) -> anyhow::Result<Vec<(&'static str, String)>> {
    let http = daemon.http();
    let id = |answer: Value| answer["id"].as_str().map(str::to_owned).context("an id");
    let device = id(http
        .post("/v1/devices", &json!({ "name": "support" }))
        .await?
        .ok()?)?;
    daemon.pair(network, &device, OWNER).await?;
    let sent = daemon.send_text(&device, CONTACT, "Your invoice 2026").await?;
    daemon.message_reaches(&sent, "read").await?;
    let later = SystemClock
        .now()
        .after(Duration::from_hours(10 * 24))
        .to_rfc3339();
    let day = later.split('T').next().context("a day")?.to_owned();
    let waiting = json!({
        "deviceId": device, "to": CONTACT, "type": "text", "text": { "body": "later" }, "sendAt": later,
    });
    let waiting = id(http.post("/v1/messages", &waiting).await?.ok()?)?;
    let batch = json!({ "to": CONTACT, "type": "text", "text": { "body": "one" } });
    let batch = json!({ "deviceId": device, "messages": [batch] });
    let batch = http.post("/v1/messages/batch", &batch).await?.ok()?;
    let events = http.get("/v1/events?type=message.read&limit=1").await?.ok()?;
    let event = events["data"][0]["id"].as_str().context("an event")?.to_owned();
    let workspace = id(http.get("/v1/workspace").await?.ok()?)?;
    Ok(vec![
        ("dev_…", device),
        ("msg_…", waiting),
        ("bat_…", batch["batchId"].as_str().context("a batch")?.to_owned()),
        ("evt_…", event.clone()),
        ("evt_01KBC31ZM0000000000000000A", event),
        ("ws_…", workspace),
        ("sk_live_…", daemon.key().to_owned()),
        ("2026-12-01", day),
    ])
}
