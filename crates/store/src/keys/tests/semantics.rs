//! What the traits' documentation asks for and `InMemoryBackend` does not show.

use futures_util::future::join;
use wacore::store::traits::{LidPnMappingEntry, PendingInboundRow};

use super::*;

fn mapping(lid: &str, phone_number: &str, time: i64) -> LidPnMappingEntry {
    LidPnMappingEntry {
        lid: lid.to_owned(),
        phone_number: phone_number.to_owned(),
        created_at: time,
        updated_at: time,
        learning_source: String::from("usync"),
    }
}

async fn lid_of(backend: &dyn Backend, phone_number: &str) -> Option<String> {
    backend
        .get_pn_mapping(phone_number)
        .await
        .expect("an answer")
        .map(|mapping| mapping.lid)
}

#[tokio::test]
async fn a_number_keeps_its_lid_when_an_older_lid_moves_on() {
    let fixture = Fixture::new();
    let backend = fixture.any_backend().await;
    for (lid, phone_number, time) in [("a", "1", 10), ("b", "1", 20), ("a", "2", 30)] {
        backend
            .put_lid_mapping(&mapping(lid, phone_number, time))
            .await
            .expect("a write");
    }
    assert_eq!(lid_of(&*backend, "1").await.as_deref(), Some("b"));
    assert_eq!(lid_of(&*backend, "2").await.as_deref(), Some("a"));
}

#[tokio::test]
async fn of_lids_learned_in_the_same_second_the_last_one_counts_and_a_stale_one_never() {
    let fixture = Fixture::new();
    let backend = fixture.any_backend().await;
    let entries = [
        mapping("a", "1", 10),
        mapping("b", "1", 10),
        mapping("stale", "1", 0),
    ];
    backend.put_lid_mappings(&entries).await.expect("a write");
    assert_eq!(lid_of(&*backend, "1").await.as_deref(), Some("b"));
    backend
        .put_lid_mapping(&mapping("a", "1", 10))
        .await
        .expect("a write");
    assert_eq!(lid_of(&*backend, "1").await.as_deref(), Some("a"));
}

#[tokio::test]
async fn marking_prekeys_uploaded_brings_none_back() {
    let fixture = Fixture::new();
    let backend = fixture.any_backend().await;
    backend.store_prekey(1, b"one", false).await.expect("a write");
    backend.mark_prekeys_uploaded(&[1, 2]).await.expect("a write");
    assert_eq!(backend.load_prekey(2).await.expect("an answer"), None);
    let uploaded = fixture
        .store
        .database
        .read(|connection| -> Result<Vec<u32>, StoreError> {
            let mut statement = connection.prepare("SELECT id FROM prekeys WHERE uploaded = 1")?;
            let ids = statement.query_map([], |row| row.get(0))?;
            Ok(ids.collect::<Result<_, _>>()?)
        });
    assert_eq!(uploaded.await, Ok(vec![1]));
}

#[tokio::test]
async fn a_stale_token_replaces_no_newer_one_and_each_side_keeps_its_own() {
    let fixture = Fixture::new();
    let backend = fixture.any_backend().await;
    let stored = async || {
        let entry = backend
            .get_tc_token("jid")
            .await
            .expect("an answer")
            .expect("an entry");
        (entry.token, entry.token_timestamp, entry.sender_timestamp)
    };
    backend
        .touch_tc_token_sender_timestamp("jid", 50)
        .await
        .expect("a write");
    assert_eq!(stored().await, (vec![], 50, Some(50)));
    backend
        .store_received_tc_token("jid", b"first", 20)
        .await
        .expect("a write");
    assert_eq!(stored().await, (b"first".to_vec(), 20, Some(50)));
    backend
        .store_received_tc_token("jid", b"stale", 19)
        .await
        .expect("a write");
    assert_eq!(stored().await, (b"first".to_vec(), 20, Some(50)));
    backend
        .store_received_tc_token("jid", b"equal", 20)
        .await
        .expect("a write");
    backend
        .touch_tc_token_sender_timestamp("jid", 40)
        .await
        .expect("a write");
    assert_eq!(stored().await, (b"equal".to_vec(), 20, Some(50)));
}

#[tokio::test]
async fn of_two_that_take_a_sent_message_one_gets_it() {
    let fixture = Fixture::new();
    let backend = fixture.any_backend().await;
    for _round in 0..20 {
        backend
            .store_sent_message("chat", "id", b"payload")
            .await
            .expect("a write");
        let taken = join(
            backend.take_sent_message("chat", "id"),
            backend.take_sent_message("chat", "id"),
        )
        .await;
        let taken = [taken.0.expect("an answer"), taken.1.expect("an answer")];
        assert_eq!(taken.iter().flatten().count(), 1);
    }
}

#[tokio::test]
async fn messages_expire_by_the_clock_of_the_client() {
    let fixture = Fixture::new();
    let backend = fixture.any_backend().await;
    let row = PendingInboundRow {
        chat: "chat",
        sender: "sender",
        id: "id",
        message: b"message",
    };
    let before = wacore::time::now_secs();
    backend
        .store_sent_message("chat", "id", b"payload")
        .await
        .expect("a write");
    backend
        .store_pending_inbound_batch(&[row])
        .await
        .expect("a write");
    let after = wacore::time::now_secs();

    assert_eq!(
        backend
            .delete_expired_sent_messages(before)
            .await
            .expect("a count"),
        0
    );
    assert_eq!(
        backend
            .delete_expired_pending_inbound(before)
            .await
            .expect("a count"),
        0
    );
    assert_eq!(
        backend
            .delete_expired_sent_messages(after + 1)
            .await
            .expect("a count"),
        1
    );
    assert_eq!(
        backend
            .delete_expired_pending_inbound(after + 1)
            .await
            .expect("a count"),
        1
    );
}

#[tokio::test]
async fn a_full_queue_looks_busy_to_the_client() {
    let error: wacore::store::error::StoreError =
        wacore::store::error::StoreError::Database(Box::new(StoreError::Overloaded));
    assert!(error.is_database_busy_or_locked());
}
