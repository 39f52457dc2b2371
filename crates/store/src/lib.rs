//! SQLite behind the words of the domain: the gateway's data and the Signal key store.

mod data;
mod error;

pub use data::*;
pub use error::{OpenError, StoreError};
