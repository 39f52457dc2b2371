//! Log lines: for people on a terminal, JSON for machines; never bodies, phone numbers or keys.

use std::fmt;
use std::io::IsTerminal as _;

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer, registry};

use crate::config::{LogConfig, LogFormat};
use crate::telemetry::SpanLayer;

/// The crates of WhatsApp's client: each of their modules begins with one of these.
const CLIENT: [&str; 3] = ["whatsapp_rust", "wacore", "waproto"];

/// Starts logging to standard error, and hands spans to `spans`.
///
/// WhatsApp's client is not heard at all unless `log.client` says so, whatever the directives: it logs phone numbers,
/// pairing codes and whole stanzas, some of it even as errors, and under targets of its own making.
///
/// # Errors
/// `level` is neither a level nor a list of directives.
pub(crate) fn start(config: &LogConfig, spans: Option<SpanLayer>) -> Result<(), ParseError> {
    let filter = config.filter()?;
    let discretion = (!config.client).then_some(Discretion);
    let human = match config.format {
        LogFormat::Human => true,
        LogFormat::Json => false,
        LogFormat::Auto => std::io::stderr().is_terminal(),
    };
    // A second start (a demo inside a test) keeps the first one's settings.
    let started = match spans {
        None => registry()
            .with(filter)
            .with(lines(human))
            .with(discretion)
            .try_init(),
        // What one of the two leaves out the other may take.
        Some(spans) => registry()
            .with(spans)
            .with(lines(human).with_filter(filter))
            .with(discretion)
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
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    if human {
        return Box::new(lines.with_target(false));
    }
    let lines = lines.json().flatten_event(true);
    Box::new(lines.with_current_span(false).with_span_list(false))
}

/// Keeps what WhatsApp's client says to itself.
struct Discretion;

impl<S: Subscriber> Layer<S> for Discretion {
    fn event_enabled(&self, event: &Event<'_>, _context: Context<'_, S>) -> bool {
        let mut module = Module(event.metadata().module_path().is_some_and(is_of_the_client));
        // What came by the `log` crate has its module in a field.
        event.record(&mut module);
        !module.0
    }
}

/// Whether an event is of the client.
struct Module(bool);

impl Visit for Module {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0 |= field.name() == "log.module_path" && is_of_the_client(value);
    }

    fn record_debug(&mut self, _field: &Field, _value: &dyn fmt::Debug) {}
}

fn is_of_the_client(module: &str) -> bool {
    CLIENT.iter().any(|name| module.starts_with(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_crate_of_the_client_is_known() {
        for module in ["whatsapp_rust::pair_code", "wacore_libsignal::protocol", "wacore"] {
            assert!(is_of_the_client(module), "{module}");
        }
        assert!(!is_of_the_client("postern_whatsapp::client"));
    }
}
