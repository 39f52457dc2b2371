//! Reading requests: the phone number in the path, and a JSON body without unknown fields.

use actix_web::error::QueryPayloadError;
use actix_web::web::{self, PayloadConfig, QueryConfig};
use postern_domain::PhoneNumber;
use serde::de::DeserializeOwned;

use super::error::ControlError;

/// Larger bodies are refused before they are read.
const BODY_LIMIT: usize = 1024 * 1024;

pub(super) fn body_limit() -> PayloadConfig {
    PayloadConfig::new(BODY_LIMIT)
}

/// Parameters behind the question mark are refused as fields of a body are.
pub(super) fn query_errors() -> QueryConfig {
    QueryConfig::default().error_handler(|error, _request| {
        let message = match &error {
            QueryPayloadError::Deserialize(inner) => inner.to_string(),
            other => other.to_string(),
        };
        ControlError::invalid(&field_of(".", &message), message).into()
    })
}

/// The number in a path, with `+`, with `%2B`, or without.
pub(super) fn phone(path: &web::Path<String>) -> Result<PhoneNumber, ControlError> {
    parse_phone("phone", path)
}

pub(super) fn parse_phone(field: &str, text: &str) -> Result<PhoneNumber, ControlError> {
    text.parse().map_err(|error| ControlError::invalid(field, error))
}

/// The body as `T`; the error names the field that is wrong.
pub(super) fn body<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ControlError> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let message = error.inner().to_string();
        ControlError::invalid(&field_of(&error.path().to_string(), &message), message)
    })?;
    json.end().map_err(|error| ControlError::invalid("", error))?;
    Ok(value)
}

/// Where nothing has to be said, an empty body says it.
pub(super) fn optional_body<T: DeserializeOwned + Default>(bytes: &[u8]) -> Result<T, ControlError> {
    if bytes.is_empty() {
        return Ok(T::default());
    }
    body(bytes)
}

/// Serde names an unknown or missing field only in its message.
fn field_of(path: &str, message: &str) -> String {
    if path != "." {
        return path.to_owned();
    }
    let named = ["unknown field `", "missing field `"]
        .iter()
        .find_map(|prefix| message.strip_prefix(prefix)?.split('`').next());
    named.unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only whether it can be read matters")]
    struct Asked {
        text: String,
    }

    #[test]
    fn errors_name_the_field() {
        let field = |json: &str| match body::<Asked>(json.as_bytes()) {
            Err(ControlError::Validation { field, .. }) => Some(field),
            _ => None,
        };
        assert_eq!(field(r#"{"text":"a"}"#), None);
        assert_eq!(field(r#"{"text":1}"#).as_deref(), Some("text"));
        assert_eq!(field(r#"{"text":"a","other":1}"#).as_deref(), Some("other"));
        assert_eq!(field("{}").as_deref(), Some("text"));
        assert_eq!(field(r#"{"text":"a"} {}"#).as_deref(), Some(""));
        assert_eq!(field("").as_deref(), Some(""));
    }
}
