//! Log lines: for people on a terminal, JSON for machines; never bodies, phone numbers or keys.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::{LevelFilter, ParseError};

use crate::config::LogFormat;

/// Starts logging to standard error.
///
/// A plain level is that of the gateway's own crates. All others speak up at `error` only, unless directives name
/// them: WhatsApp's client logs phone numbers, pairing codes and whole stanzas at every level below.
///
/// # Errors
/// `level` is neither a level nor a list of directives.
pub(crate) fn start(format: LogFormat, level: &str) -> Result<(), ParseError> {
    let directives = match level.parse::<LevelFilter>() {
        Ok(level) => format!("error,postern={level}"),
        Err(_directives) => format!("error,{level}"),
    };
    let filter = EnvFilter::try_new(directives)?;
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
