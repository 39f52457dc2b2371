//! The `Idempotency-Key` header.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::HeaderName;
use actix_web::{FromRequest, HttpRequest};

use crate::errors::ApiError;

/// The header's name as it is documented.
const NAME: &str = "Idempotency-Key";
const HEADER: HeaderName = HeaderName::from_static("idempotency-key");
/// The longest key.
const MAX_LENGTH: usize = 255;

/// The caller's key, where there is one: 1 to 255 printable ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IdempotencyHeader(pub(crate) Option<String>);

impl FromRequest for IdempotencyHeader {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let mut values = request.headers().get_all(HEADER);
        let key = match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(value), None) => checked(value.as_bytes()).map(Some),
            (Some(_), Some(_)) => Err(ApiError::field(NAME, "is given twice")),
        };
        ready(key.map(Self))
    }
}

fn checked(key: &[u8]) -> Result<String, ApiError> {
    let printable = key.iter().all(|byte| (0x20..=0x7e).contains(byte));
    match std::str::from_utf8(key) {
        Ok(text) if printable && (1..=MAX_LENGTH).contains(&key.len()) => Ok(text.to_owned()),
        _ => Err(ApiError::field(
            NAME,
            format!("must be 1 to {MAX_LENGTH} printable ASCII characters"),
        )),
    }
}
