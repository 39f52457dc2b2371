//! What makes two requests with one idempotency key the same request.
//!
//! The fingerprint covers what was understood, not how it was written: whitespace, the order of keys,
//! `+1555…` or `1555…`, and a default left out or spelled out make no difference.

use postern_domain::Content;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::request::Checked;

/// SHA-256 over method, path and the parsed body.
pub(super) fn of(endpoint: &str, request: &Checked) -> [u8; 32] {
    let mut digest = Sha256::new();
    put(&mut digest, endpoint.as_bytes());
    put(&mut digest, &request.device.to_bytes());
    put(&mut digest, request.to.to_string().as_bytes());
    put(&mut digest, request.content.type_name().as_bytes());
    match &request.content {
        Content::Text { body } => put(&mut digest, body.as_bytes()),
        Content::Unsupported { kind } => put(&mut digest, kind.as_bytes()),
    }
    match request.send_at {
        Some(time) => put(&mut digest, &time.as_millis().to_be_bytes()),
        None => put(&mut digest, b""),
    }
    match &request.metadata {
        Some(metadata) => put(
            &mut digest,
            sorted(&Value::Object(metadata.clone())).to_string().as_bytes(),
        ),
        None => put(&mut digest, b""),
    }
    digest.update([request.if_disconnected as u8]);
    digest.finalize().into()
}

/// With its length before it, so that no two lists of parts give the same bytes.
fn put(digest: &mut Sha256, part: &[u8]) {
    digest.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
    digest.update(part);
}

/// The same value with the keys of every object in order, whatever map serde_json was built with.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            let entries = entries
                .into_iter()
                .map(|(key, value)| (key.clone(), sorted(value)));
            Value::Object(entries.collect())
        }
        Value::Array(values) => Value::Array(values.iter().map(sorted).collect()),
        scalar => scalar.clone(),
    }
}
