//! JSON bodies: read up to the limit, parsed strictly, refused with the field that is to blame.

use std::fmt;
use std::marker::PhantomData;

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header::{self, HeaderMap};
use actix_web::{FromRequest, HttpRequest, web};
use futures_util::StreamExt as _;
use futures_util::future::LocalBoxFuture;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::edge::is_late;
use crate::errors::{ApiError, ErrorCode, FieldError};
use crate::{Api, ApiConfig};

/// A JSON body; it must be there.
pub(crate) struct Json<T>(pub(crate) T);

/// A JSON body that must be there and may be as large as a batch.
pub(crate) struct LargeJson<T>(pub(crate) T);

/// A JSON body whose every field may be left out, and so may the body.
pub(crate) struct OptionalJson<T>(pub(crate) T);

/// A JSON object. serde alone takes an array for a struct, too, and would let `"text": ["hi"]` pass.
pub(crate) struct Object<T>(pub(crate) T);

/// The body of a request that takes none: nothing, or `{}`.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Empty {}

impl<T: DeserializeOwned + 'static> FromRequest for Json<T> {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let body = read(request, payload, |config| config.body_limit);
        let declared = declares_json(request.headers());
        Box::pin(async move {
            if !declared {
                return Err(unsupported());
            }
            parse(&body.await?).map(Self)
        })
    }
}

impl<T: DeserializeOwned + Send + 'static> FromRequest for LargeJson<T> {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let body = read(request, payload, |config| config.batch_body_limit);
        let declared = declares_json(request.headers());
        Box::pin(async move {
            if !declared {
                return Err(unsupported());
            }
            let body = body.await?;
            // Elsewhere: this thread has other requests to serve.
            let parsed = web::block(move || parse(&body)).await;
            parsed.map_err(ApiError::internal)?.map(Self)
        })
    }
}

impl<T: DeserializeOwned + Default + 'static> FromRequest for OptionalJson<T> {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let body = read(request, payload, |config| config.body_limit);
        let declared = declares_json(request.headers());
        Box::pin(async move {
            let body = body.await?;
            if body.is_empty() {
                return Ok(Self(T::default()));
            }
            if !declared {
                return Err(unsupported());
            }
            parse(&body).map(Self)
        })
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Object)
    }
}

/// For a field where `null` is something else than nothing at all.
pub(crate) fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

fn declares_json(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|media_type| {
            let media_type = media_type.trim().to_ascii_lowercase();
            media_type == "application/json"
                || (media_type.starts_with("application/") && media_type.ends_with("+json"))
        })
}

fn unsupported() -> ApiError {
    ApiError::new(
        ErrorCode::UnsupportedMediaType,
        "send the body as JSON, with \"Content-Type: application/json\"",
    )
}

fn read(
    request: &HttpRequest,
    payload: &mut Payload,
    limit: fn(&ApiConfig) -> usize,
) -> impl Future<Output = Result<Vec<u8>, ApiError>> + 'static {
    let api = request.app_data::<web::Data<Api>>();
    let limit = api.map_or(0, |api| limit(&api.config));
    let length = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    let mut payload = payload.take();
    async move {
        if length.is_some_and(|length| length > limit) {
            return Err(too_large(limit));
        }
        let mut body = Vec::with_capacity(length.unwrap_or(0));
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(unreadable)?;
            if body.len() + chunk.len() > limit {
                return Err(too_large(limit));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

fn too_large(limit: usize) -> ApiError {
    ApiError::new(
        ErrorCode::PayloadTooLarge,
        format!("the request body is larger than {limit} bytes"),
    )
}

fn unreadable(broken: PayloadError) -> ApiError {
    if is_late(&broken) {
        return ApiError::new(
            ErrorCode::RequestTimeout,
            "the request body did not arrive in time; send it again",
        );
    }
    ApiError::new(
        ErrorCode::Validation,
        format!("the request body could not be read: {broken}"),
    )
}

/// Parses a body strictly.
pub(crate) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    if body.is_empty() {
        return Err(ApiError::new(
            ErrorCode::Validation,
            "the request body is empty; send a JSON object",
        ));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let Object(parsed) = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        if !error.inner().is_data() {
            return malformed(error.inner());
        }
        let blamed = blame(&error);
        if blamed.field.is_empty() {
            let message = format!("the request body is not acceptable: {}", blamed.message);
            return ApiError::new(ErrorCode::Validation, message);
        }
        blamed.into()
    })?;
    deserializer.end().map_err(|error| malformed(&error))?;
    Ok(parsed)
}

/// Parses an object that is a part of a body, as strictly.
///
/// # Errors
/// What is to blame, named from the part on; empty when it is the part itself.
pub(crate) fn parse_part<T: DeserializeOwned>(part: &RawValue) -> Result<T, FieldError> {
    let mut deserializer = serde_json::Deserializer::from_str(part.get());
    match serde_path_to_error::deserialize(&mut deserializer) {
        Ok(Object(parsed)) => Ok(parsed),
        Err(error) => Err(blame(&error)),
    }
}

fn malformed(error: &serde_json::Error) -> ApiError {
    // What serde_json says here names a position, never a value.
    ApiError::new(ErrorCode::Validation, format!("malformed JSON: {error}"))
}

/// Which field is to blame, and why; none when it is the whole.
fn blame(error: &serde_path_to_error::Error<serde_json::Error>) -> FieldError {
    let text = error.inner().to_string();
    let said = text.split(" at line ").next().unwrap_or(&text);
    let path = error.path().to_string();
    let parent = if path == "." { "" } else { &path };
    match named_field(said) {
        Some((name, message)) => FieldError::new(join(parent, name), message),
        None => FieldError::new(parent, said),
    }
}

/// serde reports these against the object they are missing from, or not known in, by name.
fn named_field(said: &str) -> Option<(&str, String)> {
    let (kind, rest) = said.split_once('`')?;
    let (name, rest) = rest.split_once('`')?;
    let message = match kind {
        "missing field " => "is required".to_owned(),
        "unknown field " if rest.is_empty() || rest.contains("there are no fields") => {
            "is not a known field; none is taken here".to_owned()
        }
        "unknown field " => format!("is not a known field{rest}"),
        "duplicate field " => "is given twice".to_owned(),
        _ => return None,
    };
    Some((name, message))
}

fn join(parent: &str, name: &str) -> String {
    let ends_with_it = parent == name || parent.ends_with(&format!(".{name}"));
    match parent {
        "" => name.to_owned(),
        // For an unknown field the path includes it already.
        _ if ends_with_it => parent.to_owned(),
        _ => format!("{parent}.{name}"),
    }
}
