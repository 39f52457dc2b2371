//! What makes two requests with one idempotency key the same request.
//!
//! The fingerprint covers what was understood, not how it was written: whitespace, the order of keys,
//! `+1555…` or `1555…`, and a default left out or spelled out make no difference. What a later release has added is
//! covered only where it is there: a request is repeated across an upgrade with the fingerprint it had.

use postern_domain::Content;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::batch::{CheckedBatch, Item};
use super::request::Checked;

/// SHA-256 over method, path and the parsed body.
pub(super) fn of(endpoint: &str, message: &Checked) -> [u8; 32] {
    let mut digest = Sha256::new();
    put(&mut digest, endpoint.as_bytes());
    put_message(&mut digest, message);
    digest.finalize().into()
}

/// The same of a batch. Its bad messages are part of it as JSON: nothing else was understood of them.
pub(super) fn of_batch(endpoint: &str, batch: &CheckedBatch) -> [u8; 32] {
    let mut digest = Sha256::new();
    put(&mut digest, endpoint.as_bytes());
    digest.update([u8::from(batch.partial)]);
    for item in &batch.items {
        match item {
            Item::Good(message) => {
                digest.update([1]);
                put_message(&mut digest, message);
            }
            Item::Bad { json, .. } => {
                digest.update([0]);
                match serde_json::from_str(json.get()) {
                    Ok(value) => put(&mut digest, sorted(&value).to_string().as_bytes()),
                    Err(_unreadable) => put(&mut digest, json.get().as_bytes()),
                }
            }
        }
    }
    digest.finalize().into()
}

fn put_message(digest: &mut Sha256, message: &Checked) {
    put(digest, &message.device.to_bytes());
    put(digest, message.to.to_string().as_bytes());
    put(digest, message.content.type_name().as_bytes());
    match &message.content {
        Content::Text { body } => put(digest, body.as_bytes()),
        Content::Unsupported { kind } => put(digest, kind.as_bytes()),
        Content::Undecryptable => {}
    }
    match message.send_at {
        Some(time) => put(digest, &time.as_millis().to_be_bytes()),
        None => put(digest, b""),
    }
    match &message.metadata {
        Some(metadata) => put(
            digest,
            sorted(&Value::Object(metadata.clone())).to_string().as_bytes(),
        ),
        None => put(digest, b""),
    }
    digest.update([message.if_disconnected as u8]);
    if let Some(reference) = &message.client_reference {
        // Told from the 0 or 1 that the next message of a batch begins with.
        digest.update([2]);
        put(digest, reference.as_str().as_bytes());
    }
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
