//! `/v1/messages`: accept a message, read one, list them, take one back, release a parked one.

mod cancel;
mod dto;
mod fingerprint;
mod get;
mod list;
mod release;
mod request;
mod send;

pub(crate) use cancel::{__path_cancel, cancel};
pub(crate) use dto::{AcceptedMessage, Message};
pub(crate) use get::{__path_get, get};
pub(crate) use list::{__path_list, list};
pub(crate) use release::{__path_release, not_moved, release};
pub(crate) use send::{__path_send, send};
