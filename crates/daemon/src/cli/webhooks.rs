//! `postern webhooks …`: what its help teaches.

use clap::builder::RangedU64ValueParser;
use clap::{Args, Subcommand};
use postern_domain::EventId;

use super::{DaemonFlags, Wait};

/// Flags of `postern webhooks`.
#[derive(Debug, Args)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "\
Examples:
  export POSTERN_API_KEY=sk_live_…              # `postern serve` prints it at its first start
  postern webhooks add https://example.com/hook --types message.received,message.failed
  postern webhooks test https://example.com/hook --type message.received
  postern webhooks attempts https://example.com/hook --failed
  postern webhooks replay https://example.com/hook --failed

An endpoint is named by its id (whk_…), or by its URL or description where only one has it.
How to receive events is explained in docs/webhooks.md.
Exit codes: 0 done, 1 failed, 2 wrong arguments or no API key."
)]
pub struct WebhooksCommand {
    /// Which daemon.
    #[command(flatten)]
    pub daemon: DaemonFlags,
    /// What to do.
    #[command(subcommand)]
    pub verb: WebhooksVerb,
}

/// What `postern webhooks` can do.
#[derive(Debug, Subcommand)]
pub enum WebhooksVerb {
    /// List all endpoints, newest first.
    List(ListWebhooks),
    /// Register an endpoint; prints its id and its secret. It has to answer a challenge while this runs.
    Add(AddWebhook),
    /// Show one endpoint: its settings, how its deliveries go, and what to do.
    Show(ShowWebhook),
    /// Send an example of an event now and show what the endpoint did.
    Test(TestWebhook),
    /// List the tries to deliver events to it, newest first.
    Attempts(ListAttempts),
    /// Have events sent to it again.
    Replay(ReplayEvents),
    /// Give it a new secret and print it; the old one signs as well for a while.
    RotateSecret(RotateSecret),
    /// Deliver to it again, from where it stood.
    Enable(MoveWebhook),
    /// Deliver nothing to it for the time being; events are kept for it.
    Disable(MoveWebhook),
    /// Remove it, and what is known of its deliveries.
    Remove(RemoveWebhook),
}

/// Flags of `postern webhooks list`.
#[derive(Debug, Args)]
pub struct ListWebhooks {
    /// Print what the API answers, all pages as one.
    #[arg(long)]
    pub json: bool,
}

/// Flags of `postern webhooks add`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  postern webhooks add https://example.com/hook
  postern webhooks add https://example.com/hook --types message.received --device dev_… --ordered
  postern webhooks add https://example.com/hook --header 'Authorization: Bearer s3cret'

The endpoint has to echo the token of a `webhook.challenge`; examples/node/webhook.mjs and
examples/python/webhook.py do. The secret is shown once: verify signatures with it.")]
pub struct AddWebhook {
    /// Where events are sent, https://…
    #[arg(value_name = "URL")]
    pub target: String,
    /// The types of events it gets, with commas between them; all unless told.
    #[arg(long, value_name = "TYPES", value_delimiter = ',')]
    pub types: Vec<String>,
    /// Only events of this device; its id, or its name. May be repeated.
    #[arg(long = "device", value_name = "DEVICE")]
    pub devices: Vec<String>,
    /// A header that every request carries. May be repeated.
    #[arg(long = "header", value_name = "NAME: VALUE", value_parser = header)]
    pub headers: Vec<(String, String)>,
    /// What you call it, at most 200 characters.
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
    /// Deliveries a minute at most.
    #[arg(long, value_name = "NUMBER")]
    pub rate_cap: Option<u32>,
    /// Let the next event of a device wait for the one before it.
    #[arg(long)]
    pub ordered: bool,
    /// Do not challenge it, where the daemon's configuration allows that.
    #[arg(long)]
    pub skip_verification: bool,
    /// Print what the API answers.
    #[arg(long)]
    pub json: bool,
}

/// Flags of `postern webhooks show`.
#[derive(Debug, Args)]
pub struct ShowWebhook {
    /// Its id, its URL or its description.
    #[arg(value_name = "WEBHOOK")]
    pub webhook: String,
    /// Print what the API answers.
    #[arg(long)]
    pub json: bool,
}

/// Flags of `postern webhooks test`.
#[derive(Debug, Args)]
pub struct TestWebhook {
    /// Its id, its URL or its description.
    #[arg(value_name = "WEBHOOK")]
    pub webhook: String,
    /// Of which type the example is.
    #[arg(long = "type", value_name = "TYPE", default_value = "message.received")]
    pub kind: String,
    /// Print what the API answers.
    #[arg(long)]
    pub json: bool,
}

/// Flags of `postern webhooks attempts`.
#[derive(Debug, Args)]
pub struct ListAttempts {
    /// Its id, its URL or its description.
    #[arg(value_name = "WEBHOOK")]
    pub webhook: String,
    /// Only those that failed.
    #[arg(long)]
    pub failed: bool,
    /// Only those of this event.
    #[arg(long, value_name = "EVENT")]
    pub event: Option<EventId>,
    /// How many at most.
    #[arg(long, value_name = "NUMBER", default_value = "20",
        value_parser = RangedU64ValueParser::<usize>::new().range(1..=10_000))]
    pub limit: usize,
    /// Print what the API answers, a line for each.
    #[arg(long)]
    pub json: bool,
}

/// Flags of `postern webhooks replay`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  postern webhooks replay https://example.com/hook --failed
  postern webhooks replay https://example.com/hook --event evt_…
  postern webhooks replay https://example.com/hook --from 2026-12-01T09:00:00Z --until 2026-12-01T10:00:00Z")]
#[group(id = "which", required = true, multiple = true)]
pub struct ReplayEvents {
    /// Its id, its URL or its description.
    #[arg(value_name = "WEBHOOK")]
    pub webhook: String,
    /// This event.
    #[arg(long, value_name = "EVENT", group = "which", conflicts_with_all = ["from", "until", "failed"])]
    pub event: Option<EventId>,
    /// Events that happened at this time or later.
    #[arg(long, value_name = "TIME", group = "which")]
    pub from: Option<String>,
    /// Events that happened before this time.
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// Only events whose delivery was given up.
    #[arg(long, group = "which")]
    pub failed: bool,
    /// How it is followed.
    #[command(flatten)]
    pub wait: Wait,
}

/// Flags of `postern webhooks rotate-secret`.
#[derive(Debug, Args)]
pub struct RotateSecret {
    /// Its id, its URL or its description.
    #[arg(value_name = "WEBHOOK")]
    pub webhook: String,
    /// For how many hours the old secret signs as well; 0 when it leaked.
    #[arg(long, value_name = "HOURS", default_value = "24",
        value_parser = RangedU64ValueParser::<u64>::new().range(..=168))]
    pub overlap_hours: u64,
}

/// Flags of `postern webhooks enable` and `disable`.
#[derive(Debug, Args)]
pub struct MoveWebhook {
    /// Its id, its URL or its description.
    #[arg(value_name = "WEBHOOK")]
    pub webhook: String,
}

/// Flags of `postern webhooks remove`.
#[derive(Debug, Args)]
pub struct RemoveWebhook {
    /// Its id, its URL or its description.
    #[arg(value_name = "WEBHOOK")]
    pub webhook: String,
    /// Do not ask.
    #[arg(long)]
    pub yes: bool,
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once(':')
        .ok_or("expected a name and a value with a colon between them")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::{Cli, Command};

    fn parse(line: &str) -> Result<WebhooksVerb, clap::Error> {
        match Cli::try_parse_from(line.split('|'))?.command {
            Command::Webhooks(flags) => Ok(flags.verb),
            other => panic!("{line} is {other:?}"),
        }
    }

    #[test]
    fn types_and_headers_are_taken_apart() {
        let line =
            "postern|webhooks|add|https://example.com|--types|message.sent,message.read|--header|X-A: b: c";
        let WebhooksVerb::Add(flags) = parse(line).expect(line) else {
            panic!("{line}");
        };
        assert_eq!(flags.types, ["message.sent", "message.read"]);
        assert_eq!(flags.headers, [("X-A".to_owned(), "b: c".to_owned())]);
    }

    #[test]
    fn what_is_replayed_has_to_be_said() {
        for line in [
            "postern|webhooks|replay|x|--failed",
            "postern|webhooks|replay|x|--failed|--from|2026-12-01T09:00:00Z",
            "postern|webhooks|replay|x|--event|evt_01JDXW6N4A7Q2M8Z5T9V3B1C0D",
            "postern|webhooks|replay|x|--from|2026-12-01T09:00:00Z|--until|2026-12-01T10:00:00Z",
        ] {
            parse(line).expect(line);
        }
        for line in [
            "postern|webhooks",
            "postern|webhooks|replay|x",
            "postern|webhooks|replay|x|--until|2026-12-01T10:00:00Z",
            "postern|webhooks|replay|x|--event|evt_01JDXW6N4A7Q2M8Z5T9V3B1C0D|--failed",
            "postern|webhooks|replay|x|--event|msg_1",
            "postern|webhooks|add",
            "postern|webhooks|add|https://example.com|--header|nothing",
            "postern|webhooks|rotate-secret|x|--overlap-hours|169",
            "postern|webhooks|attempts|x|--limit|0",
        ] {
            assert_eq!(parse(line).expect_err(line).exit_code(), 2, "{line}");
        }
    }
}
