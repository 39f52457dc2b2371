//! App state: sync keys, collection versions, mutation MACs.

use std::collections::HashMap;

use async_trait::async_trait;
use wacore::store::error::Result;
use wacore::store::traits::{AppStateSyncKey, AppSyncStore};
use wacore_appstate::hash::HashState;
use wacore_appstate::processor::AppStateMutationMAC;

use super::DeviceKeys;
use crate::keys::tables::json;
use crate::keys::tables::records::APP_STATE_VERSIONS;
use crate::keys::tables::{mutation_macs, sync_keys};

#[async_trait]
impl AppSyncStore for DeviceKeys {
    async fn get_sync_key(&self, key_id: &[u8]) -> Result<Option<AppStateSyncKey>> {
        let key_id = key_id.to_vec();
        self.read(move |connection, device| sync_keys::get(connection, device, &key_id))
            .await
    }

    async fn set_sync_key(&self, key_id: &[u8], key: AppStateSyncKey) -> Result<()> {
        let key_id = key_id.to_vec();
        self.write(move |tx, device| sync_keys::put(tx, device, &key_id, &key))
            .await
    }

    async fn get_version(&self, name: &str) -> Result<HashState> {
        let name = name.to_owned();
        self.read(move |connection, device| {
            let state = APP_STATE_VERSIONS.get(connection, device, &name)?;
            state.map_or_else(
                || Ok(HashState::default()),
                |state| json::decode("an app state version", &state),
            )
        })
        .await
    }

    async fn set_version(&self, name: &str, state: HashState) -> Result<()> {
        let name = name.to_owned();
        self.write(move |tx, device| {
            let state = json::encode("an app state version", &state)?;
            APP_STATE_VERSIONS.put(tx, device, &name, &state)
        })
        .await
    }

    async fn put_mutation_macs(
        &self,
        name: &str,
        version: u64,
        mutations: &[AppStateMutationMAC],
    ) -> Result<()> {
        let (name, mutations) = (name.to_owned(), mutations.to_vec());
        self.write(move |tx, device| {
            mutations
                .iter()
                .try_for_each(|mutation| mutation_macs::put(tx, device, &name, version, mutation))
        })
        .await
    }

    async fn get_mutation_mac(&self, name: &str, index_mac: &[u8]) -> Result<Option<Vec<u8>>> {
        let (name, index_mac) = (name.to_owned(), index_mac.to_vec());
        self.read(move |connection, device| mutation_macs::get(connection, device, &name, &index_mac))
            .await
    }

    async fn get_mutation_macs(
        &self,
        name: &str,
        index_macs: &[[u8; 32]],
    ) -> Result<HashMap<[u8; 32], Vec<u8>>> {
        let (name, index_macs) = (name.to_owned(), index_macs.to_vec());
        self.read(move |connection, device| {
            let mut found = HashMap::with_capacity(index_macs.len());
            for index_mac in index_macs {
                if let Some(value_mac) = mutation_macs::get(connection, device, &name, &index_mac)? {
                    found.insert(index_mac, value_mac);
                }
            }
            Ok(found)
        })
        .await
    }

    async fn delete_mutation_macs(&self, name: &str, index_macs: &[Vec<u8>]) -> Result<()> {
        let (name, index_macs) = (name.to_owned(), index_macs.to_vec());
        self.write(move |tx, device| {
            index_macs
                .iter()
                .try_for_each(|index_mac| mutation_macs::delete(tx, device, &name, index_mac))
        })
        .await
    }

    async fn clear_mutation_macs(&self, name: &str) -> Result<()> {
        let name = name.to_owned();
        self.write(move |tx, device| mutation_macs::clear(tx, device, &name))
            .await
    }

    async fn get_latest_sync_key_id(&self) -> Result<Option<Vec<u8>>> {
        self.read(sync_keys::latest_id).await
    }
}
