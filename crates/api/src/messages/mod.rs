//! `/v1/messages`: accept a message, read one, list them, take one back, try or schedule it again, release a parked one.

mod cancel;
mod dto;
mod fingerprint;
mod get;
mod list;
mod moved;
mod release;
mod request;
mod reschedule;
mod retry;
mod send;

pub(crate) use cancel::{__path_cancel, cancel};
pub(crate) use dto::{AcceptedMessage, Message};
pub(crate) use get::{__path_get, get};
pub(crate) use list::{__path_list, list};
pub(crate) use moved::not_moved;
pub(crate) use release::{__path_release, release};
pub(crate) use reschedule::{__path_reschedule, reschedule};
pub(crate) use retry::{__path_retry, retry};
pub(crate) use send::{__path_send, send};
