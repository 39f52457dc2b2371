//! SQLite behind the words of the domain: the gateway's data and the Signal key store.

mod backup;
mod check;
mod data;
mod files;
mod keys;
mod sqlite;
mod vault;

pub use backup::{Backup, BackupError, BackupFile, Manifest, Progress, Restore, Restored, RestoredKeys};
pub use check::{Check, CheckOutcome, CheckStep, Checked, Found};
pub use data::*;
pub use keys::{ClientStorage, KeyStore, KeyStoreOptions};
pub use sqlite::{OpenError, StoreError, WriterMeters};
pub use vault::{NotASecretsKey, SECRETS_KEY, SecretsKey};
