//! Operators and who of them is logged in.

use postern_domain::{OperatorId, OperatorName, Role, Timestamp, WorkspaceId};

use super::store::Store;
use super::tables::operators;
use crate::StoreError;

/// An operator to be stored.
#[derive(Clone)]
pub struct NewOperator {
    /// Its id.
    pub id: OperatorId,
    /// Where.
    pub workspace: WorkspaceId,
    /// What it logs in with.
    pub name: OperatorName,
    /// What it may do.
    pub role: Role,
    /// The hash of the password, as a PHC string.
    pub password: String,
}

/// An operator as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    /// Its id.
    pub id: OperatorId,
    /// Where.
    pub workspace: WorkspaceId,
    /// What it logs in with.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it last used the dashboard, to the minute.
    pub last_seen_at: Option<Timestamp>,
}

/// Somebody who is logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorSession {
    /// Who.
    pub operator: Operator,
    /// Since when.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub seen_at: Timestamp,
}

/// An operator was not added or changed.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    /// Another one has the name.
    #[error("the name is taken")]
    NameTaken,
    /// There is an operator already, so that nobody can be the first.
    #[error("there is an operator already")]
    NotTheFirst,
    /// The workspace has no such operator.
    #[error("no such operator")]
    Unknown,
    /// There would be operators, and nobody who can manage them.
    #[error("the first operator has to be an owner (--role owner)")]
    NoOwner,
    /// Nobody would be left who can manage operators.
    #[error("the last owner has to stay one")]
    LastOwner,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// Whether there is any operator.
    ///
    /// # Errors
    /// The store failed.
    pub async fn has_operators(&self) -> Result<bool, StoreError> {
        self.database.read(operators::any).await
    }

    /// Stores the first operator of the daemon.
    ///
    /// # Errors
    /// See [`OperatorError`]: somebody else was first.
    pub async fn add_first_operator(&self, new: NewOperator, now: Timestamp) -> Result<(), OperatorError> {
        self.database
            .write(move |tx| {
                if operators::any(tx)? {
                    return Err(OperatorError::NotTheFirst);
                }
                Ok(operators::insert(tx, &new, now)?)
            })
            .await
    }

    /// Stores another operator, or an owner as the first.
    ///
    /// # Errors
    /// See [`OperatorError`].
    pub async fn add_operator(&self, new: NewOperator, now: Timestamp) -> Result<(), OperatorError> {
        self.database
            .write(move |tx| {
                if operators::by_name(tx, &new.name)?.is_some() {
                    return Err(OperatorError::NameTaken);
                }
                operators::insert(tx, &new, now)?;
                match operators::owners(tx, new.workspace)? {
                    0 => Err(OperatorError::NoOwner),
                    _ => Ok(()),
                }
            })
            .await
    }

    /// The operators of a workspace, in the order in which they were added.
    ///
    /// # Errors
    /// The store failed.
    pub async fn operators(&self, workspace: WorkspaceId) -> Result<Vec<Operator>, StoreError> {
        self.database
            .read(move |connection| operators::list(connection, workspace))
            .await
    }

    /// The operator with this name, and the hash of its password.
    ///
    /// # Errors
    /// The store failed.
    pub async fn operator_by_name(
        &self,
        name: OperatorName,
    ) -> Result<Option<(Operator, String)>, StoreError> {
        self.database
            .read(move |connection| operators::by_name(connection, &name))
            .await
    }

    /// Changes what an operator may do.
    ///
    /// # Errors
    /// See [`OperatorError`].
    pub async fn set_operator_role(
        &self,
        workspace: WorkspaceId,
        id: OperatorId,
        role: Role,
    ) -> Result<(), OperatorError> {
        self.database
            .write(move |tx| {
                operators::find(tx, workspace, id)?.ok_or(OperatorError::Unknown)?;
                operators::set_role(tx, id, role)?;
                keep_an_owner(operators::owners(tx, workspace)?)
            })
            .await
    }

    /// Changes an operator's password, and logs it out everywhere but where `keep` (a session's hash) is.
    ///
    /// # Errors
    /// See [`OperatorError`].
    pub async fn set_operator_password(
        &self,
        workspace: WorkspaceId,
        id: OperatorId,
        password: String,
        keep: Option<[u8; 32]>,
    ) -> Result<(), OperatorError> {
        self.database
            .write(move |tx| {
                operators::find(tx, workspace, id)?.ok_or(OperatorError::Unknown)?;
                operators::set_password(tx, id, &password)?;
                Ok(operators::end_sessions_of(tx, id, keep)?)
            })
            .await
    }

    /// Removes an operator and logs it out.
    ///
    /// # Errors
    /// See [`OperatorError`].
    pub async fn remove_operator(&self, workspace: WorkspaceId, id: OperatorId) -> Result<(), OperatorError> {
        self.database
            .write(move |tx| {
                operators::find(tx, workspace, id)?.ok_or(OperatorError::Unknown)?;
                operators::end_sessions_of(tx, id, None)?;
                operators::delete(tx, id)?;
                keep_an_owner(operators::owners(tx, workspace)?)
            })
            .await
    }

    /// Logs an operator in: stores the hash of the session's token, and forgets sessions begun before `oldest`.
    ///
    /// # Errors
    /// The store failed, or the operator is gone.
    pub async fn begin_session(
        &self,
        operator: OperatorId,
        hash: [u8; 32],
        oldest: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.database
            .write(move |tx| {
                operators::sweep_sessions(tx, oldest)?;
                operators::begin_session(tx, operator, hash, now)
            })
            .await
    }

    /// The session with this hash. How old it may be is the caller's to judge.
    ///
    /// # Errors
    /// The store failed.
    pub async fn operator_session(&self, hash: [u8; 32]) -> Result<Option<OperatorSession>, StoreError> {
        self.database
            .read(move |connection| operators::session(connection, hash))
            .await
    }

    /// Writes down that a session was used.
    ///
    /// # Errors
    /// The store failed.
    pub async fn touch_session(&self, hash: [u8; 32], now: Timestamp) -> Result<(), StoreError> {
        self.database
            .write(move |tx| operators::touch_session(tx, hash, now))
            .await
    }

    /// Logs out.
    ///
    /// # Errors
    /// The store failed.
    pub async fn end_session(&self, hash: [u8; 32]) -> Result<(), StoreError> {
        self.database
            .write(move |tx| operators::end_session(tx, hash))
            .await
    }
}

fn keep_an_owner(owners: u32) -> Result<(), OperatorError> {
    if owners == 0 {
        return Err(OperatorError::LastOwner);
    }
    Ok(())
}
