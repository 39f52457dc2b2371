//! `/v1/messages`: accept a message, read one, list them.

mod dto;
mod fingerprint;
mod get;
mod list;
mod request;
mod send;

pub(crate) use dto::{AcceptedMessage, Message};
pub(crate) use get::{__path_get, get};
pub(crate) use list::{__path_list, list};
pub(crate) use send::{__path_send, send};
