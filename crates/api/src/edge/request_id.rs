//! The id of one request: the caller's own where it is sane, else a new one.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use ulid::Ulid;

/// The header it comes and goes in.
pub(super) const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// 1 to 64 letters, digits, `_` or `-`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RequestId(String);

impl RequestId {
    /// Takes over the caller's id if it can be put into a log and a header as it is.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        headers
            .get(HEADER)
            .and_then(|value| value.to_str().ok())
            .filter(|text| is_sane(text))
            .map_or_else(
                || Self(format!("req_{}", Ulid::new())),
                |text| Self(text.to_owned()),
            )
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn to_header(&self) -> HeaderValue {
        // Its characters are visible ASCII, so this cannot fail.
        HeaderValue::from_str(&self.0).unwrap_or_else(|_| HeaderValue::from_static("unknown"))
    }
}

fn is_sane(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sane_id_is_taken_over_and_anything_else_replaced() {
        let of = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(HEADER, HeaderValue::from_str(text).expect("a header"));
            RequestId::of(&headers).0
        };
        assert_eq!(of("job-17_retry-2"), "job-17_retry-2");
        for bad in ["", "a b", "a\"b", "a=b", &"x".repeat(65)] {
            assert!(of(bad).starts_with("req_"), "{bad}");
        }
        assert_eq!(RequestId::of(&HeaderMap::new()).0.len(), 30);
    }
}
