//! Hands the key store to those who need it: the client its keys, the session manager the eraser.

use async_trait::async_trait;
use postern_domain::DeviceId;
use postern_domain::port::OpenError;
use postern_sessions::{KeyWiper, WipeError};
use postern_store::KeyStore;
use postern_whatsapp::{DeviceKeys, KeyProvider};

/// The key store in the roles that other crates know it by.
#[derive(Clone)]
pub(crate) struct Keys(pub(crate) KeyStore);

#[async_trait]
impl KeyProvider for Keys {
    async fn keys(&self, device: DeviceId) -> Result<DeviceKeys, OpenError> {
        let storage = self.0.backend(device).await;
        let storage = storage.map_err(|error| OpenError::Keys(error.to_string()))?;
        Ok(DeviceKeys {
            backend: storage.backend,
            outdated: storage.outdated,
        })
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
