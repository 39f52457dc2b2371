//! `/v1/webhooks`: register an endpoint, see how it is, try it, and have events sent to it again.

mod attempts;
mod change;
mod create;
mod delete;
mod dto;
mod get;
mod list;
mod redeliver;
mod replay;
mod rotate_secret;
mod test;
mod verify;

pub(crate) use attempts::{__path_attempts, attempts};
pub(crate) use change::{__path_change, change};
pub(crate) use create::{__path_create, create};
pub(crate) use delete::{__path_delete, delete};
pub(crate) use get::{__path_get, get};
pub(crate) use list::{__path_list, list};
pub(crate) use redeliver::{__path_redeliver, redeliver};
pub(crate) use replay::{__path_replay, __path_show_replay, replay, show_replay};
pub(crate) use rotate_secret::{__path_rotate_secret, rotate_secret};
pub(crate) use test::{__path_test, test};
