//! Hands the key store to those who need it: the client its keys, the session manager the eraser.

use std::sync::Arc;

use async_trait::async_trait;
use postern_domain::DeviceId;
use postern_domain::port::OpenError;
use postern_sessions::{KeyWiper, WipeError};
use postern_store::KeyStore;
use postern_whatsapp::{Backend, KeyProvider};

/// The key store in the roles that other crates know it by.
#[derive(Clone)]
pub(crate) struct Keys(pub(crate) KeyStore);

#[async_trait]
impl KeyProvider for Keys {
    async fn backend(&self, device: DeviceId) -> Result<Arc<dyn Backend>, OpenError> {
        self.0
            .backend(device)
            .await
            .map_err(|error| OpenError::Keys(error.to_string()))
    }
}

#[async_trait]
impl KeyWiper for Keys {
    async fn wipe(&self, device: DeviceId) -> Result<(), WipeError> {
        self.0
            .wipe(device)
            .await
            .map_err(|error| WipeError(error.to_string()))
    }
}
