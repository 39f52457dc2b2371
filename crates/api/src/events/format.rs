//! What an event is written as: JSON, or protobuf where the caller asks for it.

use actix_web::http::header::{self, HeaderMap};
use bytes::{BufMut as _, Bytes, BytesMut};
use postern_domain::Event;

/// The media type of a sequence of protobuf messages, each after its length.
pub(super) const PROTOBUF: &str = "application/x-protobuf";

/// What events are written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// JSON: a list, or server-sent events.
    Json,
    /// `postern.v1.Event`, each after its length as a varint.
    Protobuf,
}

impl Format {
    /// Protobuf where `Accept` names it, else JSON.
    pub(super) fn accepted(headers: &HeaderMap) -> Self {
        let named = headers
            .get_all(header::ACCEPT)
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .filter_map(|range| range.split(';').next())
            .any(|range| range.trim().eq_ignore_ascii_case(PROTOBUF));
        if named { Self::Protobuf } else { Self::Json }
    }

    /// What a stream is declared as.
    pub(super) fn of_a_stream(self) -> &'static str {
        match self {
            Self::Json => "text/event-stream",
            Self::Protobuf => PROTOBUF,
        }
    }

    /// What a stream begins with. An answer without a byte is held back by some proxies.
    pub(super) fn greeting(self) -> Bytes {
        match self {
            Self::Json => Bytes::from_static(b"retry: 2000\n\n"),
            Self::Protobuf => self.heartbeat(),
        }
    }

    /// What a stream that has nothing to say says to show that it is alive.
    pub(super) fn heartbeat(self) -> Bytes {
        match self {
            Self::Json => Bytes::from_static(b": heartbeat\n\n"),
            // A message without fields.
            Self::Protobuf => Bytes::from_static(&[0]),
        }
    }

    /// An event in a stream.
    pub(super) fn frame(self, event: &Event) -> Bytes {
        match self {
            Self::Json => server_sent(event).into(),
            Self::Protobuf => delimited(event),
        }
    }
}

fn server_sent(event: &Event) -> String {
    // JSON has no line breaks, so that one line of data is enough.
    let (id, kind, body) = (event.id, event.kind.name(), postern_payloads::body(event));
    format!("id: {id}\nevent: {kind}\ndata: {body}\n\n")
}

/// A protobuf message after its length.
pub(super) fn delimited(event: &Event) -> Bytes {
    let message = event.encode();
    let mut frame = BytesMut::with_capacity(message.len() + 5);
    let mut rest = message.len();
    while rest >= 0x80 {
        frame.put_u8(u8::try_from(rest & 0x7f).unwrap_or_default() | 0x80);
        rest >>= 7;
    }
    frame.put_u8(u8::try_from(rest).unwrap_or_default());
    frame.extend_from_slice(&message);
    frame.freeze()
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;
    use postern_domain::EventType;
    use postern_payloads::example;

    use super::*;

    #[test]
    fn a_server_sent_event_is_three_lines() {
        for kind in EventType::ALL {
            let frame = Format::Json.frame(&example(kind));
            let text = String::from_utf8(frame.to_vec()).expect("text");
            let lines: Vec<_> = text.split('\n').collect();
            let [id, event, data, "", ""] = lines.as_slice() else {
                panic!("{text}");
            };
            assert_eq!(
                id.strip_prefix("id: "),
                Some(example(kind).id.to_string().as_str())
            );
            assert_eq!(event.strip_prefix("event: "), Some(kind.name()));
            assert_eq!(
                data.strip_prefix("data: "),
                Some(postern_payloads::body(&example(kind)).as_str())
            );
        }
    }

    #[test]
    fn protobuf_has_to_be_named() {
        for (accept, format) in [
            ("*/*", Format::Json),
            ("text/event-stream", Format::Json),
            ("application/x-protobuf", Format::Protobuf),
            ("text/html, Application/X-Protobuf;q=0.9", Format::Protobuf),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
            assert_eq!(Format::accepted(&headers), format, "{accept}");
        }
    }
}
