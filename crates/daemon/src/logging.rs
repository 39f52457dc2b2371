//! Log lines: for people on a terminal, JSON for machines; never bodies, phone numbers or keys.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

use crate::config::LogFormat;

/// Crates that log people's numbers or the stuff of their keys below `error`; they speak up only when named.
const QUIET: [&str; 6] = [
    "whatsapp_rust",
    "wacore",
    "wacore_libsignal",
    "wacore_noise",
    "Client",
    "Bot",
];

/// Starts logging to standard error.
///
/// # Errors
/// `level` is not a list of directives.
pub fn start(format: LogFormat, level: &str) -> Result<(), ParseError> {
    let mut filter = EnvFilter::try_new(level)?;
    for target in QUIET {
        if !level.contains(target) {
            filter = filter.add_directive(format!("{target}=error").parse()?);
        }
    }
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    let human = match format {
        LogFormat::Human => true,
        LogFormat::Json => false,
        LogFormat::Auto => std::io::stderr().is_terminal(),
    };
    // A second start (a demo inside a test) keeps the first one's settings.
    let started = if human {
        lines.with_target(false).try_init()
    } else {
        lines
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .try_init()
    };
    if started.is_err() {
        tracing::debug!("logging was started before");
    }
    Ok(())
}
