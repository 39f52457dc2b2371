//! What people and programs may set of an API key, checked.

use std::time::Duration;

use crate::{FieldProblem, Network, Scopes, Timestamp};

/// For how long a key and its successor are both valid unless told.
pub const KEY_OVERLAP: Duration = Duration::from_hours(24);
/// The longest they can be.
pub const MOST_KEY_OVERLAP: Duration = Duration::from_hours(30 * 24);
/// The most networks of a key.
const MAX_NETWORKS: usize = 20;

/// What a key may be used for, by the names of scopes.
///
/// # Errors
/// There is none, or an unknown one.
pub fn checked_scopes(names: &[String]) -> Result<Scopes, FieldProblem> {
    if names.is_empty() {
        return Err(FieldProblem::new("scopes", "must have at least one scope"));
    }
    let scopes = names.iter().enumerate().map(|(index, name)| {
        name.parse()
            .map_err(|why| FieldProblem::new(format!("scopes[{index}]"), format!("{why}")))
    });
    scopes.collect()
}

/// From where a key may be used, as it is stored; none is from anywhere.
///
/// # Errors
/// Too many, or one that is no network.
pub fn checked_networks(texts: &[String]) -> Result<Vec<String>, FieldProblem> {
    if texts.len() > MAX_NETWORKS {
        let why = format!("may have {MAX_NETWORKS} networks at most");
        return Err(FieldProblem::new("allowedIps", why));
    }
    let networks = texts.iter().enumerate().map(|(index, text)| {
        let network = text.parse::<Network>();
        network
            .map(|network| network.to_string())
            .map_err(|why| FieldProblem::new(format!("allowedIps[{index}]"), why.to_string()))
    });
    networks.collect()
}

/// From when on a key is no longer valid.
///
/// # Errors
/// Not a time, or a past one.
pub fn checked_expiry(text: &str, now: Timestamp) -> Result<Timestamp, FieldProblem> {
    let why = match Timestamp::from_rfc3339(text) {
        None => "must be a time in RFC 3339 with an offset, e.g. 2026-12-01T09:00:00Z",
        Some(time) if time <= now => "must be in the future",
        Some(time) => return Ok(time),
    };
    Err(FieldProblem::new("expiresAt", why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_named() {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let field = |problem: FieldProblem| problem.field;
        assert_eq!(checked_scopes(&[]).map_err(field), Err("scopes".to_owned()));
        let wrong = checked_scopes(&texts(&["admin", "everything"]));
        assert_eq!(wrong.map_err(field), Err("scopes[1]".to_owned()));
        let wrong = checked_networks(&texts(&["10.0.0.1", "here"]));
        assert_eq!(wrong.map_err(field), Err("allowedIps[1]".to_owned()));
        assert_eq!(
            checked_networks(&texts(&["10.0.0.1"])),
            Ok(texts(&["10.0.0.1/32"]))
        );
        let now = Timestamp::from_millis(0);
        for bad in ["tomorrow", "1970-01-01T00:00:00Z"] {
            let wrong = checked_expiry(bad, now).map_err(field);
            assert_eq!(wrong, Err("expiresAt".to_owned()), "{bad}");
        }
        assert!(checked_expiry("1970-01-01T00:00:01Z", now).is_ok());
    }
}
