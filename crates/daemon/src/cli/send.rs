//! `postern send …`: what its help teaches.

use std::path::PathBuf;

use clap::builder::RangedU64ValueParser;
use clap::{ArgGroup, Args};
use postern_domain::Address;

use super::DaemonFlags;

/// Flags of `postern send`.
#[derive(Debug, Args)]
#[command(
    arg_required_else_help = true,
    group = ArgGroup::new("what").required(true).args(["to", "csv"]),
    after_help = "\
Examples:
  export POSTERN_API_KEY=sk_live_…              # `postern serve` prints it at its first start
  postern send --device support --to +15551234567 --text \"Your order 1234 is on its way\"
  postern send --csv orders.csv --template \"Hi {name}, your order {order} is on its way\" --dry-run
  postern send --csv orders.csv --template \"Hi {name}, your order {order} is on its way\"

The CSV file has a header line: each of its columns may stand in the template as {column}; {{ and }} are braces. All rows \
are checked before the first one is sent.

Stopped or crashed on the way? Run the same command again: it resumes, and no row is sent twice. A run is recognized by its \
--run name, or else by the content of the file, for 24 hours. Resume it with the same rows, template, device, batch size \
and --queue: where they differ from what was sent, it ends with an error instead of sending twice. To send a file again on \
purpose, give it another --run.

Exit codes: 0 accepted, 1 failed, 2 wrong arguments, rows that cannot be sent, or no API key."
)]
pub struct SendCommand {
    /// Which daemon.
    #[command(flatten)]
    pub daemon: DaemonFlags,
    /// The device that sends: its id, or its name [default: the only one there is].
    #[arg(long, value_name = "DEVICE")]
    pub device: Option<String>,
    /// The recipient of a single message: a phone number in international form, or a group id (…@g.us).
    #[arg(long, value_name = "PHONE", requires = "text")]
    pub to: Option<Address>,
    /// The text of a single message.
    #[arg(long, value_name = "TEXT", requires = "to", conflicts_with = "csv")]
    pub text: Option<String>,
    /// The Idempotency-Key of a single message: sent again with the same one, it goes out once.
    #[arg(long, value_name = "KEY", requires = "to", conflicts_with = "csv")]
    pub key: Option<String>,
    /// A CSV file in UTF-8 with a header line and a row for each message.
    #[arg(long, value_name = "FILE", requires = "template")]
    pub csv: Option<PathBuf>,
    /// The text for each row, with {column} where the row's value goes.
    #[arg(long, value_name = "TEXT", requires = "csv", conflicts_with = "to")]
    pub template: Option<String>,
    /// The column with the recipient.
    #[arg(
        long,
        value_name = "COLUMN",
        default_value = "to",
        requires = "csv",
        conflicts_with = "to"
    )]
    pub to_column: String,
    /// How many rows are accepted together, all or none of them; the daemon has a limit of its own.
    #[arg(long, value_name = "ROWS", default_value = "200", requires = "csv", conflicts_with = "to",
        value_parser = RangedU64ValueParser::<usize>::new().range(1..=5000))]
    pub batch_size: usize,
    /// What a run is recognized by when it is resumed, instead of the content of the file.
    #[arg(long, value_name = "NAME", requires = "csv", conflicts_with = "to")]
    pub run: Option<String>,
    /// Accept messages although the device is not connected; they wait until it is.
    #[arg(long)]
    pub queue: bool,
    /// Check everything, the device's state included, and send nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Print the result as JSON.
    #[arg(long)]
    pub json: bool,
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::lines::refused;
    use crate::cli::{Cli, Command};

    fn parse(line: &str) -> Result<SendCommand, clap::Error> {
        match Cli::try_parse_from(line.split_whitespace())?.command {
            Command::Send(flags) => Ok(flags),
            other => panic!("{line} is {other:?}"),
        }
    }

    #[test]
    fn a_message_or_a_file_is_sent() {
        let single = parse("postern send --to 15551234567 --text hello --key k").expect("a message");
        assert_eq!(
            single.to.map(|to| to.to_string()).as_deref(),
            Some("+15551234567")
        );
        let file = parse("postern send --csv a.csv --template {a}").expect("a file");
        assert_eq!((file.to_column.as_str(), file.batch_size), ("to", 200));
    }

    #[test]
    fn mistakes_are_refused_with_exit_code_2() {
        refused(&[
            "postern send",
            "postern send --text hello",
            "postern send --to +15551234567",
            "postern send --to 555 --text hello",
            "postern send --csv a.csv",
            "postern send --template {a}",
            "postern send --csv a.csv --template {a} --to +15551234567 --text hello",
            "postern send --csv a.csv --template {a} --text hello",
            "postern send --csv a.csv --template {a} --key k",
            "postern send --csv a.csv --template {a} --batch-size 0",
            "postern send --csv a.csv --template {a} --batch-size 5001",
            "postern send --to +15551234567 --text hello --run a",
            "postern send --to +15551234567 --text hello --batch-size 5",
        ]);
    }
}
