//! `postern listen`: follows the events of a running daemon, and posts each to a consumer on this machine.
//!
//! It remembers the last event it dealt with and goes on after that one whenever the stream ends, so nothing is missed and
//! nothing comes twice. What is printed of an event goes to standard output, everything else to standard error.

mod forward;

use std::time::Duration;

use postern_runtime::{Clock as _, SystemClock};
use tokio::time::sleep;

use self::forward::Forwarder;
use crate::cli::{ListenCommand, PrintEvents, Since};
use crate::client::events::{Body, Heard};
use crate::client::{Client, find};
use crate::print::{print, printable};

/// The first pause before the daemon is asked again; doubled each time, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Listens until it is stopped, or the daemon refuses.
pub(crate) async fn command(flags: ListenCommand, environment: &[(String, String)]) -> anyhow::Result<()> {
    let client = Client::new(&flags.daemon, environment)?;
    let mut query = Vec::new();
    if !flags.types.is_empty() {
        let names: Vec<_> = flags.types.iter().map(|kind| kind.name()).collect();
        query.push(("type", names.join(",")));
    }
    if let Some(named) = &flags.device {
        query.push(("deviceId", find::device(&client, named).await?.id));
    }
    let (mut last, from) = match &flags.since {
        Some(Since::Event(id)) => (Some(id.to_string()), None),
        Some(since) => (None, since.time(SystemClock.now())),
        // Where the log is empty, everything is new.
        None => match client.newest_event().await? {
            Some(id) => (Some(id), None),
            None => (None, Some("1970-01-01T00:00:00Z".to_owned())),
        },
    };
    query.extend(from.map(|from| ("from", from)));
    let sink = match flags.forward {
        Some(url) => Sink::Forward(Forwarder::new(url, flags.secret)?),
        None => Sink::Print(flags.print),
    };
    let mut pause = None;
    loop {
        match client.events(&query, last.as_deref()).await {
            Ok(mut stream) => {
                if pause.is_some() {
                    eprintln!("postern: the daemon is back");
                }
                pause = Some(FIRST_PAUSE);
                while let Some(heard) = stream.next().await {
                    sink.take(&heard).await?;
                    last = Some(heard.id);
                }
                eprintln!("postern: the stream ended; listening again as soon as the daemon answers");
            }
            // Only a daemon that was there once is waited for.
            Err(failure) if pause.is_some() && failure.passes() => {}
            Err(failure) => return Err(failure.into()),
        }
        let now = pause.unwrap_or(FIRST_PAUSE);
        sleep(now).await;
        pause = Some((now * 2).min(LONGEST_PAUSE));
    }
}

/// Where events go.
enum Sink {
    Print(PrintEvents),
    Forward(Forwarder),
}

impl Sink {
    async fn take(&self, heard: &Heard) -> anyhow::Result<()> {
        let (kind, id) = (printable(&heard.kind), printable(&heard.id));
        let line = match self {
            Self::Forward(forwarder) => {
                let outcome = forwarder.post(heard).await;
                format!("{kind:<20} {outcome:<12} {id}\n")
            }
            Self::Print(PrintEvents::Line) => {
                let body: Body<'_> = serde_json::from_str(&heard.body)?;
                format!("{} {kind:<20} {id}\n", printable(body.timestamp))
            }
            Self::Print(PrintEvents::Json) => {
                let body: Body<'_> = serde_json::from_str(&heard.body)?;
                let (timestamp, data) = (body.timestamp, body.data);
                format!("{{\"id\":{id:?},\"type\":{kind:?},\"timestamp\":{timestamp:?},\"data\":{data}}}\n")
            }
        };
        Ok(print(&line)?)
    }
}
