//! One message.

use serde::Deserialize;
use serde_json::json;

use crate::cli::SendCommand;
use crate::client::Client;
use crate::print::{print, printable};

/// What the API answers, as far as it is told.
#[derive(Deserialize)]
struct Answer {
    id: Option<String>,
    status: String,
    to: String,
}

/// Sends the message that the flags describe.
///
/// # Errors
/// It was not accepted.
pub(super) async fn send(client: &Client, device: &str, flags: &SendCommand) -> anyhow::Result<()> {
    let to = flags.to.as_ref().map(ToString::to_string);
    let body = json!({
        "deviceId": device, "to": to, "type": "text", "text": { "body": flags.text },
        "ifDisconnected": if flags.queue { "queue" } else { "reject" }, "dryRun": flags.dry_run,
    });
    // Without a key of the caller's own, one that makes it safe to ask again when no answer comes.
    let key = flags.key.clone();
    let key = key.unwrap_or_else(|| format!("postern-send:{}", hex::encode(rand::random::<[u8; 16]>())));
    let accepted = client.accept("/v1/messages", &key, &body).await?;
    if flags.json {
        return Ok(print(&format!("{}\n", accepted.answer))?);
    }
    let Answer { id, status, to } = serde_json::from_str(accepted.answer.get())?;
    let (status, to) = (printable(&status), printable(&to));
    let said = match id {
        Some(id) if accepted.replayed => format!("{} was accepted before for {to}\n", printable(&id)),
        Some(id) => format!("{} is {status} for {to}\n", printable(&id)),
        None => format!("a message for {to} would be accepted\n"),
    };
    Ok(print(&said)?)
}
