//! SQLite: the gateway's data and the Signal key store, behind an API that speaks in domain words.

mod data;
mod keys;
mod sqlite;

pub use data::*;
pub use keys::{KeyStore, KeyStoreOptions};
pub use sqlite::{OpenError, StoreError};
