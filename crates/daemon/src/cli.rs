//! The command line: what `postern --help` teaches.

mod access;
mod daemon;
mod device;
#[cfg(test)]
mod lines;
mod listen;
mod messages;
mod operator;
mod send;
mod shell;
mod upkeep;
mod webhooks;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub use self::access::{CreateKey, KeysCommand, KeysVerb, WorkspaceCommand, WorkspaceVerb};
pub use self::daemon::DaemonFlags;
pub use self::device::{
    AddDevice, DeviceCommand, DeviceVerb, ListDevices, MoveDevice, PairDevice, RemoveDevice, ShowDevice, Wait,
};
pub use self::listen::{ListenCommand, PrintEvents, Secret, Since};
pub use self::messages::{ListMessages, MessagesCommand, MessagesVerb, NamedMessages, UsageCommand};
pub use self::operator::{OperatorCommand, OperatorVerb};
pub use self::send::SendCommand;
pub use self::shell::{CompletionsCommand, HealthCommand, ManCommand};
pub use self::upkeep::{BackupFlags, CheckFlags, DataFlags, RestoreFlags};
pub use self::webhooks::{
    AddWebhook, ListAttempts, ListWebhooks, MoveWebhook, RemoveWebhook, ReplayEvents, RotateSecret,
    ShowWebhook, TestWebhook, WebhooksCommand, WebhooksVerb,
};
use crate::config::LogFormat;

/// Links WhatsApp accounts by QR code and puts a REST API in front of them.
#[derive(Debug, Parser)]
#[command(
    name = "postern",
    version = crate::version(),
    max_term_width = 110,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = AFTER_HELP
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const AFTER_HELP: &str = "\
First steps:
  postern demo                 a simulated WhatsApp network, a daemon and a first message (sandbox builds)
  postern serve                the daemon for the real WhatsApp; prints its first API key, and the way into its dashboard
  postern serve --help         its settings; every key is explained in `postern config`
  postern device add --pair    create a device at a running daemon and link it by QR code
  postern send --help          send a message, or one to each row of a CSV file
  postern listen --help        follow what happens, or post it to a webhook consumer you are writing
  postern webhooks --help      have events sent to your HTTP endpoint
  postern keys --help          API keys for those who call it
  postern backup DIR           a copy of its data, while it runs

Exit codes: 0 done, 1 failed, 2 wrong arguments or configuration, 3 no daemon answers; `postern help exit-codes` has more.";

/// What `postern help exit-codes` says.
const EXIT_CODES: &str = "\
0  It is done. For questions (check, health): the answer is good.
1  It failed, or the answer is bad. Standard error says why. Trying again as it is will not help.
2  Wrong arguments, wrong configuration, or no API key. Nothing was done.
3  No daemon answers, or the one that does cannot do its work right now: it starts, its disk is full, or it is asked too \
often. Trying again helps. What is sent with the same idempotency key is sent once. What `add`, `create` and `rotate` make \
may have been made: look with `list` before you repeat them.

A command that a signal ends has 128 and the number of the signal, as shells tell it.";

/// What `postern` can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the daemon: link devices, serve the REST API, send and receive.
    Serve(Serve),
    /// Manage the devices of a running daemon: create them, link them, see how they are.
    Device(DeviceCommand),
    /// Send a message through a running daemon, or one to each row of a CSV file.
    Send(SendCommand),
    /// Follow the events of a running daemon; post each to a webhook consumer on this machine.
    Listen(ListenCommand),
    /// Manage the webhook endpoints of a running daemon: register them, try them, send events again.
    Webhooks(WebhooksCommand),
    /// Manage the workspaces of a running daemon: make them, put them on plans, switch them off and on.
    Workspace(WorkspaceCommand),
    /// Manage the API keys of a workspace: make, list, rotate and revoke them.
    Keys(KeysCommand),
    /// Look at messages, send failed ones again, withdraw waiting ones.
    Messages(MessagesCommand),
    /// Show how much of its plan a workspace uses.
    Usage(UsageCommand),
    /// Manage who may use the dashboard, on the data folder: the way back in for who is locked out.
    Operator(OperatorCommand),
    /// Ask a daemon whether it can do its work; for containers and scripts.
    Health(HealthCommand),
    /// Copy the data of a daemon, which may be running, to a folder.
    Backup(BackupFlags),
    /// Bring a backup back, while no daemon runs on the folder.
    Restore(RestoreFlags),
    /// Look whether the databases are whole and what is in them is consistent.
    Check(CheckFlags),
    /// Show the whole way from QR code to read message, in a temporary folder, without a phone.
    #[cfg(feature = "sandbox")]
    Demo(Demo),
    /// Run only the simulated WhatsApp network, for daemons that run elsewhere on this machine.
    #[cfg(feature = "sandbox")]
    Sandbox(SandboxCommand),
    /// Print a script that lets a shell complete the commands.
    Completions(CompletionsCommand),
    /// Print the manual page, or write those of all commands to a folder.
    Man(ManCommand),
    /// What the exit codes mean.
    #[command(hide = true, long_about = EXIT_CODES)]
    ExitCodes,
    /// Print the default configuration, every key with its meaning; save it and change what you need.
    Config,
}

/// Flags of `postern serve`. Each wins over the file and the environment.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  postern serve --data-dir /var/lib/postern
  POSTERN_SERVER__LISTEN=0.0.0.0:8480 postern serve --config /etc/postern.toml

The first start prints an API key once. To choose it yourself, set POSTERN_BOOTSTRAP_API_KEY to
`sk_live_` or `sk_test_` and 48 hexadecimal digits, e.g.  sk_live_$(openssl rand -hex 24)")]
pub struct Serve {
    /// A TOML file with the settings that differ from the defaults.
    #[arg(long, value_name = "FILE", env = "POSTERN_CONFIG")]
    pub config: Option<PathBuf>,
    /// The folder of the databases [default: data].
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Where the REST API listens [default: 127.0.0.1:8480]; port 0 takes a free one and prints it.
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
    /// How log lines look [default: auto].
    #[arg(long, value_name = "FORMAT")]
    pub log_format: Option<LogFormat>,
    /// Link devices to a simulated WhatsApp network in this process (sandbox builds).
    #[arg(long, conflicts_with = "sandbox_url")]
    pub sandbox: bool,
    /// Where that network listens; loopback only [default: 127.0.0.1:8490].
    #[arg(long, value_name = "ADDRESS", requires = "sandbox")]
    pub sandbox_listen: Option<SocketAddr>,
    /// Link devices to a simulated network that runs elsewhere on this machine, e.g. ws://127.0.0.1:8490/ws/chat.
    #[arg(long, value_name = "URL")]
    pub sandbox_url: Option<String>,
    /// Give webhook endpoints new secrets where the key that sealed them is lost, and disable them until somebody has rotated
    /// their secrets. Only what does not open is touched; there is no way back.
    #[arg(long)]
    pub renew_webhook_secrets: bool,
    /// An API key for everything, stored if it is not there yet: the first one, or one more when all others are lost. Kept
    /// out of the process list.
    #[arg(
        long = "bootstrap-api-key",
        env = "POSTERN_BOOTSTRAP_API_KEY",
        hide = true,
        hide_env_values = true
    )]
    pub bootstrap_api_key: Option<String>,
}

/// Flags of `postern demo`.
#[cfg(feature = "sandbox")]
#[derive(Debug, Args)]
pub struct Demo {
    /// Exit when the message was read and the answer arrived: 0, or 1 with the reason.
    #[arg(long)]
    pub once: bool,
    /// Where the REST API listens; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// How log lines look.
    #[arg(long, value_name = "FORMAT", default_value = "auto")]
    pub log_format: LogFormat,
    /// `cargo demo -- --once` puts the flag behind a `--`.
    #[arg(last = true, hide = true, value_parser = ["--once"])]
    pub behind_dashes: Vec<String>,
}

/// Flags of `postern sandbox`.
#[cfg(feature = "sandbox")]
#[derive(Debug, Args)]
pub struct SandboxCommand {
    /// Where it listens; loopback only. Port 0 takes a free one and prints it.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8490")]
    pub listen: SocketAddr,
    /// A folder in which its phones and contacts survive a restart; without one they live in memory.
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
    /// How log lines look.
    #[arg(long, value_name = "FORMAT", default_value = "auto")]
    pub log_format: LogFormat,
}
