//! An event that many streams write: each way of writing it is made once.

use std::sync::OnceLock;

use bytes::Bytes;
use postern_domain::Event;

use super::format::Format;

/// An event, and what it was written as so far.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) event: Event,
    json: OnceLock<Bytes>,
    protobuf: OnceLock<Bytes>,
}

impl Entry {
    pub(super) fn new(event: Event) -> Self {
        Self {
            event,
            json: OnceLock::new(),
            protobuf: OnceLock::new(),
        }
    }

    /// The event in a stream.
    pub(super) fn frame(&self, format: Format) -> Bytes {
        let made = match format {
            Format::Json => &self.json,
            Format::Protobuf => &self.protobuf,
        };
        made.get_or_init(|| format.frame(&self.event)).clone()
    }
}
