//! Who did what: an act's row of the audit trail is written in the transaction of the act itself.
//!
//! [`Store::acting`] answers a store whose next write carries an [`Act`]. Nothing else changes: what is refused, rolled back,
//! done already or finds nothing to be done to leaves no row, and what is committed cannot be without its row.

use std::sync::Arc;

use postern_domain::{ApiKeyId, OperatorId, Timestamp, WorkspaceId};
use rusqlite::Connection;
use tokio::sync::watch;

use super::store::Store;
use super::tables::audit;
use super::tally::Tally;
use crate::StoreError;
use crate::sqlite::{Database, WriterMeters};

/// Something that somebody does.
#[derive(Debug, Clone)]
pub struct Act {
    /// Where.
    pub workspace: WorkspaceId,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// What, as `thing.verb`.
    pub action: &'static str,
    /// The id of what it is done to; may be empty.
    pub target: String,
    /// More about it; never a secret, a text or a phone number. May be empty.
    pub details: String,
}

/// Who acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// Somebody in the dashboard.
    Operator {
        /// Who.
        id: OperatorId,
        /// The name to log in with.
        name: String,
    },
    /// Whoever has the data folder.
    Shell,
    /// Who holds this key. Its name and last four characters are looked up in the transaction of the act.
    ApiKey(ApiKeyId),
    /// Who holds a key of another workspace, for the trail of one that shall not learn which key.
    Administration,
}

/// Who acted, as it was at the time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Author {
    /// Somebody in the dashboard.
    Operator {
        /// Who.
        id: OperatorId,
        /// The name to log in with.
        name: String,
    },
    /// Whoever has the data folder.
    Shell,
    /// Who holds an API key of the workspace.
    ApiKey {
        /// Its id.
        id: ApiKeyId,
        /// What its owner called it.
        name: String,
        /// The last four characters of the key.
        last_four: String,
    },
    /// Who holds an API key of the gateway's administration, in another workspace.
    Administration,
}

/// A row of the audit trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub author: Author,
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
    database: Arc<Database<Tally>>,
    acts: Vec<Arc<Act>>,
}

impl Audited {
    pub(super) fn new(database: Database<Tally>) -> Self {
        Self {
            database: Arc::new(database),
            acts: Vec::new(),
        }
    }

    /// See [`Database::write`]; the act's row comes with it.
    pub(super) async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: Fn(&Connection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.write_when(work, |_done| true).await
    }

    /// The same for work of which the outcome says whether anything was done.
    pub(super) async fn write_when<T, E, F>(&self, work: F, is_act: fn(&T) -> bool) -> Result<T, E>
    where
        F: Fn(&Connection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let acts = self.acts.clone();
        self.database
            .write(move |tx| {
                let outcome = work(tx)?;
                if is_act(&outcome) {
                    audit::append(tx, &acts)?;
                }
                Ok(outcome)
            })
            .await
    }

    /// See [`Database::write_deferring`]; the act's row comes with it.
    pub(super) async fn write_deferring<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: Fn(&Connection, &Tally) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.write_deferring_when(work, |_done| true).await
    }

    /// The same for work of which the outcome says whether anything was done.
    pub(super) async fn write_deferring_when<T, E, F>(&self, work: F, is_act: fn(&T) -> bool) -> Result<T, E>
    where
        F: Fn(&Connection, &Tally) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let acts = self.acts.clone();
        self.database
            .write_deferring(move |tx, tally| {
                let outcome = work(tx, tally)?;
                if is_act(&outcome) {
                    audit::append(tx, &acts)?;
                }
                Ok(outcome)
            })
            .await
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
    /// The same store; what it writes is `act`, and its row of the audit trail is committed with it. Called twice, it is
    /// both.
    #[must_use]
    pub fn acting(&self, act: Act) -> Self {
        let mut store = self.clone();
        store.database.acts.push(Arc::new(act));
        store
    }

    /// The same store without an act: for what follows from one and is no act of its own.
    pub(super) fn following(&self) -> Self {
        let mut store = self.clone();
        store.database.acts.clear();
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
