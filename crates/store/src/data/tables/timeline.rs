//! The steps of a message: one protobuf blob in its row, to which encoded steps are appended.

use postern_domain::{MessageStatus, TimelineEntry, Timestamp, proto};
use prost::Message as _;

use super::columns::unreadable;
use crate::StoreError;

/// One step, encoded so that it can be appended to what is stored.
pub(in crate::data) fn step(status: MessageStatus, at: Timestamp, detail: &str) -> Vec<u8> {
    proto::Timeline {
        entries: vec![proto::TimelineEntry {
            status: u32::from(status.number()),
            at_ms: at.as_millis(),
            detail: detail.to_owned(),
        }],
    }
    .encode_to_vec()
}

/// Reads a stored timeline.
pub(in crate::data) fn decode(bytes: &[u8]) -> Result<Vec<TimelineEntry>, StoreError> {
    let stored = proto::Timeline::decode(bytes).map_err(|_not_a_timeline| unreadable("a stored timeline"))?;
    stored.entries.into_iter().map(entry).collect()
}

fn entry(entry: proto::TimelineEntry) -> Result<TimelineEntry, StoreError> {
    let status = u8::try_from(entry.status)
        .ok()
        .and_then(MessageStatus::from_number)
        .ok_or_else(|| unreadable("a status in a stored timeline"))?;
    Ok(TimelineEntry {
        status,
        at: Timestamp::from_millis(entry.at_ms),
        detail: Some(entry.detail).filter(|detail| !detail.is_empty()),
    })
}
