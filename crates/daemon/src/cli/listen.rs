//! `postern listen`: what its help teaches.

mod secret;
mod since;

use clap::Args;
use postern_domain::EventType;
use url::Url;

pub use self::secret::Secret;
pub use self::since::Since;
use super::DaemonFlags;

/// Flags of `postern listen`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  export POSTERN_API_KEY=sk_live_…              # `postern serve` prints it at its first start
  postern listen                                # a line for each event, as it happens
  postern listen --forward http://127.0.0.1:3000/hook
  postern listen --forward http://127.0.0.1:3000/hook --types message.received,message.failed --device support
  postern listen --print json --since 10m | jq .data

Each event is posted just as a webhook endpoint gets it, signed with the secret that is printed at the start, so that a \
consumer can be written on a machine that nobody reaches from outside. One after the other and each once: what the \
consumer refuses is not sent again by itself; get it again with --since. When the daemon goes away, listening goes on \
after the last event as soon as it is back.

Exit codes: 0 never by itself (stop it with Ctrl-C), 1 failed, 2 wrong arguments or no API key.")]
pub struct ListenCommand {
    /// Which daemon.
    #[command(flatten)]
    pub daemon: DaemonFlags,
    /// Post each event to this URL.
    #[arg(long, value_name = "URL", value_parser = http_url)]
    pub forward: Option<Url>,
    /// Only events of these types, with commas in between, e.g. message.received,message.failed [default: all].
    #[arg(long, value_name = "TYPES", value_delimiter = ',', value_parser = event_type)]
    pub types: Vec<EventType>,
    /// Only events of this device: its id, or its name.
    #[arg(long, value_name = "DEVICE")]
    pub device: Option<String>,
    /// Begin in the past: after an event (evt_…), at a time (2026-12-01T09:00:00Z), or so long ago (30s, 10m, 2h, 1d)
    /// [default: now].
    #[arg(long, value_name = "WHEN")]
    pub since: Option<Since>,
    /// The secret to sign with, whsec_ and base64 [default: a new one, which is printed].
    #[arg(long, value_name = "SECRET", requires = "forward")]
    pub secret: Option<Secret>,
    /// How events are printed: a `line` each, or their `json`.
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "line",
        conflicts_with = "forward"
    )]
    pub print: PrintEvents,
}

/// How events are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum PrintEvents {
    /// Time, type and id.
    Line,
    /// A line of JSON, with everything.
    Json,
}

fn event_type(name: &str) -> Result<EventType, String> {
    name.parse().map_err(|()| {
        let names = EventType::ALL.map(EventType::name);
        format!("it is none of {}", names.join(", "))
    })
}

fn http_url(text: &str) -> Result<Url, String> {
    let url: Url = text.parse().map_err(|error: url::ParseError| error.to_string())?;
    if matches!(url.scheme(), "http" | "https") {
        Ok(url)
    } else {
        Err("it must start with http:// or https://".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::lines::refused;
    use crate::cli::{Cli, Command};

    fn parse(line: &str) -> Result<ListenCommand, clap::Error> {
        match Cli::try_parse_from(line.split_whitespace())?.command {
            Command::Listen(flags) => Ok(flags),
            other => panic!("{line} is {other:?}"),
        }
    }

    #[test]
    fn what_is_wanted_is_said_in_flags() {
        let flags = parse(
            "postern listen --types message.sent,message.read --forward http://localhost:1/x --since 10m",
        );
        let flags = flags.expect("flags");
        assert_eq!(flags.types, [EventType::MessageSent, EventType::MessageRead]);
        assert!(flags.forward.is_some() && flags.since.is_some());
        let flags = parse("postern listen --print json").expect("flags");
        assert_eq!((flags.print, flags.types.len()), (PrintEvents::Json, 0));
    }

    #[test]
    fn mistakes_are_refused_with_exit_code_2() {
        refused(&[
            "postern listen --types message.lost",
            "postern listen --forward ftp://localhost",
            "postern listen --forward localhost:3000",
            "postern listen --forward http://localhost --print json",
            "postern listen --since yesterday",
            "postern listen --secret whsec_AAAA",
            "postern listen --forward http://localhost --secret AAAA",
            "postern listen --print xml",
        ]);
    }
}
