//! `/v1/messages` and `/v1/batches`: accept messages, read and list them, take them back, try or schedule one again,
//! release a parked one.

mod answer;
mod batch;
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

pub(crate) use batch::{
    __path_cancel_batch, __path_get_batch, __path_send_batch, cancel_batch, get_batch, send_batch,
};
pub(crate) use cancel::{__path_cancel, cancel};
pub(crate) use dto::{AcceptedMessage, Message};
pub(crate) use get::{__path_get, get};
pub(crate) use list::{__path_list, list};
pub(crate) use moved::{Moved, not_moved};
pub(crate) use release::{__path_release, release};
pub(crate) use reschedule::{__path_reschedule, reschedule};
pub(crate) use retry::{__path_retry, retry};
pub(crate) use send::{__path_send, send};
