//! SQLite behind the words of the domain: the gateway's data and the Signal key store.

mod data;
mod keys;
mod sqlite;

pub use data::*;
pub use keys::{ClientStorage, KeyStore, KeyStoreOptions};
pub use sqlite::{OpenError, StoreError};
