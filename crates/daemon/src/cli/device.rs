//! `postern device …`: what its help teaches.

use std::time::Duration;

use clap::builder::RangedU64ValueParser;
use clap::{Args, Subcommand};
use postern_domain::PhoneNumber;

use super::DaemonFlags;

/// Flags of `postern device`.
#[derive(Debug, Args)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "\
Examples:
  export POSTERN_API_KEY=sk_live_…              # `postern serve` prints it at its first start
  postern device add support --pair             # create a device and link it: scan what is shown
  postern device list
  postern device show support                   # its state, and what to do about it
  postern device list --json | jq -r '.data[] | select(.state != \"connected\") | .id'

A device is named by its id (dev_…), or by its name where only one device has it.
Exit codes: 0 done, 1 failed, 2 wrong arguments or no API key."
)]
pub struct DeviceCommand {
    /// Which daemon.
    #[command(flatten)]
    pub daemon: DaemonFlags,
    /// What to do.
    #[command(subcommand)]
    pub verb: DeviceVerb,
}

/// What `postern device` can do.
#[derive(Debug, Subcommand)]
pub enum DeviceVerb {
    /// List all devices with their states, newest first.
    List(ListDevices),
    /// Create a device; prints its id.
    Add(AddDevice),
    /// Link a device to a WhatsApp account: shows the code and waits until the device is connected.
    Pair(PairDevice),
    /// Show one device: its state, its account, and what to do.
    Show(ShowDevice),
    /// Drop the connection and log in anew.
    Reconnect(MoveDevice),
    /// Take a device offline; it keeps its link, and what is sent to it waits if it may.
    Pause(MoveDevice),
    /// Take a paused device online again.
    Resume(MoveDevice),
    /// Remove the link from the WhatsApp account; the device stays and can be linked anew.
    Logout(MoveDevice),
    /// Remove a device: unlink it, erase its keys, cancel what waits for it.
    Remove(RemoveDevice),
}

/// Flags of `postern device list`.
#[derive(Debug, Args)]
pub struct ListDevices {
    /// Print what the API answers, all pages as one.
    #[arg(long)]
    pub json: bool,
}

/// Flags of `postern device show`.
#[derive(Debug, Args)]
pub struct ShowDevice {
    /// Its id, or its name.
    #[arg(value_name = "DEVICE")]
    pub device: String,
    /// Print what the API answers.
    #[arg(long)]
    pub json: bool,
}

/// Flags of `postern device add`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  postern device add support
  postern device add support --pair
  id=$(postern device add support)              # the id is all that goes to standard output")]
pub struct AddDevice {
    /// What you call it, at most 100 characters.
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
    /// Link it right away, as `postern device pair` does.
    #[arg(long)]
    pub pair: bool,
    /// Show a code that is typed in on the phone with this number, instead of a QR code.
    #[arg(long, value_name = "PHONE", requires = "pair")]
    pub code: Option<PhoneNumber>,
    /// Ask for new codes when all were shown and none was used.
    #[arg(long, requires = "pair")]
    pub again: bool,
}

/// Flags of `postern device pair`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  postern device pair support                   # scan the QR code: WhatsApp > Linked devices
  postern device pair support --code +15551234567
                                                # type a code instead, where no camera is at hand

The code changes every 20 to 60 seconds and is replaced in place. Ctrl-C takes it off the screen;
who scans or types it links their account, so treat it like a password.")]
pub struct PairDevice {
    /// Its id, or its name.
    #[arg(value_name = "DEVICE")]
    pub device: String,
    /// Show a code that is typed in on the phone with this number, instead of a QR code.
    #[arg(long, value_name = "PHONE")]
    pub code: Option<PhoneNumber>,
    /// Ask for new codes when all were shown and none was used.
    #[arg(long)]
    pub again: bool,
}

/// Flags of the verbs that move a device from one state to another.
#[derive(Debug, Args)]
pub struct MoveDevice {
    /// Its id, or its name.
    #[arg(value_name = "DEVICE")]
    pub device: String,
    /// How it is followed.
    #[command(flatten)]
    pub wait: Wait,
}

/// Flags of `postern device remove`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  postern device remove support                 # asks first
  postern device remove support --yes           # for scripts
  postern device remove support --purge         # its messages and events are erased as well")]
pub struct RemoveDevice {
    /// Its id, or its name.
    #[arg(value_name = "DEVICE")]
    pub device: String,
    /// Erase its messages and events as well; without it they stay readable.
    #[arg(long)]
    pub purge: bool,
    /// Do not ask.
    #[arg(long)]
    pub yes: bool,
    /// How it is followed.
    #[command(flatten)]
    pub wait: Wait,
}

/// How long a device is followed until what was asked for has happened.
#[derive(Debug, Clone, Copy, Args)]
pub struct Wait {
    /// Follow the device for up to this many seconds until it has happened; 0 only asks for it.
    #[arg(long = "wait", value_name = "SECONDS", default_value = "30",
        value_parser = RangedU64ValueParser::<u64>::new().range(..=3600))]
    pub seconds: u64,
}

impl Wait {
    /// The longest wait; `None` when nothing is waited for.
    #[must_use]
    pub fn limit(self) -> Option<Duration> {
        (self.seconds > 0).then(|| Duration::from_secs(self.seconds))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::lines::refused;
    use crate::cli::{Cli, Command};

    fn parse(line: &str) -> Result<DeviceCommand, clap::Error> {
        match Cli::try_parse_from(line.split_whitespace())?.command {
            Command::Device(flags) => Ok(flags),
            other => panic!("{line} is {other:?}"),
        }
    }

    #[test]
    fn the_daemon_may_be_named_before_or_behind_the_verb() {
        for line in [
            "postern device --url https://example.com/gate list",
            "postern device list --url https://example.com/gate",
        ] {
            let url = parse(line).expect(line).daemon.url;
            assert_eq!(url.as_str(), "https://example.com/gate");
        }
    }

    #[test]
    fn a_wait_has_a_default_a_limit_and_an_off_switch() {
        for (line, limit) in [
            ("postern device pause support", Some(30)),
            ("postern device resume support --wait 5", Some(5)),
            ("postern device remove support --wait 0", None),
        ] {
            let wait = match parse(line).expect(line).verb {
                DeviceVerb::Pause(flags) | DeviceVerb::Resume(flags) => flags.wait,
                DeviceVerb::Remove(flags) => flags.wait,
                other => panic!("{line} is {other:?}"),
            };
            assert_eq!(wait.limit(), limit.map(Duration::from_secs), "{line}");
        }
    }

    #[test]
    fn mistakes_are_refused_with_exit_code_2() {
        refused(&[
            "postern device",
            "postern device fly",
            "postern device list --url nowhere",
            "postern device list --url ws://127.0.0.1:8480",
            "postern device list --api-key sk_live_0",
            "postern device add support --again",
            "postern device add support --code +15551234567",
            "postern device pair",
            "postern device pair support --code 555",
            "postern device pause support --wait soon",
            "postern device pause support --wait 3601",
        ]);
    }

    #[test]
    fn a_phone_number_may_come_without_its_plus() {
        for line in [
            "postern device pair support --code +4915112345678",
            "postern device pair support --code 4915112345678",
        ] {
            let DeviceVerb::Pair(flags) = parse(line).expect(line).verb else {
                panic!("{line}");
            };
            let code = flags.code.map(|phone| phone.to_string());
            assert_eq!(code.as_deref(), Some("+4915112345678"));
        }
    }
}
