//! The key store against wacore's own, against kills, and against stale clients.

mod atomicity;
mod calls;
mod differential;
mod lifecycle;
mod record;
mod semantics;

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use super::*;

struct Fixture {
    directory: TempDir,
    store: KeyStore,
}

impl Fixture {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let store = KeyStore::open(&KeyStoreOptions::new(directory.path().join("keys.db"))).expect("a store");
        Self { directory, store }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("keys.db")
    }

    async fn backend(&self, device: DeviceId) -> Arc<dyn Backend> {
        self.store.backend(device).await.expect("a backend").backend
    }

    /// A fresh device's backend.
    async fn any_backend(&self) -> Arc<dyn Backend> {
        self.backend(DeviceId::generate()).await
    }

    /// Closes the store and opens the file again.
    async fn reopen(&mut self) {
        self.store.close().await;
        self.store = KeyStore::open(&KeyStoreOptions::new(self.path())).expect("the same store");
    }

    /// Goes on with what a kill would leave at this moment: the file and its WAL as they are.
    fn kill_and_reopen(&mut self) {
        let directory = tempfile::tempdir().expect("a temporary directory");
        for name in ["keys.db", "keys.db-wal"] {
            let from = self.directory.path().join(name);
            if from.exists() {
                fs::copy(from, directory.path().join(name)).expect("a copy");
            }
        }
        let path = directory.path().join("keys.db");
        self.store = KeyStore::open(&KeyStoreOptions::new(path)).expect("the same store");
        self.directory = directory;
    }
}

/// The store's own error, as a caller finds it behind wacore's.
fn cause(error: &wacore::store::error::StoreError) -> Option<&StoreError> {
    std::error::Error::source(error)?.downcast_ref()
}
