//! Why a page is not shown, and what is shown instead.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use postern_domain::Role;
use postern_store::{
    AcceptError, ApiKeyError, CreateDeviceError, MOST_WEBHOOKS, MoveError, OperatorError, PairingError,
    ReplayError, RequestError, StoreError, WebhookError,
};

/// Why a page is not shown.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// There is no such thing in this workspace.
    #[error("there is nothing here")]
    NotFound,
    /// The role does not suffice.
    #[error("this takes the role {0}")]
    Forbidden(Role),
    /// Nobody is logged in.
    #[error("log in first")]
    LoggedOut,
    /// The form is of another session or another page.
    #[error("the form did not come from a page of this session")]
    Forged,
    /// The form makes no sense.
    #[error("{0}")]
    Unreadable(&'static str),
    /// It is not possible now.
    #[error("{0}")]
    Refused(String),
    /// Too many are at it.
    #[error("the dashboard is busy")]
    Busy,
    /// There were too many wrong tries.
    #[error("there were too many wrong tries")]
    Wait(Duration),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Anything else that should not happen.
    #[error("{0}")]
    Internal(String),
}

impl Failure {
    /// What it is called on its page.
    pub(crate) fn title(&self) -> &'static str {
        match self {
            Self::NotFound => "There is nothing here",
            Self::Forbidden(_) => "Your role does not allow this",
            Self::LoggedOut => "You are logged out",
            Self::Forged | Self::Unreadable(_) => "This form cannot be accepted",
            Self::Refused(_) => "This is not possible now",
            Self::Busy => "The dashboard is busy",
            Self::Wait(_) => "Too many wrong tries",
            Self::Store(error) if error.is_taken() => "This was made already",
            Self::Store(_) | Self::Internal(_) => "Something went wrong",
        }
    }

    /// What it means and what to do.
    pub(crate) fn advice(&self) -> String {
        match self {
            Self::NotFound => "It may have been removed, or the address is mistyped.".to_owned(),
            Self::Forbidden(role) => format!("It takes the role {role}. Ask an owner of this gateway."),
            Self::LoggedOut => "Log in again to go on.".to_owned(),
            Self::Forged => {
                "It did not come from a page of your session. Go back, reload the page and try again. Behind a reverse \
                 proxy, see that it passes on the Host header."
                    .to_owned()
            }
            Self::Unreadable(why) => (*why).to_owned(),
            Self::Refused(why) => why.clone(),
            Self::Busy => "Others are being served; try again in a moment.".to_owned(),
            Self::Wait(wait) => format!("Try again in {} s.", wait.as_secs() + 1),
            Self::Store(error) if error.may_pass() => {
                "The database cannot be written now: the disk may be full or busy. Try again in a moment; the log says \
                 more."
                    .to_owned()
            }
            Self::Store(error) if error.is_taken() => {
                "The form was sent twice, and made one. Look for it in the list; a key or a secret that you did not see can \
                 be replaced there."
                    .to_owned()
            }
            Self::Store(_) | Self::Internal(_) => {
                "It is not your doing. The log has the reason, with the request's id.".to_owned()
            }
        }
    }
}

impl ResponseError for Failure {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Forbidden(_) | Self::Forged => StatusCode::FORBIDDEN,
            Self::LoggedOut => StatusCode::UNAUTHORIZED,
            Self::Unreadable(_) => StatusCode::BAD_REQUEST,
            Self::Refused(_) => StatusCode::CONFLICT,
            Self::Store(error) if error.is_taken() => StatusCode::CONFLICT,
            Self::Wait(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Store(error) if error.may_pass() => StatusCode::SERVICE_UNAVAILABLE,
            Self::Store(_) | Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Only where no guard renders a page.
    fn error_response(&self) -> HttpResponse {
        HttpResponse::build(self.status_code()).body(self.title())
    }
}

impl From<RequestError> for Failure {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::UnknownDevice => Self::NotFound,
            RequestError::InvalidState(device) => Self::Refused(format!(
                "The device is {}: {}",
                device.status.state,
                device.status.reason.meaning()
            )),
            RequestError::Store(error) => error.into(),
        }
    }
}

impl From<CreateDeviceError> for Failure {
    fn from(error: CreateDeviceError) -> Self {
        match error {
            CreateDeviceError::QuotaExceeded { limit } => Self::Refused(format!(
                "The plan allows {limit} devices at a time. Remove one first, or ask for another plan."
            )),
            CreateDeviceError::Store(error) => error.into(),
        }
    }
}

impl From<PairingError> for Failure {
    fn from(error: PairingError) -> Self {
        match error {
            PairingError::UnknownDevice => Self::NotFound,
            PairingError::AlreadyLinked(_) => {
                Self::Refused("The device is linked already. Log it out first to link it anew.".to_owned())
            }
            PairingError::Store(error) => error.into(),
        }
    }
}

impl From<MoveError> for Failure {
    fn from(error: MoveError) -> Self {
        match error {
            MoveError::UnknownMessage | MoveError::UnknownDevice | MoveError::UnknownBatch => Self::NotFound,
            MoveError::Store(error) => error.into(),
            refused => Self::Refused(sentence(&refused.to_string())),
        }
    }
}

impl From<AcceptError> for Failure {
    fn from(error: AcceptError) -> Self {
        match error {
            AcceptError::Store(error) => error.into(),
            AcceptError::QuotaExceeded(exceeded) => Self::Refused(format!(
                "The plan allows {} messages a month, and they are used up. Counting begins anew at {}.",
                exceeded.limit,
                exceeded.resets_at.to_rfc3339()
            )),
            refused => Self::Refused(sentence(&refused.to_string())),
        }
    }
}

impl From<OperatorError> for Failure {
    fn from(error: OperatorError) -> Self {
        match error {
            OperatorError::Unknown => Self::NotFound,
            OperatorError::Store(error) => error.into(),
            refused => Self::Refused(sentence(&refused.to_string())),
        }
    }
}

impl From<WebhookError> for Failure {
    fn from(error: WebhookError) -> Self {
        match error {
            WebhookError::TooMany => Self::Refused(format!(
                "The workspace has {MOST_WEBHOOKS} endpoints, which is the most. Remove one first."
            )),
            WebhookError::Store(error) => error.into(),
        }
    }
}

impl From<ReplayError> for Failure {
    fn from(error: ReplayError) -> Self {
        match error {
            ReplayError::UnknownWebhook => Self::NotFound,
            ReplayError::UnknownEvent => {
                Self::Refused("The log has this event no more, so it cannot be sent again.".to_owned())
            }
            ReplayError::NotWanted => Self::Refused(
                "The endpoint does not want events of this type and device. Change what it gets first."
                    .to_owned(),
            ),
            ReplayError::Disabled => {
                Self::Refused("Nothing is delivered to the endpoint now. Enable it first.".to_owned())
            }
            ReplayError::UnderWay(_) => Self::Refused(
                "Events are being sent to it again already. Try again when that is done.".to_owned(),
            ),
            ReplayError::Store(error) => error.into(),
        }
    }
}

impl From<ApiKeyError> for Failure {
    fn from(error: ApiKeyError) -> Self {
        match error {
            ApiKeyError::Unknown => Self::NotFound,
            ApiKeyError::Store(error) => error.into(),
            refused => Self::Refused(sentence(&refused.to_string())),
        }
    }
}

/// `why` with a capital letter and a full stop.
pub(crate) fn sentence(why: &str) -> String {
    let mut characters = why.chars();
    characters.next().map_or_else(String::new, |first| {
        format!("{}{}.", first.to_uppercase(), characters.as_str())
    })
}
