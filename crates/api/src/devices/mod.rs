//! `/v1/devices`: create a device, link it by QR or pairing code, pause, resume, reconnect and log it out, remove it.

mod ask;
mod change;
mod code;
mod create;
mod delete;
mod dto;
mod get;
mod list;
mod logout;
mod pacing;
mod pair;
mod pairing_code;
mod parked;
mod pause;
mod qr;
mod reconnect;
mod resume;

pub(crate) use change::{__path_change, change};
pub(crate) use create::{__path_create, create};
pub(crate) use delete::{__path_delete, delete};
pub(crate) use dto::Device;
pub(crate) use get::{__path_get, get};
pub(crate) use list::{__path_list, list};
pub(crate) use logout::{__path_log_out, log_out};
pub(crate) use pair::{__path_pair, pair};
pub(crate) use pairing_code::{__path_ask, __path_show, ask, show};
pub(crate) use parked::{__path_cancel_parked, __path_release_parked, cancel_parked, release_parked};
pub(crate) use pause::{__path_pause, pause};
pub(crate) use qr::{__path_qr, __path_qr_by_extension, qr, qr_by_extension};
pub(crate) use reconnect::{__path_reconnect, reconnect};
pub(crate) use resume::{__path_resume, resume};
