//! Hands the key store to those who need it: the client its keys, the session manager the key ring.

use async_trait::async_trait;
use postern_domain::port::OpenError;
use postern_domain::{Account, DeviceId};
use postern_sessions::{KeyRing, KeyRingError};
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
impl KeyRing for Keys {
    async fn account(&self, device: DeviceId) -> Result<Option<Account>, KeyRingError> {
        self.0
            .account(device)
            .await
            .map_err(|error| KeyRingError(error.to_string()))
    }

    async fn wipe(&self, device: DeviceId) -> Result<(), KeyRingError> {
        self.0
            .wipe(device)
            .await
            .map_err(|error| KeyRingError(error.to_string()))
    }
}
