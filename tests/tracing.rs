//! The daemon under strace: what it asks of the kernel, in which order, and what if one of these calls is its last.

use anyhow::Context as _;
use postern_testkit::Postern;

use crate::postern;

/// Whether processes may be traced here, and strace is there to do it.
pub(crate) async fn can_trace() -> bool {
    let mut command = tokio::process::Command::new("strace");
    command.args(["-f", "-qq", "-o", "/dev/null", "true"]);
    command.status().await.is_ok_and(|status| status.success())
}

/// The daemon with all its threads under strace, which stays in the background: what is started is the daemon.
pub(crate) fn traced(arguments: &[&str]) -> anyhow::Result<Postern> {
    let program = postern().command(&[]);
    let program = program.as_std().get_program().to_str().context("a plain path")?;
    let arguments = [&["-D", "-f", "-qq"], arguments, &["--", program]].concat();
    Ok(Postern::at("strace").with_arguments(&arguments))
}
