//! The storage that one device's client sees: whatsapp-rust's traits, each in a file of its own.

mod app_sync;
mod device;
mod fence;
mod msg_secrets;
mod protocol;
mod signal;

use std::sync::Arc;

use rusqlite::Connection;
use wacore::store::error::{Result as BackendResult, StoreError as BackendError};

use self::fence::Fence;
use super::tables::{DeviceRow, devices};
use crate::sqlite::{Database, StoreError};

/// One device's part of the file.
pub(super) struct DeviceKeys {
    database: Arc<Database>,
    /// Never given out again after a wipe.
    row: DeviceRow,
    fence: Fence,
}

impl DeviceKeys {
    pub(super) fn new(database: Arc<Database>, row: DeviceRow) -> Self {
        Self {
            database,
            row,
            fence: Fence::new(),
        }
    }

    /// Waits until this handle stores nothing more because something that was received could not be stored.
    pub(super) fn outdated(&self) -> impl Future<Output = ()> + Send + use<> {
        self.fence.closed()
    }

    /// Runs `work` as one job: all of it is stored or, on an error, nothing.
    async fn write<T: Send + 'static>(
        &self,
        work: impl Fn(&Connection, DeviceRow) -> Result<T, StoreError> + Send + 'static,
    ) -> BackendResult<T> {
        let (row, fence) = (self.row, self.fence.clone());
        let written = self.database.write(move |tx| {
            fence.pass()?;
            devices::refuse_wiped(tx, row)?;
            work(tx, row)
        });
        written.await.map_err(backend_error)
    }

    /// Runs `work` on one snapshot. Nothing is found of a device that was wiped.
    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection, DeviceRow) -> Result<T, StoreError> + Send + 'static,
    ) -> BackendResult<T> {
        let row = self.row;
        self.database
            .read(move |connection| work(connection, row))
            .await
            .map_err(backend_error)
    }
}

/// The crate's own error stays in the chain, where a caller can find it with a downcast.
fn backend_error(error: StoreError) -> BackendError {
    match error {
        StoreError::Invalid { .. } => BackendError::Serialization(Box::new(error)),
        StoreError::Closed => BackendError::Connection(Box::new(error)),
        _ => BackendError::Database(Box::new(error)),
    }
}
