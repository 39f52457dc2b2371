//! The events of a running daemon, as they happen.

use std::time::Duration;

use reqwest::Method;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::timeout;
use url::form_urlencoded;

use super::{Client, Failure};

/// The daemon says something every 15 seconds; longer than this, and the connection is dead.
const SILENCE: Duration = Duration::from_secs(45);
/// A stream has no end; the limit of other calls does not apply.
const ENDLESS: Duration = Duration::from_hours(24 * 365);
/// More than any event has.
const MOST: usize = 16 << 20;

/// A stream of events that is open.
pub(crate) struct EventStream {
    response: reqwest::Response,
    unread: Vec<u8>,
}

/// An event, as the daemon wrote it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) id: String,
    pub(crate) kind: String,
    /// The body of its webhook, byte for byte.
    pub(crate) body: String,
}

#[derive(Deserialize)]
struct Page {
    data: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    id: String,
}

/// What there is in the body of an event.
#[derive(Deserialize)]
pub(crate) struct Body<'a> {
    pub(crate) timestamp: &'a str,
    #[serde(borrow)]
    pub(crate) data: &'a RawValue,
}

impl Client {
    /// The id of the newest event; nothing when there is none.
    pub(crate) async fn newest_event(&self) -> Result<Option<String>, Failure> {
        let page: Page = self.read(self.request(Method::GET, "/v1/events?limit=1")).await?;
        Ok(page.data.into_iter().next().map(|row| row.id))
    }

    /// Opens a stream of the events after `last`.
    pub(crate) async fn events(
        &self,
        query: &[(&str, String)],
        last: Option<&str>,
    ) -> Result<EventStream, Failure> {
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(query)
            .finish();
        let path = format!("/v1/events/stream?{query}");
        let mut request = self.request(Method::GET, &path).timeout(ENDLESS);
        if let Some(last) = last {
            request = request.header("Last-Event-ID", last);
        }
        let answered = timeout(SILENCE, request.send()).await;
        let response = match answered {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(Failure::without_answer(&self.url, &error)),
            Err(_elapsed) => return Err(self.silent()),
        };
        let status = response.status().as_u16();
        if status != 200 {
            let body = response.text().await.unwrap_or_default();
            return Err(Failure::from_answer(&self.url, status, &body));
        }
        Ok(EventStream {
            response,
            unread: Vec::new(),
        })
    }

    fn silent(&self) -> Failure {
        Failure::NoAnswer {
            url: self.url.clone(),
            cause: "it took too long".to_owned(),
        }
    }
}

impl EventStream {
    /// The next event; nothing when the stream is over, broken or dead.
    pub(crate) async fn next(&mut self) -> Option<Heard> {
        loop {
            while let Some(piece) = self.piece() {
                if let Some(heard) = heard(&piece) {
                    return Some(heard);
                }
            }
            let Ok(Ok(Some(bytes))) = timeout(SILENCE, self.response.chunk()).await else {
                return None;
            };
            self.unread.extend_from_slice(&bytes);
            if self.unread.len() > MOST {
                return None;
            }
        }
    }

    /// What is read up to the next empty line.
    fn piece(&mut self) -> Option<String> {
        let end = self.unread.windows(2).position(|pair| pair == b"\n\n")?;
        let piece = self.unread.drain(..end + 2).collect::<Vec<_>>();
        Some(String::from_utf8_lossy(&piece).into_owned())
    }
}

/// The event in a piece of a stream; comments are none.
fn heard(piece: &str) -> Option<Heard> {
    let field = |name: &str| {
        piece
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .map(str::to_owned)
    };
    Some(Heard {
        id: field("id: ")?,
        kind: field("event: ")?,
        body: field("data: ")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_told_from_what_keeps_the_stream_alive() {
        let event = heard("id: evt_1\nevent: message.sent\ndata: {\"type\":1}\n\n").expect("an event");
        assert_eq!(
            (event.id.as_str(), event.kind.as_str()),
            ("evt_1", "message.sent")
        );
        assert_eq!(event.body, "{\"type\":1}");
        assert_eq!(heard(": heartbeat\n\n"), None);
        assert_eq!(heard("retry: 2000\n\n"), None);
    }
}
