//! What callers write about keys, checked.

use postern_domain::{Scopes, Timestamp};

use crate::auth::Network;
use crate::errors::FieldError;

/// The most networks of a key.
const MAX_NETWORKS: usize = 20;

/// # Errors
/// None, or an unknown one.
pub(crate) fn scopes(names: &[String]) -> Result<Scopes, FieldError> {
    if names.is_empty() {
        return Err(FieldError::new("scopes", "must have at least one scope"));
    }
    let scopes = names.iter().enumerate().map(|(index, name)| {
        name.parse()
            .map_err(|why| FieldError::new(format!("scopes[{index}]"), format!("{why}")))
    });
    scopes.collect()
}

/// # Errors
/// Too many, or one that is no network.
pub(super) fn networks(texts: &[String]) -> Result<Vec<String>, FieldError> {
    if texts.len() > MAX_NETWORKS {
        let why = format!("may have {MAX_NETWORKS} networks at most");
        return Err(FieldError::new("allowedIps", why));
    }
    let networks = texts.iter().enumerate().map(|(index, text)| {
        let network = text.parse::<Network>();
        network
            .map(|network| network.to_string())
            .map_err(|why| FieldError::new(format!("allowedIps[{index}]"), why.to_string()))
    });
    networks.collect()
}

/// # Errors
/// Not a time, or a past one.
pub(super) fn expiry(text: &str, now: Timestamp) -> Result<Timestamp, FieldError> {
    let why = match Timestamp::from_rfc3339(text) {
        None => "must be a time in RFC 3339 with an offset, e.g. 2026-12-01T09:00:00Z",
        Some(time) if time <= now => "must be in the future",
        Some(time) => return Ok(time),
    };
    Err(FieldError::new("expiresAt", why))
}
