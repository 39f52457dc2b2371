//! The secrets of messages, which votes, reactions and edits of them are decrypted with.

use async_trait::async_trait;
use wacore::store::error::Result;
use wacore::store::traits::{MsgSecretEntry, MsgSecretStore};

use super::DeviceKeys;
use crate::keys::tables::msg_secrets;

#[async_trait]
impl MsgSecretStore for DeviceKeys {
    async fn put_msg_secrets(&self, entries: Vec<MsgSecretEntry>) -> Result<usize> {
        self.write(move |tx, device| {
            entries
                .iter()
                .try_for_each(|entry| msg_secrets::merge(tx, device, entry))?;
            Ok(entries.len())
        })
        .await
    }

    async fn get_msg_secret(&self, chat: &str, sender: &str, msg_id: &str) -> Result<Option<Vec<u8>>> {
        let found = self.get_msg_secret_with_ts(chat, sender, msg_id).await?;
        Ok(found.map(|(secret, _message_ts)| secret))
    }

    async fn get_msg_secret_with_ts(
        &self,
        chat: &str,
        sender: &str,
        msg_id: &str,
    ) -> Result<Option<(Vec<u8>, i64)>> {
        let (chat, sender, msg_id) = (chat.to_owned(), sender.to_owned(), msg_id.to_owned());
        self.read(move |connection, device| msg_secrets::get(connection, device, &chat, &sender, &msg_id))
            .await
    }

    async fn delete_expired_msg_secrets(&self, cutoff_timestamp: i64) -> Result<u32> {
        self.write(move |tx, device| msg_secrets::delete_expired(tx, device, cutoff_timestamp))
            .await
    }
}
