//! `postern operator …`: what its help teaches.

use clap::{Args, Subcommand};

use super::DataFlags;

/// Flags of `postern operator`.
#[derive(Debug, Args)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "\
Examples:
  postern operator list --data-dir /var/lib/postern
  postern operator add ada --role owner          # prints a first password, once
  postern operator password ada                  # a new one, for whoever is locked out
  printf %s \"$SECRET\" | postern operator password ada --stdin
  postern operator role ada viewer
  postern operator remove ada

It works on the data folder, for whoever may read it, whether or not a daemon runs on it: run it as the user that the \
daemon runs as. What it does stands in the dashboard's activity, as done by `shell`.
Exit codes: see `postern help exit-codes`."
)]
pub struct OperatorCommand {
    /// Which data.
    #[command(flatten)]
    pub data: DataFlags,
    /// What to do.
    #[command(subcommand)]
    pub verb: OperatorVerb,
}

/// What `postern operator` can do.
#[derive(Debug, Subcommand)]
pub enum OperatorVerb {
    /// List those who may use the dashboard.
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Let somebody use the dashboard; prints a first password.
    Add {
        /// What they log in with.
        #[arg(value_name = "NAME")]
        name: postern_domain::OperatorName,
        /// What they may do.
        #[arg(long, value_name = "ROLE", default_value = "viewer", value_parser = role)]
        role: postern_domain::Role,
        /// Read the password from standard input instead.
        #[arg(long)]
        stdin: bool,
    },
    /// Give somebody a new password, and log them out everywhere; prints it.
    Password {
        /// What they log in with.
        #[arg(value_name = "NAME")]
        name: postern_domain::OperatorName,
        /// Read the password from standard input instead.
        #[arg(long)]
        stdin: bool,
    },
    /// Change what somebody may do.
    Role {
        /// What they log in with.
        #[arg(value_name = "NAME")]
        name: postern_domain::OperatorName,
        /// owner, operator or viewer.
        #[arg(value_name = "ROLE", value_parser = role)]
        role: postern_domain::Role,
    },
    /// Let somebody in no more.
    Remove {
        /// What they log in with.
        #[arg(value_name = "NAME")]
        name: postern_domain::OperatorName,
    },
}

fn role(text: &str) -> Result<postern_domain::Role, String> {
    postern_domain::Role::from_name(text).ok_or_else(|| "expected owner, operator or viewer".to_owned())
}

#[cfg(test)]
mod tests {
    use crate::cli::lines::{refused, taken};

    #[test]
    fn mistakes_are_refused_with_exit_code_2() {
        refused(&[
            "postern operator",
            "postern operator add",
            "postern operator add a",
            "postern operator add ada --role king",
            "postern operator role ada",
            "postern operator password",
        ]);
        taken(&[
            "postern operator list --data-dir /tmp --json",
            "postern operator add ada --role owner",
            "postern operator password ada --stdin",
        ]);
    }
}
