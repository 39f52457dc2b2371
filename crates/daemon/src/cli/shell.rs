//! `postern health`, `postern completions` and `postern man`: what shells, containers and readers of manuals need.

use std::path::PathBuf;

use clap::Args;
use url::Url;

/// Flags of `postern health`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  postern health && echo ready
  postern health --live --url http://127.0.0.1:8480

Needs no API key. Prints ok, or the code and the reason.
Exit codes: 0 it can do its work, 1 it cannot, 3 nothing answers.")]
pub struct HealthCommand {
    /// Where the daemon answers.
    #[arg(
        long,
        value_name = "URL",
        env = "POSTERN_URL",
        default_value = "http://127.0.0.1:8480"
    )]
    pub url: Url,
    /// Ask only whether the process lives.
    #[arg(long)]
    pub live: bool,
}

/// Flags of `postern completions`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  postern completions bash > ~/.local/share/bash-completion/completions/postern
  postern completions zsh > \"${fpath[1]}/_postern\"
  postern completions fish > ~/.config/fish/completions/postern.fish")]
pub struct CompletionsCommand {
    /// For which shell.
    #[arg(value_name = "SHELL")]
    pub shell: clap_complete::Shell,
}

/// Flags of `postern man`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  postern man | man -l -
  postern man --dir /usr/local/share/man/man1")]
pub struct ManCommand {
    /// Write a page for every command to this folder, instead of the first one to standard output.
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}
