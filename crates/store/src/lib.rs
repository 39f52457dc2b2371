//! SQLite: the gateway's data and the Signal key store, behind an API that speaks in domain words.

mod data;
mod sqlite;

pub use data::*;
pub use sqlite::{OpenError, StoreError};
