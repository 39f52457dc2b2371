//! `postern completions` and `postern man`, made from the command line itself.

use clap::CommandFactory as _;

use crate::cli::{Cli, CompletionsCommand, ManCommand};
use crate::print::print;

/// Prints the script for a shell.
pub(crate) fn completions(flags: &CompletionsCommand) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(flags.shell, &mut Cli::command(), "postern", &mut script);
    Ok(print(&String::from_utf8(script)?)?)
}

/// Prints the first page, or writes all of them: `postern.1`, `postern-serve.1`, `postern-device-add.1`, and so on.
pub(crate) fn pages(flags: &ManCommand) -> anyhow::Result<()> {
    // The environment of whoever makes the pages is nobody's default.
    let command = Cli::command().mut_args(|argument| argument.hide_env_values(true));
    if let Some(folder) = &flags.dir {
        std::fs::create_dir_all(folder)?;
        clap_mangen::generate_to(command, folder)?;
        return Ok(());
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page)?;
    Ok(print(&String::from_utf8(page)?)?)
}

/// Prints what the exit codes mean.
pub(crate) fn exit_codes() -> anyhow::Result<()> {
    let command = Cli::command();
    let about = command
        .find_subcommand("exit-codes")
        .and_then(clap::Command::get_long_about);
    Ok(print(&format!("{}\n", about.cloned().unwrap_or_default()))?)
}
