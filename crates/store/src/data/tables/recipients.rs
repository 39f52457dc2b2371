//! Whom an account has written to, so that those it never did can be told apart.

use rusqlite::Connection;

use crate::StoreError;

/// Whether the account has written to the chat before.
pub(in crate::data) fn is_known(tx: &Connection, account: i64, chat: &str) -> Result<bool, StoreError> {
    Ok(tx
        .prepare_cached("SELECT 1 FROM recipients WHERE account = ?1 AND chat = ?2")?
        .exists((account, chat))?)
}

/// The account writes to the chat.
pub(in crate::data) fn note(tx: &Connection, account: i64, chat: &str) -> Result<(), StoreError> {
    tx.prepare_cached("INSERT OR IGNORE INTO recipients (account, chat) VALUES (?1, ?2)")?
        .execute((account, chat))?;
    Ok(())
}
