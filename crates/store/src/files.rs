//! The two files of a data folder: what they are called and what they hold.

use crate::sqlite::Schema;
use crate::{data, keys};

/// One of the files.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DataFile {
    /// Its name in the folder.
    pub(crate) name: &'static str,
    /// What it holds.
    pub(crate) schema: &'static Schema,
}

/// Workspaces, devices, messages, the outbox and the event log.
pub(crate) const GATEWAY: DataFile = DataFile {
    name: "postern.db",
    schema: &data::SCHEMA,
};

/// The Signal keys.
pub(crate) const KEYS: DataFile = DataFile {
    name: "keys.db",
    schema: &keys::SCHEMA,
};
