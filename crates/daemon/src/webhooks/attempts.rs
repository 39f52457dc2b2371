//! `postern webhooks attempts`.

use super::{find, read};
use crate::cli::ListAttempts;
use crate::client::Client;
use crate::client::webhooks::Tried;
use crate::print::{aligned, print};

const HEAD: [&str; 8] = ["AT", "EVENT", "TYPE", "TRY", "STATUS", "CODE", "MS", "NEXT TRY"];

pub(super) async fn run(client: &Client, flags: &ListAttempts) -> anyhow::Result<()> {
    let webhook = find::webhook(client, &flags.webhook).await?;
    let mut filter = String::new();
    if flags.failed {
        filter += "&status=failed";
    }
    if let Some(event) = flags.event {
        filter += &format!("&eventId={event}");
    }
    let attempts = client.attempts(&webhook.id, &filter, flags.limit).await?;
    if flags.json {
        let lines: String = attempts
            .iter()
            .map(|attempt| format!("{}\n", attempt.get()))
            .collect();
        return Ok(print(&lines)?);
    }
    let rows: Result<_, _> = attempts.iter().map(|attempt| read(attempt).map(row)).collect();
    print(&aligned(HEAD, rows?))?;
    if attempts.is_empty() {
        eprintln!(
            "Nothing was tried yet, or nothing that is so; send an example with `postern webhooks test`."
        );
    }
    Ok(())
}

fn row(tried: Tried) -> [String; 8] {
    let status = match tried.error {
        Some(error) => format!("{} ({error})", tried.status),
        None => tried.status,
    };
    [
        tried.at,
        tried.event_id,
        tried.kind.unwrap_or_default(),
        tried.number.map(|number| number.to_string()).unwrap_or_default(),
        status,
        tried.code.map(|code| code.to_string()).unwrap_or_default(),
        tried.duration_ms.to_string(),
        tried.next_try_at.unwrap_or_default(),
    ]
}
