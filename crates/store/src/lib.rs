//! SQLite: the gateway's data and the Signal key store, behind an API that speaks in domain words.

mod sqlite;

pub use sqlite::{OpenError, StoreError};
