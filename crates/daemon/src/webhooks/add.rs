//! `postern webhooks add`.

use serde_json::{Map, Value, json};

use super::read;
use crate::cli::AddWebhook;
use crate::client::Client;
use crate::client::find;
use crate::client::webhooks::Secret;
use crate::print::{print, printable};

pub(super) async fn run(client: &Client, flags: AddWebhook) -> anyhow::Result<()> {
    let json = flags.json;
    let created = client.add_webhook(&settings(client, flags).await?).await?;
    if json {
        return Ok(print(&format!("{}\n", created.get()))?);
    }
    let created: Secret = read(&created)?;
    let id = printable(created.id.as_deref().unwrap_or_default());
    print(&format!("id      {id}\nsecret  {}\n", printable(&created.secret)))?;
    eprintln!(
        "Store the secret now, it is not shown again. Try the endpoint with: postern webhooks test {id}"
    );
    Ok(())
}

/// What is asked for, without what was not said.
async fn settings(client: &Client, flags: AddWebhook) -> anyhow::Result<Value> {
    let mut devices = Vec::new();
    for named in &flags.devices {
        devices.push(find::device(client, named).await?.id);
    }
    let headers = flags.headers.into_iter();
    let headers: Map<_, _> = headers
        .map(|(name, value)| (name, Value::String(value)))
        .collect();
    let mut settings = json!({ "url": flags.target });
    for (field, value, said) in [
        ("eventTypes", json!(flags.types), !flags.types.is_empty()),
        ("deviceIds", json!(devices), !devices.is_empty()),
        ("headers", json!(headers), !headers.is_empty()),
        (
            "description",
            json!(flags.description),
            flags.description.is_some(),
        ),
        ("rateCap", json!(flags.rate_cap), flags.rate_cap.is_some()),
        ("ordered", json!(true), flags.ordered),
        ("skipVerification", json!(true), flags.skip_verification),
    ] {
        if said {
            settings[field] = value;
        }
    }
    Ok(settings)
}
