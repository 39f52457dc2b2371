//! Why a message cannot be canceled, retried, rescheduled or released.

use postern_store::MoveError;

use crate::errors::{ApiError, ErrorCode};

/// Says why messages were not moved.
pub(crate) fn not_moved(error: MoveError) -> ApiError {
    let message = match error {
        MoveError::UnknownMessage => return ApiError::no_such("message"),
        MoveError::UnknownDevice => return ApiError::no_such("device"),
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
