//! Batches: messages that are accepted together, and what became of them.

mod answer;
mod cancel;
mod get;
mod outline;
mod request;
mod send;

pub(crate) use cancel::{__path_cancel_batch, cancel_batch};
pub(crate) use get::{__path_get_batch, get_batch};
pub(super) use request::{CheckedBatch, Item};
pub(crate) use send::{__path_send_batch, send_batch};
