//! `postern webhooks test`.

use postern_domain::webhook::AttemptFailure;

use super::{find, read};
use crate::cli::TestWebhook;
use crate::client::Client;
use crate::client::webhooks::Tried;
use crate::print::{print, printable};

pub(super) async fn run(client: &Client, flags: &TestWebhook) -> anyhow::Result<()> {
    let webhook = find::webhook(client, &flags.webhook).await?;
    let answer = client.test_webhook(&webhook.id, &flags.kind).await?;
    let tried: Tried = read(&answer)?;
    if flags.json {
        print(&format!("{}\n", answer.get()))?;
    }
    let called = find::called(&webhook);
    if tried.status != "succeeded" {
        anyhow::bail!("{called} {}", complaint(&tried));
    }
    if !flags.json {
        let code = tried.code.unwrap_or_default();
        print(&format!(
            "{called} took {} as {} in {} ms and answered {code}\n",
            flags.kind,
            printable(&tried.event_id),
            tried.duration_ms
        ))?;
    }
    Ok(())
}

/// What the endpoint did wrong, and what it said.
fn complaint(tried: &Tried) -> String {
    let name = tried.error.as_deref().unwrap_or("failed");
    let failure = AttemptFailure::ALL.iter().find(|failure| failure.name() == name);
    let meaning = failure.map_or(name, |failure| failure.meaning());
    let mut text = format!("failed after {} ms: {}", tried.duration_ms, printable(meaning));
    if let Some(code) = tried.code {
        text += &format!(" It answered {code}.");
    }
    if let Some(response) = &tried.response {
        text += &format!("\n{}", printable(response));
    }
    text
}
