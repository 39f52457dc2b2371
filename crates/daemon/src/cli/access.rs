//! `postern workspace …` and `postern keys …`: what their help teaches.

use clap::{Args, Subcommand};

use super::DaemonFlags;

/// Flags of `postern workspace`.
#[derive(Debug, Args)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "\
Examples:
  export POSTERN_API_KEY=sk_live_…              # the daemon's first key, or another with the scope admin:daemon
  postern workspace create ACME --plan growth   # prints its id and its first API key, once
  postern workspace list
  postern workspace plan ACME pro
  postern workspace deactivate ACME --reason \"unpaid invoice 2026-10\"

A workspace is named by its id (ws_…), or by its name where only one has it.
Exit codes: 0 done, 1 failed, 2 wrong arguments or no API key."
)]
pub struct WorkspaceCommand {
    /// Which daemon.
    #[command(flatten)]
    pub daemon: DaemonFlags,
    /// What to do.
    #[command(subcommand)]
    pub verb: WorkspaceVerb,
}

/// What `postern workspace` can do.
#[derive(Debug, Subcommand)]
pub enum WorkspaceVerb {
    /// Make a workspace; prints its id and its first API key.
    Create {
        /// What it is called.
        #[arg(value_name = "NAME")]
        name: String,
        /// Its plan, one of the daemon's configuration.
        #[arg(long, value_name = "PLAN", default_value = "unlimited")]
        plan: String,
    },
    /// List all workspaces, newest first.
    List {
        /// Print what the API answers, a line for each.
        #[arg(long)]
        json: bool,
    },
    /// Put a workspace on another plan.
    Plan {
        /// Its id, or its name.
        #[arg(value_name = "WORKSPACE")]
        workspace: String,
        /// The plan, one of the daemon's configuration.
        #[arg(value_name = "PLAN")]
        plan: String,
    },
    /// Refuse the keys of a workspace and hold its messages back; its devices stay linked.
    Deactivate {
        /// Its id, or its name.
        #[arg(value_name = "WORKSPACE")]
        workspace: String,
        /// Why; its members read this.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Let a deactivated workspace work again.
    Activate {
        /// Its id, or its name.
        #[arg(value_name = "WORKSPACE")]
        workspace: String,
    },
}

/// Flags of `postern keys`.
#[derive(Debug, Args)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "\
Examples:
  postern keys create worker --scope messages:send --scope messages:read
  postern keys create worker --scope messages:send --allow 203.0.113.0/24 --expires 2027-01-01T00:00:00Z
  postern keys list
  postern keys rotate worker --overlap 3600     # prints the new key; the old one is valid for an hour more
  postern keys revoke key_01M7Z4JKDSYE37JR3EQNK0K2H6

Your own key needs the scope admin, and every scope that it gives. A key is named by its id (key_…), or by its name where \
only one that is valid has it.
Scopes: messages:send, messages:read, devices:read, devices:manage, webhooks:manage, events:read, usage:read, admin, \
admin:daemon.
Exit codes: 0 done, 1 failed, 2 wrong arguments or no API key."
)]
pub struct KeysCommand {
    /// Which daemon.
    #[command(flatten)]
    pub daemon: DaemonFlags,
    /// What to do.
    #[command(subcommand)]
    pub verb: KeysVerb,
}

/// What `postern keys` can do.
#[derive(Debug, Subcommand)]
pub enum KeysVerb {
    /// Make an API key; prints it, once.
    Create(CreateKey),
    /// List the API keys of the workspace, newest first.
    List {
        /// Print what the API answers, a line for each.
        #[arg(long)]
        json: bool,
    },
    /// End an API key now; there is no way back.
    Revoke {
        /// Its id, or its name.
        #[arg(value_name = "KEY")]
        key: String,
    },
    /// Make a key in the place of another; prints it, once.
    Rotate {
        /// The old key's id, or its name.
        #[arg(value_name = "KEY")]
        key: String,
        /// For how many seconds the old key stays valid, at most 30 days.
        #[arg(long, value_name = "SECONDS", default_value = "86400",
            value_parser = clap::value_parser!(u32).range(0..=2_592_000))]
        overlap: u32,
    },
}

/// Flags of `postern keys create`.
#[derive(Debug, Args)]
pub struct CreateKey {
    /// What it is called.
    #[arg(value_name = "NAME")]
    pub name: String,
    /// What it may be used for; may be given several times.
    #[arg(long = "scope", value_name = "SCOPE", required = true)]
    pub scopes: Vec<postern_domain::Scope>,
    /// An address or a network it may be used from; may be given several times [default: anywhere].
    #[arg(long = "allow", value_name = "CIDR")]
    pub networks: Vec<postern_api::Network>,
    /// From when on it is no longer valid: a time in RFC 3339 [default: never].
    #[arg(long, value_name = "TIME")]
    pub expires: Option<String>,
    /// Make it for this workspace instead of your own: its id (needs the scope admin:daemon).
    #[arg(long, value_name = "WORKSPACE")]
    pub workspace: Option<postern_domain::WorkspaceId>,
}

#[cfg(test)]
mod tests {
    use crate::cli::lines::{refused, taken};

    #[test]
    fn mistakes_are_refused_with_exit_code_2() {
        refused(&[
            "postern workspace",
            "postern workspace create",
            "postern workspace plan ACME",
            "postern workspace deactivate ACME",
            "postern keys create worker",
            "postern keys create worker --scope everything",
            "postern keys create worker --scope admin --allow here",
            "postern keys create worker --scope admin --workspace ACME",
            "postern keys rotate worker --overlap 2592001",
            "postern keys revoke",
        ]);
        taken(&[
            "postern workspace create ACME",
            "postern workspace list --json",
            "postern keys list --json",
            "postern keys create worker --scope admin --scope usage:read --allow 10.0.0.0/8",
            "postern keys rotate worker --overlap 0",
        ]);
    }
}
