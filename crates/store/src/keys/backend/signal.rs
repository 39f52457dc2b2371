//! Identities, sessions, prekeys and sender keys.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use wacore::store::error::Result;
use wacore::store::traits::SignalStore;

use super::DeviceKeys;
use crate::keys::tables::prekeys;
use crate::keys::tables::records::{IDENTITIES, SENDER_KEYS, SESSIONS};
use crate::keys::tables::signal;

#[async_trait]
impl SignalStore for DeviceKeys {
    async fn put_identity(&self, address: &str, key: [u8; 32]) -> Result<()> {
        let address = address.to_owned();
        self.write(move |tx, device| IDENTITIES.put(tx, device, &address, &key))
            .await
    }

    async fn put_identities_batch(&self, identities: &[(Arc<str>, [u8; 32])]) -> Result<()> {
        let identities = identities.to_vec();
        self.write(move |tx, device| {
            identities
                .iter()
                .try_for_each(|(address, key)| IDENTITIES.put(tx, device, address, key))
        })
        .await
    }

    async fn load_identity(&self, address: &str) -> Result<Option<[u8; 32]>> {
        let address = address.to_owned();
        self.read(move |connection, device| signal::identity(connection, device, &address))
            .await
    }

    async fn delete_identity(&self, address: &str) -> Result<()> {
        let address = address.to_owned();
        self.write(move |tx, device| IDENTITIES.delete(tx, device, &address))
            .await
    }

    async fn get_session(&self, address: &str) -> Result<Option<Bytes>> {
        let address = address.to_owned();
        let session = self
            .read(move |connection, device| SESSIONS.get(connection, device, &address))
            .await?;
        Ok(session.map(Bytes::from))
    }

    async fn put_session(&self, address: &str, session: &[u8]) -> Result<()> {
        let (address, session) = (address.to_owned(), session.to_vec());
        self.write(move |tx, device| SESSIONS.put(tx, device, &address, &session))
            .await
    }

    async fn put_sessions_batch(&self, sessions: &[(Arc<str>, Bytes)]) -> Result<()> {
        let sessions = sessions.to_vec();
        self.write(move |tx, device| {
            sessions
                .iter()
                .try_for_each(|(address, session)| SESSIONS.put(tx, device, address, session))
        })
        .await
    }

    async fn delete_session(&self, address: &str) -> Result<()> {
        let address = address.to_owned();
        self.write(move |tx, device| SESSIONS.delete(tx, device, &address))
            .await
    }

    async fn has_session(&self, address: &str) -> Result<bool> {
        let address = address.to_owned();
        self.read(move |connection, device| SESSIONS.contains(connection, device, &address))
            .await
    }

    async fn has_signal_state_for_user(&self, user: &str) -> Result<bool> {
        let user = user.to_owned();
        self.read(move |connection, device| signal::has_state_for_user(connection, device, &user))
            .await
    }

    async fn store_prekey(&self, id: u32, record: &[u8], uploaded: bool) -> Result<()> {
        let record = record.to_vec();
        self.write(move |tx, device| prekeys::put(tx, device, id, &record, uploaded))
            .await
    }

    async fn store_prekeys_batch(&self, keys: &[(u32, Bytes)], uploaded: bool) -> Result<()> {
        let keys = keys.to_vec();
        self.write(move |tx, device| {
            keys.iter()
                .try_for_each(|(id, record)| prekeys::put(tx, device, *id, record, uploaded))
        })
        .await
    }

    async fn load_prekey(&self, id: u32) -> Result<Option<Bytes>> {
        let record = self
            .read(move |connection, device| prekeys::get(connection, device, id))
            .await?;
        Ok(record.map(Bytes::from))
    }

    async fn load_prekeys_batch(&self, ids: &[u32]) -> Result<Vec<(u32, Bytes)>> {
        let ids = ids.to_vec();
        self.read(move |connection, device| {
            let mut found = Vec::with_capacity(ids.len());
            for id in ids {
                if let Some(record) = prekeys::get(connection, device, id)? {
                    found.push((id, Bytes::from(record)));
                }
            }
            Ok(found)
        })
        .await
    }

    async fn mark_prekeys_uploaded(&self, ids: &[u32]) -> Result<()> {
        let ids = ids.to_vec();
        self.write(move |tx, device| {
            ids.iter()
                .try_for_each(|id| prekeys::mark_uploaded(tx, device, *id))
        })
        .await
    }

    async fn remove_prekey(&self, id: u32) -> Result<()> {
        self.write(move |tx, device| prekeys::delete(tx, device, id))
            .await
    }

    async fn get_max_prekey_id(&self) -> Result<u32> {
        self.read(prekeys::max_id).await
    }

    async fn store_signed_prekey(&self, id: u32, record: &[u8]) -> Result<()> {
        let record = record.to_vec();
        self.write(move |tx, device| prekeys::put_signed(tx, device, id, &record))
            .await
    }

    async fn load_signed_prekey(&self, id: u32) -> Result<Option<Vec<u8>>> {
        self.read(move |connection, device| prekeys::get_signed(connection, device, id))
            .await
    }

    async fn load_all_signed_prekeys(&self) -> Result<Vec<(u32, Vec<u8>)>> {
        self.read(prekeys::all_signed).await
    }

    async fn remove_signed_prekey(&self, id: u32) -> Result<()> {
        self.write(move |tx, device| prekeys::delete_signed(tx, device, id))
            .await
    }

    async fn put_sender_key(&self, address: &str, record: &[u8]) -> Result<()> {
        let (address, record) = (address.to_owned(), record.to_vec());
        self.write(move |tx, device| SENDER_KEYS.put(tx, device, &address, &record))
            .await
    }

    async fn put_sender_keys_batch(&self, sender_keys: &[(Arc<str>, Bytes)]) -> Result<()> {
        let sender_keys = sender_keys.to_vec();
        self.write(move |tx, device| {
            sender_keys
                .iter()
                .try_for_each(|(address, record)| SENDER_KEYS.put(tx, device, address, record))
        })
        .await
    }

    async fn get_sender_key(&self, address: &str) -> Result<Option<Vec<u8>>> {
        let address = address.to_owned();
        self.read(move |connection, device| SENDER_KEYS.get(connection, device, &address))
            .await
    }

    async fn delete_sender_key(&self, address: &str) -> Result<()> {
        let address = address.to_owned();
        self.write(move |tx, device| SENDER_KEYS.delete(tx, device, &address))
            .await
    }
}
