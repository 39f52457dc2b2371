//! Opening, wiping, closing, and being killed.

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use super::calls::{METHODS, call};
use super::*;

/// Every table that refers to a device, read from the schema, so that a new one is not forgotten.
async fn tables_of_devices(fixture: &Fixture) -> Vec<String> {
    let tables = fixture
        .store
        .database
        .read(|connection| -> Result<Vec<String>, StoreError> {
            let mut statement = connection.prepare(
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT IN
             ('devices', 'sqlite_sequence', 'refinery_schema_history') ORDER BY name",
            )?;
            let names = statement.query_map([], |row| row.get(0))?;
            Ok(names.collect::<Result<_, _>>()?)
        });
    tables.await.expect("the tables")
}

async fn rows_by_table(fixture: &Fixture) -> Vec<(String, i64)> {
    let mut counts = Vec::new();
    for table in tables_of_devices(fixture).await {
        let sql = format!("SELECT count(*) FROM {table}");
        let count = fixture
            .store
            .database
            .read(move |connection| -> Result<i64, StoreError> {
                Ok(connection.query_row(&sql, [], |row| row.get(0))?)
            });
        counts.push((table, count.await.expect("a count")));
    }
    counts
}

/// Puts rows into every table; the calls are random, but always the same.
async fn fill(fixture: &Fixture, backend: &dyn Backend) {
    let mut runner = TestRunner::deterministic();
    backend.create().await.expect("a number");
    for order in 0..2_000 {
        let call = call(METHODS).new_tree(&mut runner).expect("a call").current();
        call.give_to(backend, order).await;
        if order % 50 == 0
            && rows_by_table(fixture)
                .await
                .iter()
                .all(|(_table, rows)| *rows > 0)
        {
            return;
        }
    }
    panic!("some tables are empty: {:?}", rows_by_table(fixture).await);
}

#[tokio::test]
async fn a_wipe_leaves_nothing_of_the_device_and_everything_of_others() {
    let fixture = Fixture::new();
    let (wiped, kept) = (DeviceId::generate(), DeviceId::generate());
    fill(&fixture, &*fixture.backend(kept).await).await;
    let before = rows_by_table(&fixture).await;
    let backend = fixture.backend(wiped).await;
    let mut runner = TestRunner::deterministic();
    for order in 0..200 {
        let call = call(METHODS).new_tree(&mut runner).expect("a call").current();
        call.give_to(&*backend, order).await;
    }
    backend.create().await.expect("a number");
    backend
        .put_session("1@s.whatsapp.net", b"session")
        .await
        .expect("a write");
    assert!(rows_by_table(&fixture).await != before);

    fixture.store.wipe(wiped).await.expect("a wipe");
    assert_eq!(rows_by_table(&fixture).await, before);
    assert_eq!(fixture.store.devices().await, Ok(vec![kept]));

    fixture.store.wipe(kept).await.expect("a wipe");
    assert!(
        rows_by_table(&fixture)
            .await
            .iter()
            .all(|(_table, rows)| *rows == 0)
    );
}

#[tokio::test]
async fn a_backend_from_before_a_wipe_brings_nothing_back() {
    let mut fixture = Fixture::new();
    let id = DeviceId::generate();
    let used = fixture.backend(id).await;
    let unused = fixture.backend(id).await;
    used.put_session("1@s.whatsapp.net", b"stale")
        .await
        .expect("a write");
    fixture.store.wipe(id).await.expect("a wipe");

    let next = fixture.backend(id).await;
    for stale in [&used, &unused] {
        let error = stale
            .put_session("1@s.whatsapp.net", b"stale")
            .await
            .expect_err("a refusal");
        assert_eq!(cause(&error), Some(&StoreError::Wiped));
        let error = stale
            .delete_session("1@s.whatsapp.net")
            .await
            .expect_err("a refusal");
        assert_eq!(cause(&error), Some(&StoreError::Wiped));
        let error = stale.create().await.expect_err("a refusal");
        assert_eq!(cause(&error), Some(&StoreError::Wiped));
        assert_eq!(
            stale.get_session("1@s.whatsapp.net").await.expect("an answer"),
            None
        );
    }
    assert_eq!(
        next.get_session("1@s.whatsapp.net").await.expect("an answer"),
        None
    );
    next.put_session("1@s.whatsapp.net", b"new")
        .await
        .expect("a write");

    // The numbers are not given out again after a restart either.
    let (number, other) = (next.create().await.expect("a number"), DeviceId::generate());
    fixture.store.wipe(id).await.expect("a wipe");
    fixture.reopen().await;
    assert!(fixture.backend(other).await.create().await.expect("a number") > number);
}

#[tokio::test]
async fn two_devices_share_a_file_and_nothing_else() {
    let fixture = Fixture::new();
    let (one, two) = (fixture.any_backend().await, fixture.any_backend().await);
    one.put_session("1@s.whatsapp.net", b"one")
        .await
        .expect("a write");
    two.put_session("1@s.whatsapp.net", b"two")
        .await
        .expect("a write");
    two.delete_session("1@s.whatsapp.net").await.expect("a write");
    assert_eq!(
        one.get_session("1@s.whatsapp.net")
            .await
            .expect("an answer")
            .as_deref(),
        Some(&b"one"[..])
    );
    assert_eq!(
        two.get_session("1@s.whatsapp.net").await.expect("an answer"),
        None
    );
}

#[tokio::test]
async fn two_backends_of_a_device_see_each_other() {
    let fixture = Fixture::new();
    let id = DeviceId::generate();
    let (one, two) = (fixture.backend(id).await, fixture.backend(id).await);
    one.put_session("1@s.whatsapp.net", b"session")
        .await
        .expect("a write");
    assert!(two.has_session("1@s.whatsapp.net").await.expect("an answer"));
}

#[tokio::test]
async fn what_was_answered_survives_a_kill() {
    let mut fixture = Fixture::new();
    let id = DeviceId::generate();
    for number in 0..20_u8 {
        fixture
            .backend(id)
            .await
            .put_session("1@s.whatsapp.net", &[number])
            .await
            .expect("a write");
        fixture.kill_and_reopen();
        let session = fixture
            .backend(id)
            .await
            .get_session("1@s.whatsapp.net")
            .await
            .expect("an answer");
        assert_eq!(session.as_deref(), Some(&[number][..]));
    }
}

#[tokio::test]
async fn a_store_that_is_dropped_keeps_everything() {
    let Fixture { directory, store } = Fixture::new();
    let id = DeviceId::generate();
    let backend = store.backend(id).await.expect("a backend").backend;
    backend
        .put_session("1@s.whatsapp.net", b"session")
        .await
        .expect("a write");
    drop((backend, store));
    // The old threads may still be ending.
    let store = KeyStore::open(&KeyStoreOptions::new(directory.path().join("keys.db"))).expect("a store");
    let backend = store.backend(id).await.expect("a backend").backend;
    assert!(backend.has_session("1@s.whatsapp.net").await.expect("an answer"));
}

#[tokio::test]
async fn a_closed_store_says_so() {
    let fixture = Fixture::new();
    let backend = fixture.any_backend().await;
    fixture.store.close().await;
    let error = backend
        .put_session("1@s.whatsapp.net", b"late")
        .await
        .expect_err("a refusal");
    assert_eq!(cause(&error), Some(&StoreError::Closed));
    assert_eq!(fixture.store.devices().await, Err(StoreError::Closed));
}

#[tokio::test]
async fn a_file_of_a_later_version_is_refused() {
    let fixture = Fixture::new();
    let later = fixture.store.database.write(|tx| -> Result<(), StoreError> {
        tx.execute(
            "INSERT INTO refinery_schema_history (version, name, applied_on, checksum)
             SELECT 99, 'later', applied_on, checksum FROM refinery_schema_history LIMIT 1",
            [],
        )?;
        Ok(())
    });
    later.await.expect("a later version");
    fixture.store.close().await;
    let refused = KeyStore::open(&KeyStoreOptions::new(fixture.path())).expect_err("a refusal");
    assert!(
        matches!(refused, OpenError::NewerSchema { found: 99, .. }),
        "{refused}"
    );
}

#[test]
fn every_migration_file_is_compiled_in() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations/keys");
    let mut files: Vec<String> = fs::read_dir(directory)
        .expect("the migrations")
        .map(|entry| {
            entry
                .expect("a file")
                .path()
                .file_stem()
                .expect("a name")
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    files.sort();
    let mut known: Vec<_> = SCHEMA.migrations.iter().map(|(name, _sql)| *name).collect();
    known.sort_unstable();
    assert_eq!(files, known);
}
