//! Messages that were canceled or released together, and why one cannot be canceled, retried, rescheduled or released.

use postern_store::MoveError;
use serde::Serialize;
use utoipa::ToSchema;

use crate::errors::{ApiError, ErrorCode};

/// How many messages were moved.
#[derive(Serialize, ToSchema)]
pub(crate) struct Moved {
    /// The messages that were canceled or released.
    #[schema(example = 12)]
    pub(crate) messages: usize,
}

/// Says why messages were not moved.
pub(crate) fn not_moved(error: MoveError) -> ApiError {
    let message = match error {
        MoveError::UnknownMessage => return ApiError::no_such("message"),
        MoveError::UnknownDevice => return ApiError::no_such("device"),
        MoveError::UnknownBatch => return ApiError::no_such("batch"),
        MoveError::Store(error) => return error.into(),
        MoveError::InvalidStatus(status) => format!(
            "the message is {status}; cancel takes scheduled, queued and retrying ones, retry failed ones, a new sendAt \
             scheduled ones"
        ),
        MoveError::DeviceRemoved => "the message's device was removed; send it from another one".to_owned(),
        MoveError::NotParked => "the message is not parked".to_owned(),
        MoveError::OtherAccount => "the device is not linked to the account the message was accepted for; \
             pair it with that account first, or cancel the message"
            .to_owned(),
    };
    ApiError::new(ErrorCode::InvalidState, message)
}
