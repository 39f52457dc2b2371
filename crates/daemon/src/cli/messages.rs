//! `postern messages …` and `postern usage`: what their help teaches.

use clap::builder::RangedU64ValueParser;
use clap::{Args, Subcommand};

use super::DaemonFlags;

/// Flags of `postern messages`.
#[derive(Debug, Args)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "\
Examples:
  postern messages list --status failed --limit 100
  postern messages list --to +15551234567 --json | jq -r .id
  postern messages show msg_01M7Z4JKDSYE37JR3EQNK0K2H6
  postern messages retry msg_01M7Z4JKDSYE37JR3EQNK0K2H6
  postern messages cancel msg_01M7Z4JKDSYE37JR3EQNK0K2H6 msg_01M7Z4JKDT4FQ0V8W2C6N3X5RA

Tables show no texts; --json prints messages as the API answers them, texts and numbers included.
Exit codes: see `postern help exit-codes`."
)]
pub struct MessagesCommand {
    /// Which daemon.
    #[command(flatten)]
    pub daemon: DaemonFlags,
    /// What to do.
    #[command(subcommand)]
    pub verb: MessagesVerb,
}

/// What `postern messages` can do.
#[derive(Debug, Subcommand)]
pub enum MessagesVerb {
    /// List messages, newest first.
    List(ListMessages),
    /// Show a message and what it went through.
    Show {
        /// Its id.
        #[arg(value_name = "MESSAGE")]
        message: postern_domain::MessageId,
        /// Print what the API answers.
        #[arg(long)]
        json: bool,
    },
    /// Send failed messages again, under the stanza ids they had.
    Retry(NamedMessages),
    /// Withdraw messages that were not handed to WhatsApp yet.
    Cancel(NamedMessages),
}

/// Flags of `postern messages list`.
#[derive(Debug, Args)]
pub struct ListMessages {
    /// Only those in this status.
    #[arg(long, value_name = "STATUS", value_parser = statuses())]
    pub status: Option<String>,
    /// Only those of this device: its id, or its name.
    #[arg(long, value_name = "DEVICE")]
    pub device: Option<String>,
    /// Only those of this batch.
    #[arg(long, value_name = "BATCH")]
    pub batch: Option<postern_domain::BatchId>,
    /// Only those of the conversation with this person or group.
    #[arg(long, value_name = "ADDRESS")]
    pub to: Option<String>,
    /// Only those that are parked.
    #[arg(long)]
    pub parked: bool,
    /// How many at most.
    #[arg(long, value_name = "NUMBER", default_value = "20",
        value_parser = RangedU64ValueParser::<usize>::new().range(1..=100_000))]
    pub limit: usize,
    /// Print what the API answers, a line for each.
    #[arg(long)]
    pub json: bool,
}

/// Messages by their ids.
#[derive(Debug, Args)]
pub struct NamedMessages {
    /// Their ids.
    #[arg(value_name = "MESSAGE", required = true)]
    pub messages: Vec<postern_domain::MessageId>,
    /// Print what the API answers, a line for each.
    #[arg(long)]
    pub json: bool,
}

/// Flags of `postern usage`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  postern usage
  postern usage --json | jq .messages.remaining")]
pub struct UsageCommand {
    /// Which daemon.
    #[command(flatten)]
    pub daemon: DaemonFlags,
    /// Print what the API answers.
    #[arg(long)]
    pub json: bool,
}

fn statuses() -> clap::builder::PossibleValuesParser {
    postern_domain::MessageStatus::ALL
        .map(postern_domain::MessageStatus::name)
        .into()
}

#[cfg(test)]
mod tests {
    use crate::cli::lines::{refused, taken};

    #[test]
    fn mistakes_are_refused_with_exit_code_2() {
        refused(&[
            "postern messages",
            "postern messages list --status lost",
            "postern messages list --limit 0",
            "postern messages show dev_01M7Z4JKDSYE37JR3EQNK0K2H6",
            "postern messages retry",
            "postern usage more",
        ]);
        taken(&[
            "postern messages list --status failed --parked --json",
            "postern messages cancel msg_01M7Z4JKDSYE37JR3EQNK0K2H6",
            "postern usage --json",
        ]);
    }
}
