//! What the control API answers when it cannot do what it is asked.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;

use crate::certificate::KeyError;
use crate::pairing::LinkError;
use crate::writing::WriteError;

#[derive(Debug, thiserror::Error)]
pub(crate) enum ControlError {
    /// The request itself is wrong, in this field; an empty field is the whole body.
    #[error("{message}")]
    Validation { field: String, message: String },
    #[error("{0}")]
    NotFound(&'static str),
    /// The request makes sense, but not now.
    #[error("{0}")]
    InvalidState(String),
    #[error("{0}")]
    Internal(String),
}

#[derive(Serialize)]
struct Envelope<'a> {
    error: Body<'a>,
}

#[derive(Serialize)]
struct Body<'a> {
    code: &'static str,
    message: String,
    details: Vec<Detail<'a>>,
}

#[derive(Serialize)]
struct Detail<'a> {
    field: &'a str,
    message: &'a str,
}

impl ControlError {
    pub(crate) fn invalid(field: &str, message: impl ToString) -> Self {
        Self::Validation {
            field: field.to_owned(),
            message: message.to_string(),
        }
    }

    fn code(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Validation { .. } => (StatusCode::BAD_REQUEST, "VALIDATION_ERROR"),
            Self::NotFound(_) => (StatusCode::NOT_FOUND, "NOT_FOUND"),
            Self::InvalidState(_) => (StatusCode::CONFLICT, "INVALID_STATE"),
            Self::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL"),
        }
    }
}

impl ResponseError for ControlError {
    fn status_code(&self) -> StatusCode {
        self.code().0
    }

    fn error_response(&self) -> HttpResponse {
        let (status, code) = self.code();
        let details = match self {
            Self::Validation { field, message } if !field.is_empty() => vec![Detail { field, message }],
            _ => Vec::new(),
        };
        HttpResponse::build(status).json(Envelope {
            error: Body {
                code,
                message: self.to_string(),
                details,
            },
        })
    }
}

impl From<KeyError> for ControlError {
    fn from(error: KeyError) -> Self {
        Self::Internal(error.to_string())
    }
}

impl From<LinkError> for ControlError {
    fn from(error: LinkError) -> Self {
        match error {
            LinkError::OtherKeys | LinkError::Key(_) => Self::invalid("qr", error),
            LinkError::WrongCode => Self::invalid("code", error),
            LinkError::Scanned
            | LinkError::NobodyAsked
            | LinkError::Expired
            | LinkError::TooOften
            | LinkError::Full
            | LinkError::Refused
            | LinkError::BadSignature => Self::InvalidState(error.to_string()),
        }
    }
}

impl From<WriteError> for ControlError {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::NotLinked | WriteError::NobodyLinked => Self::InvalidState(error.to_string()),
            WriteError::Signal(_) => Self::Internal(error.to_string()),
        }
    }
}
