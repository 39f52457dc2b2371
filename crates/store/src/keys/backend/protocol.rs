//! What the protocol remembers: who has which sender key, LIDs, device lists, tokens, messages in flight.

use std::sync::Arc;

use async_trait::async_trait;
use wacore::store::error::Result;
use wacore::store::traits::{
    DeviceListRecord, LidPnMappingEntry, PendingInboundKey, PendingInboundRow, ProtocolStore, TcTokenEntry,
};

use super::DeviceKeys;
use crate::keys::tables::pending_inbound::{self, Key};
use crate::keys::tables::records::GROUP_METADATA;
use crate::keys::tables::{
    base_keys, device_lists, lid_mappings, sender_key_devices, sent_messages, tc_tokens,
};

#[async_trait]
impl ProtocolStore for DeviceKeys {
    async fn get_sender_key_devices(&self, group_jid: &str) -> Result<Vec<(String, bool)>> {
        let group = group_jid.to_owned();
        self.read(move |connection, device| sender_key_devices::of_group(connection, device, &group))
            .await
    }

    async fn set_sender_key_status(&self, group_jid: &str, entries: &[(&str, bool)]) -> Result<()> {
        let group = group_jid.to_owned();
        let entries: Vec<_> = entries
            .iter()
            .map(|(member, has_key)| ((*member).to_owned(), *has_key))
            .collect();
        self.write(move |tx, device| {
            let mut entries = entries.iter();
            entries.try_for_each(|(member, has_key)| {
                sender_key_devices::put(tx, device, &group, member, *has_key)
            })
        })
        .await
    }

    async fn clear_sender_key_devices(&self, group_jid: &str) -> Result<()> {
        let group = group_jid.to_owned();
        self.write(move |tx, device| sender_key_devices::clear_group(tx, device, &group))
            .await
    }

    async fn delete_sender_key_device_rows(&self, device_jids: &[&str]) -> Result<()> {
        let members: Vec<_> = device_jids.iter().map(|member| (*member).to_owned()).collect();
        self.write(move |tx, device| {
            members
                .iter()
                .try_for_each(|member| sender_key_devices::delete_member(tx, device, member))
        })
        .await
    }

    async fn clear_all_sender_key_devices(&self) -> Result<()> {
        self.write(sender_key_devices::clear).await
    }

    async fn get_lid_mapping(&self, lid: &str) -> Result<Option<LidPnMappingEntry>> {
        let lid = lid.to_owned();
        self.read(move |connection, device| lid_mappings::by_lid(connection, device, &lid))
            .await
    }

    async fn get_pn_mapping(&self, phone: &str) -> Result<Option<LidPnMappingEntry>> {
        let phone = phone.to_owned();
        self.read(move |connection, device| lid_mappings::latest_by_phone_number(connection, device, &phone))
            .await
    }

    async fn put_lid_mapping(&self, entry: &LidPnMappingEntry) -> Result<()> {
        let entry = entry.clone();
        self.write(move |tx, device| lid_mappings::put(tx, device, &entry))
            .await
    }

    async fn put_lid_mappings(&self, entries: &[LidPnMappingEntry]) -> Result<()> {
        let entries = entries.to_vec();
        self.write(move |tx, device| {
            entries
                .iter()
                .try_for_each(|entry| lid_mappings::put(tx, device, entry))
        })
        .await
    }

    async fn get_all_lid_mappings(&self) -> Result<Vec<LidPnMappingEntry>> {
        self.read(lid_mappings::all).await
    }

    async fn save_base_key(&self, address: &str, message_id: &str, base_key: &[u8]) -> Result<()> {
        let (address, message_id, key) = (address.to_owned(), message_id.to_owned(), base_key.to_vec());
        self.write(move |tx, device| base_keys::put(tx, device, &address, &message_id, &key))
            .await
    }

    async fn has_same_base_key(
        &self,
        address: &str,
        message_id: &str,
        current_base_key: &[u8],
    ) -> Result<bool> {
        let (address, message_id) = (address.to_owned(), message_id.to_owned());
        let saved =
            self.read(move |connection, device| base_keys::get(connection, device, &address, &message_id));
        Ok(saved.await?.is_some_and(|saved| saved == current_base_key))
    }

    async fn delete_base_key(&self, address: &str, message_id: &str) -> Result<()> {
        let (address, message_id) = (address.to_owned(), message_id.to_owned());
        self.write(move |tx, device| base_keys::delete(tx, device, &address, &message_id))
            .await
    }

    async fn update_device_list(&self, record: DeviceListRecord) -> Result<()> {
        self.write(move |tx, device| device_lists::put(tx, device, &record))
            .await
    }

    async fn update_device_lists(&self, records: Vec<DeviceListRecord>) -> Result<()> {
        self.write(move |tx, device| {
            records
                .iter()
                .try_for_each(|record| device_lists::put(tx, device, record))
        })
        .await
    }

    async fn get_devices(&self, user: &str) -> Result<Option<DeviceListRecord>> {
        let user = user.to_owned();
        self.read(move |connection, device| device_lists::get(connection, device, &user))
            .await
    }

    async fn delete_devices(&self, user: &str) -> Result<()> {
        let user = user.to_owned();
        self.write(move |tx, device| device_lists::delete(tx, device, &user))
            .await
    }

    async fn get_group_metadata(&self, group_jid: &str) -> Result<Option<Vec<u8>>> {
        let group = group_jid.to_owned();
        self.read(move |connection, device| GROUP_METADATA.get(connection, device, &group))
            .await
    }

    async fn put_group_metadata(&self, group_jid: &str, blob: &[u8]) -> Result<()> {
        let (group, blob) = (group_jid.to_owned(), blob.to_vec());
        self.write(move |tx, device| GROUP_METADATA.put(tx, device, &group, &blob))
            .await
    }

    async fn delete_group_metadata(&self, group_jid: &str) -> Result<()> {
        let group = group_jid.to_owned();
        self.write(move |tx, device| GROUP_METADATA.delete(tx, device, &group))
            .await
    }

    async fn get_tc_token(&self, jid: &str) -> Result<Option<TcTokenEntry>> {
        let jid = jid.to_owned();
        self.read(move |connection, device| tc_tokens::get(connection, device, &jid))
            .await
    }

    async fn put_tc_token(&self, jid: &str, entry: &TcTokenEntry) -> Result<()> {
        let (jid, entry) = (jid.to_owned(), entry.clone());
        self.write(move |tx, device| tc_tokens::put(tx, device, &jid, &entry))
            .await
    }

    async fn delete_tc_token(&self, jid: &str) -> Result<()> {
        let jid = jid.to_owned();
        self.write(move |tx, device| tc_tokens::delete(tx, device, &jid))
            .await
    }

    async fn get_all_tc_token_jids(&self) -> Result<Vec<String>> {
        self.read(tc_tokens::jids).await
    }

    async fn delete_expired_tc_tokens(&self, token_cutoff: i64, sender_cutoff: i64) -> Result<u32> {
        self.write(move |tx, device| tc_tokens::delete_expired(tx, device, token_cutoff, sender_cutoff))
            .await
    }

    async fn touch_tc_token_sender_timestamp(&self, jid: &str, sender_timestamp: i64) -> Result<()> {
        let jid = jid.to_owned();
        self.write(move |tx, device| tc_tokens::touch_sender(tx, device, &jid, sender_timestamp))
            .await
    }

    async fn store_received_tc_token(&self, jid: &str, token: &[u8], token_timestamp: i64) -> Result<()> {
        let (jid, token) = (jid.to_owned(), token.to_vec());
        self.write(move |tx, device| tc_tokens::put_received(tx, device, &jid, &token, token_timestamp))
            .await
    }

    async fn store_sent_message(&self, chat_jid: &str, message_id: &str, payload: &[u8]) -> Result<()> {
        let (chat, message_id, payload) = (chat_jid.to_owned(), message_id.to_owned(), payload.to_vec());
        let now = wacore::time::now_secs();
        self.write(move |tx, device| sent_messages::put(tx, device, &chat, &message_id, &payload, now))
            .await
    }

    async fn take_sent_message(&self, chat_jid: &str, message_id: &str) -> Result<Option<Vec<u8>>> {
        let (chat, message_id) = (chat_jid.to_owned(), message_id.to_owned());
        self.write(move |tx, device| sent_messages::take(tx, device, &chat, &message_id))
            .await
    }

    async fn delete_expired_sent_messages(&self, cutoff_timestamp: i64) -> Result<u32> {
        self.write(move |tx, device| sent_messages::delete_expired(tx, device, cutoff_timestamp))
            .await
    }

    async fn store_pending_inbound(&self, chat: &str, sender: &str, id: &str, message: &[u8]) -> Result<()> {
        let row = PendingInboundRow {
            chat,
            sender,
            id,
            message,
        };
        self.store_pending_inbound_batch(&[row]).await
    }

    async fn get_pending_inbound(&self, chat: &str, sender: &str, id: &str) -> Result<Option<Vec<u8>>> {
        let key = Key::new(chat, sender, id);
        self.read(move |connection, device| pending_inbound::get(connection, device, &key))
            .await
    }

    async fn delete_pending_inbound(&self, chat: &str, sender: &str, id: &str) -> Result<()> {
        let key = Key::new(chat, sender, id);
        self.write(move |tx, device| pending_inbound::delete(tx, device, &key))
            .await
    }

    async fn delete_expired_pending_inbound(&self, cutoff_timestamp: i64) -> Result<u32> {
        self.write(move |tx, device| pending_inbound::delete_expired(tx, device, cutoff_timestamp))
            .await
    }

    async fn store_pending_inbound_batch(&self, rows: &[PendingInboundRow<'_>]) -> Result<()> {
        let now = wacore::time::now_secs();
        let rows: Vec<_> = rows
            .iter()
            .map(|row| (Key::new(row.chat, row.sender, row.id), row.message.to_vec()))
            .collect();
        let received = self.fence.received();
        let stored = self.write(move |tx, device| {
            rows.iter()
                .try_for_each(|(key, message)| pending_inbound::put(tx, device, key, message, now))?;
            Ok(Arc::clone(&received))
        });
        stored.await?.stored();
        Ok(())
    }

    async fn delete_pending_inbound_batch(&self, keys: &[PendingInboundKey<'_>]) -> Result<()> {
        let keys: Vec<_> = keys
            .iter()
            .map(|key| Key::new(key.chat, key.sender, key.id))
            .collect();
        self.write(move |tx, device| {
            keys.iter()
                .try_for_each(|key| pending_inbound::delete(tx, device, key))
        })
        .await
    }
}
