//! `postern messages …`: what became of messages, and what can still be done about them, over the REST API.
//!
//! Messages stay JSON as the API writes it; a table reads from it what it shows, so that a newer daemon's can be shown, too.

use postern_domain::{MessageId, Timestamp};
use postern_runtime::{Clock as _, SystemClock};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::cli::{ListMessages, MessagesCommand, MessagesVerb, NamedMessages};
use crate::client::{Client, find};
use crate::print::{ago, aligned, print, printable};

const HEAD: [&str; 6] = ["ID", "STATUS", "WITH", "ATTEMPTS", "CHANGED", "WHY"];

/// A message as far as it is shown.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    id: String,
    device_id: String,
    direction: String,
    status: String,
    chat: String,
    stanza_id: String,
    client_reference: Option<String>,
    scheduled_for: Option<String>,
    reason: Option<String>,
    parked: Option<Parked>,
    error: Option<Problem>,
    attempts: u32,
    created_at: String,
    updated_at: String,
    #[serde(default)]
    timeline: Vec<Step>,
}

#[derive(Deserialize)]
struct Parked {
    reason: String,
}

#[derive(Deserialize)]
struct Problem {
    code: String,
    message: String,
}

#[derive(Deserialize)]
struct Step {
    status: String,
    at: String,
    detail: Option<String>,
}

/// Runs one verb of `postern messages`.
pub(crate) async fn command(flags: MessagesCommand, environment: &[(String, String)]) -> anyhow::Result<()> {
    let client = Client::new(&flags.daemon, environment)?;
    match flags.verb {
        MessagesVerb::List(flags) => list(&client, flags).await,
        MessagesVerb::Show { message, json } => show(&client, message, json).await,
        MessagesVerb::Retry(named) => ask(&client, "retry", &named).await,
        MessagesVerb::Cancel(named) => ask(&client, "cancel", &named).await,
    }
}

async fn list(client: &Client, flags: ListMessages) -> anyhow::Result<()> {
    let device = match &flags.device {
        Some(named) => Some(find::device(client, named).await?.id),
        None => None,
    };
    let filter = [
        ("status", flags.status),
        ("deviceId", device),
        ("batchId", flags.batch.map(|id| id.to_string())),
        ("to", flags.to),
        ("parked", flags.parked.then(|| "true".to_owned())),
    ];
    let filter: Vec<_> = filter
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect();
    let messages = client.messages(&filter, flags.limit).await?;
    print_all(&messages, flags.json)
}

async fn show(client: &Client, id: MessageId, json: bool) -> anyhow::Result<()> {
    let answer = client.message(&id.to_string()).await?;
    if json {
        return Ok(print(&format!("{}\n", answer.get()))?);
    }
    let message = serde_json::from_str(answer.get())?;
    Ok(print(&lines(&message, SystemClock.now()))?)
}

/// One after the other; what was done before one is refused stays done, and is shown.
async fn ask(client: &Client, verb: &str, named: &NamedMessages) -> anyhow::Result<()> {
    let mut moved = Vec::with_capacity(named.messages.len());
    let mut refused = None;
    for id in &named.messages {
        match client.ask_of_message(&id.to_string(), verb).await {
            Ok(message) => moved.push(message),
            Err(failure) => {
                refused = Some(anyhow::Error::new(failure).context(format!("{id} was left alone")));
                break;
            }
        }
    }
    if !moved.is_empty() {
        print_all(&moved, named.json)?;
    }
    refused.map_or(Ok(()), Err)
}

fn print_all(messages: &[Box<RawValue>], json: bool) -> anyhow::Result<()> {
    if json {
        let lines: String = messages
            .iter()
            .map(|message| format!("{}\n", message.get()))
            .collect();
        return Ok(print(&lines)?);
    }
    let messages: Vec<Message> = messages
        .iter()
        .map(|message| serde_json::from_str(message.get()))
        .collect::<Result<_, _>>()?;
    Ok(print(&table(&messages, SystemClock.now()))?)
}

fn table(messages: &[Message], now: Timestamp) -> String {
    let rows = messages.iter().map(|message| {
        [
            message.id.clone(),
            message.status.clone(),
            message.chat.clone(),
            message.attempts.to_string(),
            ago(&message.updated_at, now),
            why(message).unwrap_or_default(),
        ]
    });
    aligned(HEAD, rows.collect())
}

/// Why it failed or does not move.
fn why(message: &Message) -> Option<String> {
    let failed = message.error.as_ref().map(|error| error.code.clone());
    let parked = message
        .parked
        .as_ref()
        .map(|parked| format!("parked: {}", parked.reason));
    failed.or(parked).or_else(|| message.reason.clone())
}

fn lines(message: &Message, now: Timestamp) -> String {
    let when = |time: &String| format!("{time}, {}", ago(time, now));
    let error = message.error.as_ref();
    let known = [
        ("id", Some(message.id.clone())),
        (
            "status",
            Some(format!("{} ({})", message.status, message.direction)),
        ),
        ("with", Some(message.chat.clone())),
        ("device", Some(message.device_id.clone())),
        ("stanza id", Some(message.stanza_id.clone())),
        ("reference", message.client_reference.clone()),
        ("scheduled for", message.scheduled_for.clone()),
        (
            "why",
            error
                .map(|error| format!("{}: {}", error.code, error.message))
                .or_else(|| why(message)),
        ),
        ("attempts", Some(message.attempts.to_string())),
        ("created", Some(when(&message.created_at))),
        ("changed", Some(when(&message.updated_at))),
    ];
    let known = known
        .into_iter()
        .filter_map(|(title, value)| Some(format!("{title:15}{}\n", printable(&value?))));
    let steps = message.timeline.iter().map(|step| {
        let detail = step.detail.as_deref().unwrap_or_default();
        let line = format!("  {}  {:12}{}", step.at, step.status, printable(detail));
        format!("{}\n", line.trim_end())
    });
    known.chain(steps).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAILED: &str = r#"{"id":"msg_1","deviceId":"dev_1","direction":"outbound","status":"failed",
        "chat":"+15551234567","stanzaId":"3EB0","clientReference":null,"scheduledFor":null,"reason":null,
        "parked":null,"error":{"code":"EXPIRED","message":"too old"},"attempts":3,
        "createdAt":"2026-12-01T11:00:00.000Z","updatedAt":"2026-12-01T11:59:00.000Z","text":{"body":"secret"},
        "timeline":[{"status":"queued","at":"2026-12-01T11:00:00.000Z","detail":null},
                    {"status":"failed","at":"2026-12-01T11:59:00.000Z","detail":"EXP\u001bIRED"}]}"#;

    fn now() -> Timestamp {
        Timestamp::from_rfc3339("2026-12-01T12:00:00Z").expect("a time")
    }

    #[test]
    fn a_table_says_why_and_shows_no_text() {
        let message: Message = serde_json::from_str(FAILED).expect("a message");
        let expected = "\
ID     STATUS  WITH          ATTEMPTS  CHANGED    WHY
msg_1  failed  +15551234567  3         1 min ago  EXPIRED
";
        assert_eq!(table(&[message], now()), expected);
    }

    #[test]
    fn one_message_is_shown_with_its_steps() {
        let message: Message = serde_json::from_str(FAILED).expect("a message");
        let expected = "\
id             msg_1
status         failed (outbound)
with           +15551234567
device         dev_1
stanza id      3EB0
why            EXPIRED: too old
attempts       3
created        2026-12-01T11:00:00.000Z, 1 h ago
changed        2026-12-01T11:59:00.000Z, 1 min ago
  2026-12-01T11:00:00.000Z  queued
  2026-12-01T11:59:00.000Z  failed      EXP\u{fffd}IRED
";
        assert_eq!(lines(&message, now()), expected);
    }
}
