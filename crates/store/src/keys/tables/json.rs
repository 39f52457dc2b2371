//! wacore's own structs as JSON, the form in which its later versions can still read what they stored before.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::sqlite::StoreError;

pub(in crate::keys) fn encode(what: &'static str, value: &impl Serialize) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(value).map_err(|error| invalid(what, &error))
}

pub(in crate::keys) fn decode<T: DeserializeOwned>(what: &'static str, json: &[u8]) -> Result<T, StoreError> {
    serde_json::from_slice(json).map_err(|error| invalid(what, &error))
}

/// Says where the JSON goes wrong; serde's own text may quote the value.
fn invalid(what: &'static str, error: &serde_json::Error) -> StoreError {
    StoreError::Invalid {
        what,
        reason: format!("{:?} error at column {}", error.classify(), error.column()),
    }
}
