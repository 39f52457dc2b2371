//! Hands the key store to those who need it: the client its keys, the session manager the eraser.

use std::sync::Arc;

use async_trait::async_trait;
use postern_domain::DeviceId;
use postern_sessions::{KeyWiper, WipeError};
use postern_store::KeyStore;
use postern_whatsapp::KeyProvider;
use wacore::store::traits::Backend;

/// The key store in the roles that other crates know it by.
#[derive(Clone)]
pub(crate) struct Keys(pub(crate) KeyStore);

impl KeyProvider for Keys {
    fn backend(&self, device: DeviceId) -> Arc<dyn Backend> {
        self.0.backend(device)
    }
}

#[async_trait]
impl KeyWiper for Keys {
    async fn wipe(&self, device: DeviceId) -> Result<(), WipeError> {
        self.0.wipe(device).await.map_err(|error| WipeError(error.to_string()))
    }
}
