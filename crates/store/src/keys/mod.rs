//! The Signal key store: what whatsapp-rust keeps for each linked device, all devices in one file.
//!
//! [`KeyStore::backend`] gives a client its storage. Each call of the client is one job of the file's writer:
//! it is on the disk when it is answered, the batches of whatsapp-rust are all or nothing, and the calls of
//! all devices share their commits. A backend is an id and a pointer; nothing of a device is kept in memory.
//!
//! After a kill the file holds every answered call, and so never an older ratchet than one that reached the
//! wire. The file is not part of a backup of the gateway's data, because a restored ratchet would be an older
//! one; a device whose keys are lost is paired again.
//!
//! A backend that could not store what its client received [stores nothing more](backend::fence): the client would
//! otherwise go on without the message.
//!
//! A wipe also ends the backends that were made before it: whatever they still write fails with
//! [`StoreError::Wiped`], so that a client that is slow to stop cannot bring stale keys back.

mod backend;
mod migrations;
mod tables;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;

use postern_domain::{Account, DeviceId, PhoneNumber};
use rusqlite::Connection;
use wacore::store::traits::Backend;

use self::backend::DeviceKeys;
pub(crate) use self::migrations::SCHEMA;
use self::tables::{device_records, devices};
use crate::sqlite::{Database, OpenError, StoreError, Tuning, WriterMeters};

/// Where the keys are and how many threads read them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyStoreOptions {
    /// The file. It is created if it does not exist; its directory must.
    pub path: PathBuf,
    /// How many threads read, at least 1.
    pub readers: usize,
    /// How many writes may wait for their commit before a call is answered [`StoreError::Overloaded`].
    pub write_queue: usize,
}

impl KeyStoreOptions {
    /// The defaults, for the file at `path`: 2 readers, 8192 writes.
    #[must_use]
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self {
            path: path.as_ref().to_owned(),
            readers: 2,
            write_queue: 8_192,
        }
    }
}

/// The storage of one device, for one run of its client.
pub struct ClientStorage {
    /// What the client reads and writes.
    pub backend: Arc<dyn Backend>,
    /// Comes when the client must end and another begin, because it received what could not be stored; else never.
    pub outdated: Pin<Box<dyn Future<Output = ()> + Send>>,
}

/// The keys of all devices.
#[derive(Debug, Clone)]
pub struct KeyStore {
    database: Arc<Database>,
}

impl KeyStore {
    /// Opens the file, or creates it, and brings its schema up to date. Blocks; called at the daemon's start.
    ///
    /// # Errors
    ///
    /// [`OpenError::NewerSchema`] when a later version of Postern wrote the file, among others.
    pub fn open(options: &KeyStoreOptions) -> Result<Self, OpenError> {
        let tuning = Tuning {
            write_queue: options.write_queue,
            readers: options.readers,
            ..Tuning::default()
        };
        let database = Database::open(&options.path, &SCHEMA, &tuning)?;
        Ok(Self {
            database: Arc::new(database),
        })
    }

    /// The storage of one device, for one run of its client. Several may exist; they share what is stored.
    ///
    /// Await a [`wipe`](Self::wipe) before asking for the next backend: one that is made meanwhile may belong
    /// to the time before, and then fails with [`StoreError::Wiped`].
    ///
    /// # Errors
    ///
    /// Only those of the database.
    pub async fn backend(&self, device: DeviceId) -> Result<ClientStorage, StoreError> {
        let known = self
            .database
            .read(move |connection| devices::find(connection, device))
            .await?;
        let id = match known {
            Some(id) => id,
            None => {
                self.database
                    .write(move |tx| devices::find_or_insert(tx, device))
                    .await?
            }
        };
        let keys = DeviceKeys::new(Arc::clone(&self.database), id);
        Ok(ClientStorage {
            outdated: Box::pin(keys.outdated()),
            backend: Arc::new(keys),
        })
    }

    /// Deletes everything that is stored for a device, in one transaction, and ends its backends.
    ///
    /// # Errors
    ///
    /// Only those of the database; everything is then still there.
    pub async fn wipe(&self, device: DeviceId) -> Result<(), StoreError> {
        self.database.write(move |tx| devices::delete(tx, device)).await
    }

    /// The account that the device's keys log in to; `None` when there are no keys of a link.
    ///
    /// # Errors
    ///
    /// Only those of the database.
    pub async fn account(&self, device: DeviceId) -> Result<Option<Account>, StoreError> {
        self.database
            .read(move |connection| {
                let Some(row) = devices::find(connection, device)? else {
                    return Ok(None);
                };
                let record = device_records::get(connection, row)?;
                Ok(record.as_ref().and_then(device_records::account))
            })
            .await
    }

    /// All devices that have an identity here, in the order of their ids.
    ///
    /// # Errors
    ///
    /// Only those of the database.
    pub async fn devices(&self) -> Result<Vec<DeviceId>, StoreError> {
        self.database.read(devices::with_record).await
    }

    /// What was counted of the work of the writer.
    #[must_use]
    pub fn writer_meters(&self) -> Arc<WriterMeters> {
        Arc::clone(self.database.meters())
    }

    /// How many writes wait for their commit.
    #[must_use]
    pub fn writes_waiting(&self) -> usize {
        self.database.waiting()
    }

    /// Finishes what is queued and closes the file. Whatever comes later is answered [`StoreError::Closed`].
    ///
    /// The clients are stopped first, so that their last keys are stored.
    pub async fn close(&self) {
        self.database.close().await;
    }
}

/// Every device of a file, with the account that its keys log in to.
pub(crate) fn accounts(
    connection: &Connection,
) -> Result<HashMap<DeviceId, Option<PhoneNumber>>, StoreError> {
    device_records::accounts(connection)
}
