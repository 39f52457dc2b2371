//! Who did what: an act's row of the audit trail is written in the transaction of the act itself.
//!
//! [`Store::acting`] answers a store whose next write carries an [`Act`]. Nothing else changes: what is
//! refused or rolled back leaves no row, and what is committed cannot be without its row.

use std::sync::Arc;

use postern_domain::{OperatorId, Timestamp, WorkspaceId};
use rusqlite::Connection;
use tokio::sync::watch;

use super::store::Store;
use super::tables::audit;
use crate::StoreError;
use crate::sqlite::{Database, WriterMeters};

/// Something an operator does.
#[derive(Debug, Clone)]
pub struct Act {
    /// Where.
    pub workspace: WorkspaceId,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: OperatorId,
    /// The operator's name.
    pub actor_name: String,
    /// What, as `thing.verb`.
    pub action: &'static str,
    /// The id of what it is done to; may be empty.
    pub target: String,
    /// More about it; never a secret, a text or a phone number. May be empty.
    pub details: String,
}

/// A row of the audit trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// The operator's name at the time.
    pub actor_name: String,
    /// What, as `thing.verb`.
    pub action: String,
    /// The id of what it was done to; may be empty.
    pub target: String,
    /// More about it; may be empty.
    pub details: String,
}

/// The database as the store's methods reach it.
#[derive(Clone)]
pub(super) struct Audited {
    database: Arc<Database>,
    act: Option<Arc<Act>>,
}

impl Audited {
    pub(super) fn new(database: Database) -> Self {
        Self {
            database: Arc::new(database),
            act: None,
        }
    }

    /// See [`Database::write`]; the act's row comes with it.
    pub(super) async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: Fn(&Connection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.write_then(work, |_done: &T| {}).await
    }

    /// See [`Database::write_then`]; the act's row comes with it.
    pub(super) async fn write_then<T, E, F, C>(&self, work: F, committed: C) -> Result<T, E>
    where
        F: Fn(&Connection) -> Result<T, E> + Send + 'static,
        C: FnOnce(&T) + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let Some(act) = self.act.clone() else {
            return self.database.write_then(work, committed).await;
        };
        let with_row = move |tx: &Connection| {
            let done = work(tx)?;
            audit::append(tx, &act)?;
            Ok(done)
        };
        self.database.write_then(with_row, committed).await
    }

    /// See [`Database::read`].
    pub(super) async fn read<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&Connection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.database.read(work).await
    }

    /// See [`Database::meters`].
    pub(super) fn meters(&self) -> &Arc<WriterMeters> {
        self.database.meters()
    }

    /// See [`Database::waiting`].
    pub(super) fn waiting(&self) -> usize {
        self.database.waiting()
    }

    /// See [`Database::watch`].
    pub(super) fn watch(&self) -> watch::Receiver<u64> {
        self.database.watch()
    }

    pub(super) async fn close(&self) {
        self.database.close().await;
    }
}

impl Store {
    /// The same store; what it writes is `act`, and its row of the audit trail is committed with it.
    #[must_use]
    pub fn acting(&self, act: Act) -> Self {
        let mut store = self.clone();
        store.database.act = Some(Arc::new(act));
        store
    }

    /// The same store without an act: for what follows from one and is no act of its own.
    pub(super) fn following(&self) -> Self {
        let mut store = self.clone();
        store.database.act = None;
        store
    }

    /// Writes down an act that changes nothing in the store.
    ///
    /// # Errors
    /// The store failed.
    pub async fn note(&self, act: Act) -> Result<(), StoreError> {
        self.acting(act).database.write(|_tx| Ok(())).await
    }

    /// The audit trail, newest first, from before `before` on; answers where the next page starts, too.
    ///
    /// # Errors
    /// The store failed.
    pub async fn audit(
        &self,
        workspace: WorkspaceId,
        limit: usize,
        before: Option<u64>,
    ) -> Result<(Vec<AuditEntry>, Option<u64>), StoreError> {
        self.database
            .read(move |connection| audit::page(connection, workspace, limit, before))
            .await
    }
}
