//! The batch methods store all of their items or none.

use bytes::Bytes;
use wacore::store::error::Result as BackendResult;
use wacore::store::traits::{DeviceListRecord, LidPnMappingEntry, MsgSecretEntry, PendingInboundRow};
use wacore_appstate::processor::AppStateMutationMAC;

use super::*;

/// Makes a table refuse the row that holds `poison`, as a full disk would, in the middle of a batch.
async fn poison(fixture: &Fixture, table: &'static str, column: &'static str) {
    let trigger = format!(
        "CREATE TRIGGER poison_{table} BEFORE INSERT ON {table} WHEN CAST(NEW.{column} AS TEXT) = 'poison'
         BEGIN SELECT RAISE(ABORT, 'poisoned'); END"
    );
    let created = fixture.store.database.write(move |tx| -> Result<(), StoreError> {
        tx.execute_batch(&trigger)?;
        Ok(())
    });
    created.await.expect("a trigger");
}

async fn rows(fixture: &Fixture, table: &'static str) -> i64 {
    let counted = fixture
        .store
        .database
        .read(move |connection| -> Result<i64, StoreError> {
            Ok(connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))?)
        });
    counted.await.expect("a count")
}

/// A batch of three, of which the last one is refused.
async fn assert_all_or_nothing<F>(
    table: &'static str,
    column: &'static str,
    batch: impl FnOnce(Arc<dyn Backend>) -> F,
) where
    F: Future<Output = BackendResult<()>>,
{
    let fixture = Fixture::new();
    poison(&fixture, table, column).await;
    let error = batch(fixture.any_backend().await).await.expect_err("a refusal");
    assert!(matches!(cause(&error), Some(StoreError::Database(reason)) if reason.contains("poisoned")));
    assert_eq!(rows(&fixture, table).await, 0, "{table}");
}

const ITEMS: [&str; 3] = ["first", "second", "poison"];

fn records() -> Vec<(Arc<str>, Bytes)> {
    ITEMS
        .map(|item| (item.into(), Bytes::from_static(b"record")))
        .to_vec()
}

#[tokio::test]
async fn signal_batches_are_atomic() {
    assert_all_or_nothing("identities", "name", |backend| async move {
        backend
            .put_identities_batch(&ITEMS.map(|item| (item.into(), [7; 32])))
            .await
    })
    .await;
    assert_all_or_nothing("sessions", "name", |backend| async move {
        backend.put_sessions_batch(&records()).await
    })
    .await;
    assert_all_or_nothing("sender_keys", "name", |backend| async move {
        backend.put_sender_keys_batch(&records()).await
    })
    .await;
    assert_all_or_nothing("prekeys", "value", |backend| async move {
        let keys: Vec<_> = (0..).zip(ITEMS.map(Bytes::from_static_str)).collect();
        backend.store_prekeys_batch(&keys, false).await
    })
    .await;
}

trait FromStaticStr {
    fn from_static_str(text: &'static str) -> Self;
}

impl FromStaticStr for Bytes {
    fn from_static_str(text: &'static str) -> Self {
        Self::from_static(text.as_bytes())
    }
}

#[tokio::test]
async fn app_state_batches_are_atomic() {
    assert_all_or_nothing("mutation_macs", "index_mac", |backend| async move {
        let macs = ITEMS.map(|item| AppStateMutationMAC {
            index_mac: item.into(),
            value_mac: vec![7],
        });
        backend.put_mutation_macs("regular", 1, &macs).await
    })
    .await;
}

#[tokio::test]
async fn protocol_batches_are_atomic() {
    assert_all_or_nothing("sender_key_devices", "member_jid", |backend| async move {
        backend
            .set_sender_key_status("group", &ITEMS.map(|item| (item, true)))
            .await
    })
    .await;
    assert_all_or_nothing("lid_mappings", "lid", |backend| async move {
        let entries = ITEMS.map(|item| LidPnMappingEntry {
            lid: item.to_owned(),
            phone_number: String::from("1"),
            created_at: 1,
            updated_at: 1,
            learning_source: String::from("usync"),
        });
        backend.put_lid_mappings(&entries).await
    })
    .await;
    assert_all_or_nothing("device_lists", "name", |backend| async move {
        let records = ITEMS.map(|item| DeviceListRecord {
            user: item.to_owned(),
            devices: Vec::new(),
            timestamp: 1,
            phash: None,
            raw_id: None,
        });
        backend.update_device_lists(records.to_vec()).await
    })
    .await;
    assert_all_or_nothing("pending_inbound", "id", |backend| async move {
        let rows = ITEMS.map(|id| PendingInboundRow {
            chat: "chat",
            sender: "sender",
            id,
            message: b"message",
        });
        backend.store_pending_inbound_batch(&rows).await
    })
    .await;
    assert_all_or_nothing("msg_secrets", "message_id", |backend| async move {
        let entries = ITEMS.map(|item| MsgSecretEntry {
            chat: "chat".into(),
            sender: "sender".into(),
            msg_id: item.into(),
            secret: [7; 32],
            expires_at: 0,
            message_ts: 0,
        });
        backend.put_msg_secrets(entries.to_vec()).await.map(|_stored| ())
    })
    .await;
}

/// If the ratchet were stored after all, nobody could decrypt the message when WhatsApp delivers it again.
#[tokio::test]
async fn a_handle_that_could_not_store_a_received_message_stores_nothing_more() {
    let fixture = Fixture::new();
    poison(&fixture, "pending_inbound", "id").await;
    let device = DeviceId::generate();
    let storage = fixture.store.backend(device).await.expect("a backend");
    let chat = "1@s.whatsapp.net";
    let store = async |id| {
        storage
            .backend
            .store_pending_inbound(chat, chat, id, b"text")
            .await
    };
    store("first").await.expect("a write");
    storage
        .backend
        .put_session(chat, b"before")
        .await
        .expect("a write");
    store("poison").await.expect_err("a refusal");
    storage.outdated.await;
    let error = storage
        .backend
        .put_session(chat, b"after")
        .await
        .expect_err("a refusal");
    assert_eq!(cause(&error), Some(&StoreError::Outdated));

    let next = fixture.backend(device).await;
    let session = next.get_session(chat).await.expect("an answer");
    assert_eq!(session.as_deref(), Some(&b"before"[..]));
    next.put_session(chat, b"after").await.expect("a write");
}
