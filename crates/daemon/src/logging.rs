//! Log lines: for people on a terminal, JSON for machines; never bodies, phone numbers or keys.

use std::io::IsTerminal as _;

use tracing::Subscriber;
use tracing_subscriber::filter::{LevelFilter, ParseError};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, fmt, registry};

use crate::config::LogFormat;
use crate::telemetry::SpanLayer;

/// Starts logging to standard error.
///
/// A plain level is that of the gateway's own crates. All others speak up at `error` only, unless directives name
/// them: WhatsApp's client logs phone numbers, pairing codes and whole stanzas at every level below.
///
/// # Errors
/// `level` is neither a level nor a list of directives.
pub(crate) fn start(format: LogFormat, level: &str) -> Result<(), ParseError> {
    start_with(format, level, None)
}

/// The same, and hands spans to `spans`.
///
/// # Errors
/// See [`start`].
pub(crate) fn start_with(format: LogFormat, level: &str, spans: Option<SpanLayer>) -> Result<(), ParseError> {
    let directives = match level.parse::<LevelFilter>() {
        Ok(level) => format!("error,postern={level}"),
        Err(_directives) => format!("error,{level}"),
    };
    let filter = EnvFilter::try_new(directives)?;
    let human = match format {
        LogFormat::Human => true,
        LogFormat::Json => false,
        LogFormat::Auto => std::io::stderr().is_terminal(),
    };
    // A second start (a demo inside a test) keeps the first one's settings.
    let started = match spans {
        None => registry().with(filter).with(lines(human)).try_init(),
        // What one of the two leaves out the other may take.
        Some(spans) => registry()
            .with(spans)
            .with(lines(human).with_filter(filter))
            .try_init(),
    };
    if started.is_err() {
        tracing::debug!("logging was started before");
    }
    Ok(())
}

fn lines<S>(human: bool) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let lines = fmt::layer().with_writer(std::io::stderr);
    if human {
        return Box::new(lines.with_target(false));
    }
    let lines = lines.json().flatten_event(true);
    Box::new(lines.with_current_span(false).with_span_list(false))
}
