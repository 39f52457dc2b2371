//! `/v1/devices`: create a device, link it by QR code, pause and resume it, remove it.

mod create;
mod delete;
mod dto;
mod get;
mod list;
mod pair;
mod pause;
mod qr;
mod resume;

pub(crate) use create::{__path_create, create};
pub(crate) use delete::{__path_delete, delete};
pub(crate) use dto::Device;
pub(crate) use get::{__path_get, get};
pub(crate) use list::{__path_list, list};
pub(crate) use pair::{__path_pair, pair};
pub(crate) use pause::{__path_pause, pause};
pub(crate) use qr::{__path_qr, __path_qr_by_extension, qr, qr_by_extension};
pub(crate) use resume::{__path_resume, resume};
