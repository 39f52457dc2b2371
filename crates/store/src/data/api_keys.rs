//! API keys: stored by the hash of their secret, given scopes and ends, revoked and rotated.
//!
//! Nobody changes a key that may do more than the own one: whoever asks says what scopes it holds, and that is compared in
//! the transaction of the change. Revoked keys stay, so that their names can be read and none comes back to life.

use postern_domain::{ApiKeyId, ApiKeySecret, Scope, Scopes, Timestamp, WorkspaceId};
use rusqlite::Connection;

use super::store::Store;
use super::tables::api_keys;
use crate::StoreError;

/// An API key to be stored. The secret itself never reaches the store.
#[derive(Debug, Clone)]
pub struct NewApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// What its owner calls it.
    pub name: String,
    /// SHA-256 of the whole key.
    pub hash: [u8; 32],
    /// What the key starts with, e.g. `sk_live_`.
    pub prefix: String,
    /// The last four characters of the key.
    pub last_four: String,
    /// What it may be used for.
    pub scopes: Scopes,
    /// Where it may be used from, in CIDR notation; none is anywhere.
    pub networks: Vec<String>,
    /// From when on it is no longer valid.
    pub expires_at: Option<Timestamp>,
}

impl NewApiKey {
    /// What is stored of this key: one that may do all of `scopes`, from anywhere, for ever.
    #[must_use]
    pub fn of(
        secret: &ApiKeySecret,
        workspace: WorkspaceId,
        name: impl Into<String>,
        scopes: Scopes,
    ) -> Self {
        Self {
            id: ApiKeyId::generate(),
            workspace,
            name: name.into(),
            hash: secret.hash(),
            prefix: secret.prefix().to_owned(),
            last_four: secret.last_four().to_owned(),
            scopes,
            networks: Vec::new(),
            expires_at: None,
        }
    }
}

/// A stored API key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// What its owner calls it.
    pub name: String,
    /// SHA-256 of the whole key.
    pub hash: [u8; 32],
    /// What the key starts with, e.g. `sk_live_`.
    pub prefix: String,
    /// The last four characters of the key.
    pub last_four: String,
    /// What it may be used for.
    pub scopes: Scopes,
    /// Where it may be used from, in CIDR notation; none is anywhere.
    pub networks: Vec<String>,
    /// From when on it is no longer valid, as it was asked for; see [`Self::ends_at`].
    pub expires_at: Option<Timestamp>,
    /// From when on its successor has its place.
    pub replaced_at: Option<Timestamp>,
    /// Since when it is no longer valid, whatever else.
    pub revoked_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// When it was stored.
    pub created_at: Timestamp,
}

impl ApiKey {
    /// From when on it is no longer valid unless it is revoked before: by its expiry or because it was replaced.
    #[must_use]
    pub fn ends_at(&self) -> Option<Timestamp> {
        self.expires_at.into_iter().chain(self.replaced_at).min()
    }

    /// Whether it has ended, by itself or by hand.
    #[must_use]
    pub fn has_ended(&self, now: Timestamp) -> bool {
        self.revoked_at.is_some() || self.ends_at().is_some_and(|end| end <= now)
    }
}

/// A key and what is to be known of its workspace to let it in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The key.
    pub key: ApiKey,
    /// The plan of its workspace.
    pub plan: String,
    /// Why its workspace may do nothing; `None` while it is active.
    pub deactivated: Option<String>,
}

/// What is to be changed about a key; `None` leaves it as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ApiKeyChange {
    /// What its owner calls it.
    pub name: Option<String>,
    /// What it may be used for.
    pub scopes: Option<Scopes>,
    /// Where it may be used from; an empty list is anywhere.
    pub networks: Option<Vec<String>>,
    /// From when on it is no longer valid; `Some(None)` is never. Holds for a key that was replaced, too.
    pub expires_at: Option<Option<Timestamp>>,
}

/// Why a key was not changed; nothing was.
#[derive(Debug, thiserror::Error)]
pub enum ApiKeyError {
    /// The workspace has no such key.
    #[error("no such API key")]
    Unknown,
    /// The key has, or would get, a scope that whoever asks does not hold.
    #[error("the scope {0} is not held")]
    Beyond(Scope),
    /// It was revoked or has expired.
    #[error("the API key has ended")]
    Ended,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// Stores a key; `false` when one with the same hash is stored already, whatever became of it.
    ///
    /// # Errors
    /// The store failed, or has no such workspace.
    pub async fn add_api_key(&self, key: NewApiKey, now: Timestamp) -> Result<bool, StoreError> {
        self.database
            .write(move |tx| api_keys::insert(tx, &key, now))
            .await
    }

    /// Whether the workspace has, or had, any key.
    ///
    /// # Errors
    /// The store failed.
    pub async fn has_api_keys(&self, workspace: WorkspaceId) -> Result<bool, StoreError> {
        self.database
            .read(move |connection| api_keys::any(connection, workspace))
            .await
    }

    /// The key with this SHA-256, valid or not.
    ///
    /// # Errors
    /// The store failed.
    pub async fn credentials(&self, hash: [u8; 32]) -> Result<Option<Credentials>, StoreError> {
        self.database
            .read(move |connection| api_keys::credentials(connection, hash))
            .await
    }

    /// One key of a workspace.
    ///
    /// # Errors
    /// The store failed.
    pub async fn api_key(&self, workspace: WorkspaceId, id: ApiKeyId) -> Result<Option<ApiKey>, StoreError> {
        self.database
            .read(move |connection| api_keys::find(connection, workspace, id))
            .await
    }

    /// The keys of a workspace, ended ones too: newest first, those before `after` in that order left out. Answers where
    /// the next page starts, too.
    ///
    /// # Errors
    /// The store failed.
    pub async fn api_keys(
        &self,
        workspace: WorkspaceId,
        limit: usize,
        after: Option<ApiKeyId>,
    ) -> Result<(Vec<ApiKey>, Option<ApiKeyId>), StoreError> {
        self.database
            .read(move |connection| {
                let mut page = api_keys::list(connection, workspace, limit.saturating_add(1), after)?;
                let more = page.len() > limit;
                page.truncate(limit);
                let next = page.last().filter(|_| more).map(|key| key.id);
                Ok((page, next))
            })
            .await
    }

    /// Changes a key, asked by somebody who holds the scopes `held`.
    ///
    /// # Errors
    /// See [`ApiKeyError`].
    pub async fn change_api_key(
        &self,
        workspace: WorkspaceId,
        id: ApiKeyId,
        held: Scopes,
        change: ApiKeyChange,
        now: Timestamp,
    ) -> Result<ApiKey, ApiKeyError> {
        self.database
            .write(move |tx| {
                let mut key = changeable(tx, workspace, id, held)?;
                if key.has_ended(now) {
                    return Err(ApiKeyError::Ended);
                }
                let change = change.clone();
                key.name = change.name.unwrap_or(key.name);
                key.scopes = change.scopes.unwrap_or(key.scopes);
                key.networks = change.networks.unwrap_or(key.networks);
                if let Some(expires_at) = change.expires_at {
                    (key.expires_at, key.replaced_at) = (expires_at, None);
                }
                within(key.scopes, held)?;
                api_keys::update(tx, &key)?;
                Ok(key)
            })
            .await
    }

    /// Ends a key now, asked by somebody who holds the scopes `held`. Once more changes nothing.
    ///
    /// # Errors
    /// See [`ApiKeyError`].
    pub async fn revoke_api_key(
        &self,
        workspace: WorkspaceId,
        id: ApiKeyId,
        held: Scopes,
        now: Timestamp,
    ) -> Result<(), ApiKeyError> {
        self.database
            .write(move |tx| {
                let mut key = changeable(tx, workspace, id, held)?;
                if key.revoked_at.is_none() {
                    key.revoked_at = Some(now);
                    api_keys::update(tx, &key)?;
                }
                Ok(())
            })
            .await
    }

    /// Stores a key in the place of another, which ends at `until` if not before, asked by somebody who holds the scopes
    /// `held`. `successor` makes the new key of the old one. Answers both, the old one first.
    ///
    /// # Errors
    /// See [`ApiKeyError`].
    pub async fn rotate_api_key(
        &self,
        workspace: WorkspaceId,
        id: ApiKeyId,
        held: Scopes,
        until: Timestamp,
        now: Timestamp,
        successor: impl Fn(&ApiKey) -> NewApiKey + Send + 'static,
    ) -> Result<(ApiKey, ApiKey), ApiKeyError> {
        self.database
            .write(move |tx| {
                let mut old = changeable(tx, workspace, id, held)?;
                if old.has_ended(now) {
                    return Err(ApiKeyError::Ended);
                }
                let new = successor(&old);
                api_keys::insert(tx, &new, now)?;
                // Not its expiry, which a further successor inherits: the first answer, with the only copy of the key, may be lost.
                old.replaced_at = old.replaced_at.or(Some(until)).min(Some(until));
                api_keys::update(tx, &old)?;
                let new = api_keys::find(tx, workspace, new.id)?;
                Ok((old, new.ok_or(StoreError::Aborted)?))
            })
            .await
    }

    /// Writes down that a key was used, unless it was less than a minute ago.
    ///
    /// # Errors
    /// The store failed.
    pub async fn api_key_used(&self, id: ApiKeyId, now: Timestamp) -> Result<(), StoreError> {
        self.database
            .write(move |tx| api_keys::set_used(tx, id, now))
            .await
    }
}

/// The key, when somebody with the scopes `held` may change it.
fn changeable(
    tx: &Connection,
    workspace: WorkspaceId,
    id: ApiKeyId,
    held: Scopes,
) -> Result<ApiKey, ApiKeyError> {
    let key = api_keys::find(tx, workspace, id)?.ok_or(ApiKeyError::Unknown)?;
    within(key.scopes, held)?;
    Ok(key)
}

fn within(scopes: Scopes, held: Scopes) -> Result<(), ApiKeyError> {
    match scopes.first_beyond(held) {
        Some(scope) => Err(ApiKeyError::Beyond(scope)),
        None => Ok(()),
    }
}
