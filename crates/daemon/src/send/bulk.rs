//! One message to each row of a CSV file, in batches that are safe to send again.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::keys::Run;
use super::progress::Progress;
use super::table::{Row, Table};
use crate::cli::SendCommand;
use crate::client::{Client, Failure, WrongUsage};
use crate::print::{print, printable};

/// A file whose every row can be sent.
pub(super) struct Bulk {
    table: Table,
    rows: usize,
    run: Run,
}

/// What the API answers, as far as it is told.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    batch_id: Option<String>,
}

/// What became of a run; printed with `--json`.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    rows: usize,
    /// Accepted, by this run or an earlier one.
    accepted: usize,
    /// Of these, by an earlier one.
    accepted_earlier: usize,
    dry_run: bool,
    batches: Vec<String>,
}

impl Bulk {
    /// Reads and checks the file that the flags name, if they name one.
    ///
    /// # Errors
    /// It cannot be read, or holds something that cannot be sent.
    pub(super) fn read(flags: &SendCommand) -> Result<Option<Self>, WrongUsage> {
        let (Some(path), Some(template)) = (&flags.csv, &flags.template) else {
            return Ok(None);
        };
        let table = Table::read(path, &flags.to_column, template)?;
        let rows = table.check();
        Ok(Some(Self {
            rows: rows.map_err(|why| WrongUsage(format!("{}: {why}", path.display())))?,
            run: match &flags.run {
                Some(name) => Run::named(name),
                None => Run::over(table.content()),
            },
            table,
        }))
    }

    /// Sends every row.
    ///
    /// # Errors
    /// A batch was not accepted; those before it were.
    pub(super) async fn send(
        &self,
        client: &Client,
        device: &str,
        flags: &SendCommand,
    ) -> anyhow::Result<()> {
        let mut progress = Progress::of(self.rows);
        let outcome = self.send_batches(client, device, flags, &mut progress).await;
        progress.clear();
        let summary = outcome?;
        if flags.json {
            return Ok(print(&format!("{}\n", serde_json::to_string(&summary)?))?);
        }
        Ok(print(&summary.in_words())?)
    }

    async fn send_batches(
        &self,
        client: &Client,
        device: &str,
        flags: &SendCommand,
        progress: &mut Progress,
    ) -> anyhow::Result<Summary> {
        let mut summary = Summary {
            rows: self.rows,
            dry_run: flags.dry_run,
            ..Summary::default()
        };
        let mut rows = self.table.rows().filter_map(Result::ok).peekable();
        while rows.peek().is_some() {
            let batch: Vec<_> = rows.by_ref().take(flags.batch_size).collect();
            let key = self.run.key(summary.accepted + 1);
            let accepted = client
                .accept("/v1/messages/batch", &key, &body(device, &batch, flags))
                .await;
            let accepted = accepted.map_err(|failure| refused(&failure, &batch, summary.accepted))?;
            let Answer { batch_id } = serde_json::from_str(accepted.answer.get())?;
            let batch_id = batch_id.map(|id| printable(&id));
            summary.accepted += batch.len();
            if accepted.replayed {
                summary.accepted_earlier += batch.len();
            }
            progress.add(
                batch.len(),
                &what_happened(batch_id.as_deref(), accepted.replayed),
            );
            summary.batches.extend(batch_id);
        }
        Ok(summary)
    }
}

fn body(device: &str, rows: &[Row], flags: &SendCommand) -> Value {
    let message = |row: &Row| json!({ "to": row.to, "type": "text", "text": { "body": row.text } });
    json!({
        "deviceId": device,
        "messages": rows.iter().map(message).collect::<Vec<_>>(),
        "ifDisconnected": if flags.queue { "queue" } else { "reject" },
        "dryRun": flags.dry_run,
    })
}

fn what_happened(batch: Option<&str>, replayed: bool) -> String {
    match batch {
        Some(batch) if replayed => format!("{batch} was accepted by an earlier run"),
        Some(batch) => format!("{batch} is accepted"),
        None => "would be accepted".to_owned(),
    }
}

/// Says which rows are meant, by their lines, and what to do.
fn refused(failure: &Failure, batch: &[Row], accepted: usize) -> anyhow::Error {
    let lines = match batch {
        [only] => format!("line {}", only.line),
        [first, .., last] => format!("lines {} to {}", first.line, last.line),
        [] => "no lines".to_owned(),
    };
    if failure.is_conflict() {
        return anyhow::anyhow!(
            "{lines}: this run has sent other messages from here on: other rows, or with another template, device, batch \
             size or --queue. Repeat it as it was to resume it, or give it another --run to send everything anew"
        );
    }
    let why = in_lines(&failure.to_string(), batch);
    anyhow::anyhow!(
        "{lines}: {why}\n{accepted} rows before them are accepted; the same command again goes on from there"
    )
}

/// A message of the API with `messages[3]` replaced by the line it came from.
fn in_lines(message: &str, batch: &[Row]) -> String {
    let (mut text, mut rest) = (String::new(), message);
    while let Some((before, after)) = rest.split_once("messages[") {
        text.push_str(before);
        let index = after
            .split_once(']')
            .and_then(|(index, _)| index.parse::<usize>().ok());
        match (index.and_then(|index| batch.get(index)), after.split_once(']')) {
            (Some(row), Some((_, after))) => {
                text += &format!("line {}", row.line);
                rest = after;
            }
            _ => {
                text += "messages[";
                rest = after;
            }
        }
    }
    text + rest
}

impl Summary {
    fn in_words(&self) -> String {
        let rows = match self.rows {
            1 => "1 message".to_owned(),
            rows => format!("{rows} messages"),
        };
        if self.dry_run {
            return format!("{rows} would be accepted; nothing was sent\n");
        }
        let batches = match self.batches.len() {
            1 => "1 batch".to_owned(),
            batches => format!("{batches} batches"),
        };
        let mut text = format!("{rows} accepted in {batches}");
        if self.accepted_earlier > 0 {
            text += &format!(", {} of them by an earlier run", self.accepted_earlier);
        }
        if let [only] = self.batches.as_slice() {
            text += &format!(": {only}");
        }
        text + "\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(lines: &[u64]) -> Vec<Row> {
        let row = |line: &u64| Row {
            line: *line,
            to: "+15551234567".to_owned(),
            text: "hi".to_owned(),
        };
        lines.iter().map(row).collect()
    }

    #[test]
    fn what_the_api_says_of_messages_is_said_of_lines() {
        let batch = rows(&[12, 14, 15]);
        for (said, expected) in [
            ("messages[1].to: no", "line 14.to: no"),
            (
                "2 fields\n  messages[0].to: a\n  messages[2].to: b",
                "2 fields\n  line 12.to: a\n  line 15.to: b",
            ),
            (
                "messages: has 3 messages; 2 are the most",
                "messages: has 3 messages; 2 are the most",
            ),
            (
                "messages[7].to messages[x] messages[",
                "messages[7].to messages[x] messages[",
            ),
        ] {
            assert_eq!(in_lines(said, &batch), expected);
        }
    }

    #[test]
    fn a_summary_counts_what_earlier_runs_did() {
        let summary = |earlier, batches: &[&str]| {
            let summary = Summary {
                rows: 400,
                accepted: 400,
                accepted_earlier: earlier,
                dry_run: batches.is_empty(),
                batches: batches.iter().map(|&batch| batch.to_owned()).collect(),
            };
            summary.in_words()
        };
        assert_eq!(
            summary(0, &["bat_1"]),
            "400 messages accepted in 1 batch: bat_1\n"
        );
        assert_eq!(
            summary(200, &["bat_1", "bat_2"]),
            "400 messages accepted in 2 batches, 200 of them by an earlier run\n"
        );
        assert_eq!(
            summary(0, &[]),
            "400 messages would be accepted; nothing was sent\n"
        );
    }
}
