//! What is counted in memory is what was committed.

use super::*;
use crate::StoreError;

#[tokio::test]
async fn what_is_not_committed_is_not_counted() {
    let fixture = Fixture::in_memory().await;
    let reconnect = |workspace: &'static str| {
        fixture.store.write_counted(move |tx, tally| {
            tally.reconnected();
            // What is wrong is found out when all is committed.
            tx.pragma_update(None, "defer_foreign_keys", true)?;
            tx.execute(&format!("UPDATE devices SET workspace_id = {workspace}"), [])?;
            Ok::<_, StoreError>(())
        })
    };
    let meters = fixture.store.meters();
    reconnect("x'00'").await.expect_err("there is no such workspace");
    assert_eq!(meters.reconnects.get(), 0);
    reconnect("workspace_id").await.expect("committed");
    assert_eq!(meters.reconnects.get(), 1);
}
