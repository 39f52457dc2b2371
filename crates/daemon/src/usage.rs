//! `postern usage`: how much of its plan a workspace uses, over the REST API.

use serde::Deserialize;

use crate::cli::UsageCommand;
use crate::client::Client;
use crate::print::{aligned, print};

/// What the API says, as far as the table shows it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Usage {
    period: String,
    resets_at: String,
    messages: Use,
    devices: Use,
}

#[derive(Deserialize)]
struct Use {
    used: u64,
    limit: Option<u64>,
}

pub(crate) async fn command(flags: UsageCommand, environment: &[(String, String)]) -> anyhow::Result<()> {
    let client = Client::new(&flags.daemon, environment)?;
    let answer = client.usage().await?;
    if flags.json {
        return Ok(print(&format!("{}\n", answer.get()))?);
    }
    Ok(print(&table(&serde_json::from_str(answer.get())?))?)
}

fn table(usage: &Usage) -> String {
    let row = |what: &str, of: &Use, resets: &str| {
        let limit = of.limit.map_or("no limit".to_owned(), |limit| limit.to_string());
        let left = of
            .limit
            .map_or(String::new(), |limit| limit.saturating_sub(of.used).to_string());
        [
            what.to_owned(),
            of.used.to_string(),
            limit,
            left,
            resets.to_owned(),
        ]
    };
    let messages = format!("messages in {}", usage.period);
    aligned(
        ["WHAT", "USED", "LIMIT", "LEFT", "BEGINS ANEW"],
        vec![
            row(&messages, &usage.messages, &usage.resets_at),
            row("devices", &usage.devices, ""),
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_says_what_is_left() {
        let usage: Usage = serde_json::from_str(
            r#"{"period":"2026-12","resetsAt":"2027-01-01T00:00:00.000Z",
                "messages":{"used":412,"limit":500},"devices":{"used":1,"limit":null}}"#,
        )
        .expect("usage");
        let expected = "\
WHAT                 USED  LIMIT     LEFT  BEGINS ANEW
messages in 2026-12  412   500       88    2027-01-01T00:00:00.000Z
devices              1     no limit  -     -
";
        assert_eq!(table(&usage), expected);
    }
}
