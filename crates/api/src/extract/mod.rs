//! How a handler's arguments are read from a request; what cannot be read is an error that names the field.

mod idempotency;
mod json;
mod number;
mod path;
mod query;

pub(crate) use idempotency::IdempotencyHeader;
pub(crate) use json::{Empty, Json, LargeJson, Object, OptionalJson, given, parse_part};
pub(crate) use number::{given_whole, maybe_whole, whole};
pub(crate) use path::{OwnedDevice, OwnedWebhook, PathId, ReplayPath};
pub(crate) use query::{FromQuery, Query, QueryFields};
