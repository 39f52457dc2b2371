//! The one table of error codes, and the envelope every error is answered in.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use postern_domain::{EventId, FieldProblem};
use postern_store::StoreError;
use serde::Serialize;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// How many fields one error names at most.
const MOST_DETAILS: usize = 100;
/// Where to begin again when the event to go on after is gone.
const OLDEST_EVENT_ID: HeaderName = HeaderName::from_static("oldest-event-id");
/// How long to wait before asking again when the store turned a request away.
const STORE_RETRY: Duration = Duration::from_secs(1);

macro_rules! error_codes {
    ($($(#[$attribute:meta])* $variant:ident = $name:literal, $status:ident, $meaning:literal;)*) => {
        /// What went wrong, for programs. The names are part of the API.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
        pub enum ErrorCode {
            $(
                #[doc = $meaning]
                #[serde(rename = $name)]
                $variant,
            )*
        }

        impl ErrorCode {
            /// Every code, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The name in the envelope.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// The HTTP status it is answered with.
            #[must_use]
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status),* }
            }

            /// When it is answered, in a sentence; the API's documentation shows it.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning),* }
            }
        }
    };
}

error_codes! {
    Validation = "VALIDATION_ERROR", BAD_REQUEST,
        "The request is malformed, or a field is missing, unknown or not acceptable; `details` names each field.";
    Unauthorized = "UNAUTHORIZED", UNAUTHORIZED,
        "There is no API key in `Authorization: Bearer …`, or it is not a valid one: unknown, expired or revoked.";
    Forbidden = "FORBIDDEN", FORBIDDEN,
        "The API key is valid and may not do this: it lacks the scope that the message names, may not be used from this \
         address, or its workspace is deactivated or has a plan without this.";
    NotFound = "NOT_FOUND", NOT_FOUND,
        "There is no such route, or nothing with this id in your workspace.";
    QrNotReady = "QR_NOT_READY", NOT_FOUND,
        "Pairing was asked for and no QR code is on show yet; ask again after `Retry-After`.";
    PairingCodeNotReady = "PAIRING_CODE_NOT_READY", NOT_FOUND,
        "A pairing code was asked for and WhatsApp has not answered yet; ask again after `Retry-After`.";
    MethodNotAllowed = "METHOD_NOT_ALLOWED", METHOD_NOT_ALLOWED,
        "The route exists and does not take this method; `Allow` lists those it takes.";
    RequestTimeout = "REQUEST_TIMEOUT", REQUEST_TIMEOUT,
        "The request body did not arrive in time; nothing was done.";
    IdempotencyConflict = "IDEMPOTENCY_CONFLICT", CONFLICT,
        "The `Idempotency-Key` was used before with another request.";
    InvalidState = "INVALID_STATE", CONFLICT,
        "It cannot be done in the state things are in; the message names the state and the way out.";
    EventGone = "EVENT_GONE", GONE,
        "The event to go on after is not in the log, or not any more; `Oldest-Event-Id` names the oldest there is.";
    PayloadTooLarge = "PAYLOAD_TOO_LARGE", PAYLOAD_TOO_LARGE,
        "The request body is larger than this gateway takes.";
    UnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE", UNSUPPORTED_MEDIA_TYPE,
        "The request body is not declared as `Content-Type: application/json`.";
    SessionDisconnected = "SESSION_DISCONNECTED", FAILED_DEPENDENCY,
        "The device's session cannot send now; the message names its state and the way out.";
    RateLimited = "RATE_LIMITED", TOO_MANY_REQUESTS,
        "Too many requests with this key, or from this address; ask again after `Retry-After`.";
    QuotaExceeded = "QUOTA_EXCEEDED", TOO_MANY_REQUESTS,
        "The workspace's plan allows no more messages this month, or no more devices; the message says when counting begins \
         anew. Nothing was stored.";
    Overloaded = "OVERLOADED", SERVICE_UNAVAILABLE,
        "Too many writes are waiting. Nothing was stored; ask again after `Retry-After`.";
    TooManyStreams = "TOO_MANY_STREAMS", SERVICE_UNAVAILABLE,
        "No place for a stream is left for the workspace; ask again after `Retry-After`.";
    StorageUnavailable = "STORAGE_UNAVAILABLE", SERVICE_UNAVAILABLE,
        "The gateway cannot write: its disk is full or failing, or it is shutting down. Nothing was stored.";
    StorageStuck = "STORAGE_STUCK", SERVICE_UNAVAILABLE,
        "The database does not answer in time: a disk that hangs, or far more work than it can do.";
    PartStopped = "PART_STOPPED", SERVICE_UNAVAILABLE,
        "A part of the gateway that has to run always has stopped, which the log explains; only a restart helps.";
    Starting = "STARTING", SERVICE_UNAVAILABLE,
        "The gateway is starting: it opens its files and brings them up to date. Ask again after `Retry-After`.";
    Stopping = "STOPPING", SERVICE_UNAVAILABLE,
        "The gateway was told to stop: it finishes what it has begun and should get nothing new.";
    WhatsAppUnavailable = "WHATSAPP_UNAVAILABLE", SERVICE_UNAVAILABLE,
        "WhatsApp refused or did not answer what cannot wait. Nothing was done; ask again after `Retry-After`.";
    Internal = "INTERNAL", INTERNAL_SERVER_ERROR,
        "The gateway failed. The cause is in its log under the request id.";
}

impl ErrorCode {
    /// Whether it is answered with `Retry-After`.
    #[must_use]
    pub const fn may_be_retried(self) -> bool {
        matches!(
            self,
            Self::QrNotReady
                | Self::PairingCodeNotReady
                | Self::RateLimited
                | Self::WhatsAppUnavailable
                | Self::Overloaded
                | Self::StorageUnavailable
                | Self::StorageStuck
                | Self::Starting
                | Self::TooManyStreams
        )
    }
}

/// By hand: what a derive would read of the table are the names of Rust's variants.
impl PartialSchema for ErrorCode {
    fn schema() -> RefOr<Schema> {
        let meanings = Self::ALL.iter().map(|code| {
            let (name, status, meaning) = (code.name(), code.status().as_u16(), code.meaning());
            format!("- `{name}` ({status}): {meaning}")
        });
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some(meanings.collect::<Vec<_>>().join("\n")))
            .enum_values(Some(Self::ALL.iter().map(|code| code.name())))
            .into()
    }
}

impl ToSchema for ErrorCode {}

/// One field that is not acceptable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// The field's path in the body (`text.body`), or the name of a query parameter or header.
    #[schema(example = "to")]
    pub field: String,
    /// What is wrong with it.
    #[schema(example = "no country has this calling code")]
    pub message: String,
}

impl From<FieldProblem> for FieldError {
    fn from(problem: FieldProblem) -> Self {
        Self::new(problem.field, problem.message)
    }
}

impl FieldError {
    /// `field` is not acceptable because of `message`.
    #[must_use]
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            message: message.into(),
        }
    }

    /// The same of an object that is itself the field `parent` of a larger one.
    #[must_use]
    pub(crate) fn within(mut self, parent: &str) -> Self {
        self.field = match self.field.as_str() {
            "" => parent.to_owned(),
            field => format!("{parent}.{field}"),
        };
        self
    }
}

/// A request that was not carried out: rendered as the envelope at the edge, where its request id is known.
#[derive(Debug)]
pub struct ApiError(Box<Contents>);

/// Boxed, because almost every function of this crate may answer one.
#[derive(Debug)]
struct Contents {
    code: ErrorCode,
    message: Cow<'static, str>,
    details: Vec<FieldError>,
    /// How many more fields there are than `details` names.
    more_details: usize,
    retry_after: Option<Duration>,
    header: Option<(HeaderName, HeaderValue)>,
    /// For the log only; never answered.
    cause: Option<String>,
}

impl ApiError {
    /// An error that is said in words for the caller.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Contents {
            code,
            message: message.into(),
            details: Vec::new(),
            more_details: 0,
            retry_after: None,
            header: None,
            cause: None,
        }))
    }

    /// One field is not acceptable.
    #[must_use]
    pub fn field(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::fields(vec![FieldError::new(field, message)])
    }

    /// Some fields are not acceptable. Names the first hundred, and says how many more there are.
    #[must_use]
    pub fn fields(mut details: Vec<FieldError>) -> Self {
        let more = details.len().saturating_sub(MOST_DETAILS);
        let message = match details.as_slice() {
            [only] => format!("{}: {}", only.field, only.message),
            many if more > 0 => format!(
                "{} fields are not acceptable; details names the first {MOST_DETAILS}",
                many.len()
            ),
            many => format!("{} fields are not acceptable; see details", many.len()),
        };
        details.truncate(MOST_DETAILS);
        let mut error = Self::new(ErrorCode::Validation, message);
        error.0.details = details;
        error.0.more_details = more;
        error
    }

    /// Nothing with this id exists in the caller's workspace.
    #[must_use]
    pub fn no_such(what: &'static str) -> Self {
        Self::new(
            ErrorCode::NotFound,
            format!("there is no {what} with this id in your workspace"),
        )
    }

    /// The gateway has no workspace with this id.
    #[must_use]
    pub fn no_such_workspace() -> Self {
        Self::new(ErrorCode::NotFound, "there is no workspace with this id")
    }

    /// The event to go on after is not in the log of the caller's workspace; `oldest` is the first that is.
    pub(crate) fn event_gone(oldest: Option<EventId>) -> Self {
        let why = "the event to go on after is not in the log; it is too old, or was deleted";
        let Some(oldest) = oldest.map(|id| id.to_string()) else {
            return Self::new(ErrorCode::EventGone, format!("{why}. The log has no events"));
        };
        let error = Self::new(
            ErrorCode::EventGone,
            format!("{why}. The oldest there is: {oldest}"),
        );
        match HeaderValue::from_str(&oldest) {
            Ok(value) => error.header(OLDEST_EVENT_ID, value),
            Err(_never) => error,
        }
    }

    /// The gateway failed; `cause` is logged and not answered.
    #[must_use]
    pub fn internal(cause: impl fmt::Display) -> Self {
        let message = "the gateway failed; its operator finds the cause in the log under this request id";
        Self::new(ErrorCode::Internal, message).caused_by(cause)
    }

    fn caused_by(mut self, cause: impl fmt::Display) -> Self {
        self.0.cause = Some(cause.to_string());
        self
    }

    /// Tells the caller when to ask again.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.0.retry_after = Some(wait);
        self
    }

    /// Adds a header to the answer.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.header = Some((name, value));
        self
    }

    /// Its code.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        self.0.code
    }

    /// What went wrong, for people.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The fields that are not acceptable.
    #[must_use]
    pub fn details(&self) -> &[FieldError] {
        &self.0.details
    }

    /// Logs what the operator must know, once.
    pub(crate) fn log(&self, request_id: &str) {
        let cause = self.0.cause.as_deref().unwrap_or("none");
        match self.0.code {
            ErrorCode::Internal => {
                tracing::error!(request.id = request_id, error.cause = cause, "a request failed");
            }
            ErrorCode::StorageUnavailable => {
                tracing::error!(
                    request.id = request_id,
                    error.cause = cause,
                    "a request could not be stored"
                );
            }
            _ => {}
        }
    }

    /// The answer, with its request id.
    pub(crate) fn render(&self, request_id: &str) -> HttpResponse {
        let mut answer = HttpResponse::build(self.0.code.status());
        if let Some(wait) = self.0.retry_after {
            answer.insert_header((header::RETRY_AFTER, wait.as_secs().max(1).to_string()));
        }
        if let Some((name, value)) = &self.0.header {
            answer.insert_header((name.clone(), value.clone()));
        }
        answer.json(ErrorEnvelope {
            error: ErrorBody {
                code: self.0.code,
                message: &self.0.message,
                details: &self.0.details,
                more_details: Some(self.0.more_details).filter(|more| *more > 0),
                request_id,
            },
        })
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.code.name(), self.0.message)
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.0.code.status()
    }

    /// The edge replaces this by `render`, which knows the request id.
    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status_code())
    }
}

impl From<FieldError> for ApiError {
    fn from(error: FieldError) -> Self {
        Self::fields(vec![error])
    }
}

impl From<FieldProblem> for ApiError {
    fn from(problem: FieldProblem) -> Self {
        FieldError::from(problem).into()
    }
}

impl From<Vec<FieldProblem>> for ApiError {
    fn from(problems: Vec<FieldProblem>) -> Self {
        Self::fields(problems.into_iter().map(FieldError::from).collect())
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Overloaded => Self::new(
                ErrorCode::Overloaded,
                "too many writes are waiting; nothing was stored, ask again in a moment",
            )
            .retry_after(STORE_RETRY),
            StoreError::DiskFull | StoreError::DiskFailed(_) | StoreError::Closed | StoreError::Aborted => {
                Self::new(
                    ErrorCode::StorageUnavailable,
                    "the gateway cannot write now; nothing was stored, ask again later",
                )
                .caused_by(error)
                .retry_after(10 * STORE_RETRY)
            }
            StoreError::Wiped
            | StoreError::Outdated
            | StoreError::Panicked
            | StoreError::Invalid { .. }
            | StoreError::Database(_) => Self::internal(error),
        }
    }
}

/// How every error is answered.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ErrorEnvelope<'a> {
    /// The error.
    error: ErrorBody<'a>,
}

/// An error.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ErrorBody<'a> {
    /// What went wrong, for programs.
    code: ErrorCode,
    /// What went wrong, for people. The wording may change.
    #[schema(example = "to: no country has this calling code")]
    message: &'a str,
    /// The fields that are not acceptable, the first hundred of them; only with `VALIDATION_ERROR`.
    #[serde(skip_serializing_if = "<[FieldError]>::is_empty")]
    #[schema(required = false)]
    details: &'a [FieldError],
    /// How many more fields are not acceptable than `details` names; left out when there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    more_details: Option<usize>,
    /// The id of this request, as in `X-Request-Id`; quote it to the gateway's operator.
    #[schema(example = "req_01JDXW6N4A7Q2M8Z5T9V3B1C0D")]
    request_id: &'a str,
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    /// Every line of this crate's sources but this file's and the route table's, which only lists.
    fn sources(folder: &Path, text: &mut String) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                sources(&path, text);
            } else if !path.ends_with("errors.rs") && !path.ends_with("routes/table.rs") {
                text.push_str(&fs::read_to_string(&path).expect("a source file"));
            }
        }
    }

    #[test]
    fn every_code_is_used() {
        let mut text = String::new();
        sources(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")), &mut text);
        let own =
            fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/errors.rs")).expect("this file");
        let (constructors, _tests) = own.split_once("#[cfg(test)]").expect("this module");
        text.push_str(constructors);
        for code in ErrorCode::ALL {
            let used = format!("ErrorCode::{code:?}");
            assert!(text.contains(&used), "nothing answers {}", code.name());
        }
    }

    #[test]
    fn names_differ() {
        let names: HashSet<_> = ErrorCode::ALL.iter().map(|code| code.name()).collect();
        assert_eq!(names.len(), ErrorCode::ALL.len());
    }

    #[test]
    fn a_cause_is_never_answered() {
        let error = ApiError::from(StoreError::Database("near \"SELEC\"".to_owned()));
        assert_eq!(error.code(), ErrorCode::Internal);
        assert!(!error.to_string().contains("SELEC"));
    }
}
