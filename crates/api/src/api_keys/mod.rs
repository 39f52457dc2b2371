//! `/v1/api-keys`: keys with names, scopes, networks and ends; revoked at once, rotated with overlap.
//!
//! A key can make, change, rotate and revoke only keys whose scopes it has itself.

mod change;
mod create;
mod dto;
mod get;
mod list;
mod revoke;
mod rotate;

use postern_store::ApiKeyError;

pub(crate) use change::{__path_change, change};
pub(crate) use create::{__path_create, CreateApiKey, create};
pub(crate) use dto::NewApiKey;
pub(crate) use get::{__path_get, get};
pub(crate) use list::{__path_list, list};
pub(crate) use revoke::{__path_revoke, revoke};
pub(crate) use rotate::{__path_rotate, rotate};

use crate::auth::lacks;
use crate::errors::{ApiError, ErrorCode};

impl From<ApiKeyError> for ApiError {
    fn from(error: ApiKeyError) -> Self {
        match error {
            ApiKeyError::Unknown => Self::no_such("API key"),
            ApiKeyError::Beyond(scope) => lacks(scope),
            ApiKeyError::Ended => Self::new(
                ErrorCode::InvalidState,
                "the API key was revoked or has expired; make a new one with POST /v1/api-keys",
            ),
            ApiKeyError::Store(error) => error.into(),
        }
    }
}
