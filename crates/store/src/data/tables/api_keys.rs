//! API keys, by the hash of their secret.

use postern_domain::{ApiKeyId, Timestamp, WorkspaceId};
use rusqlite::{Connection, OptionalExtension as _};

use crate::StoreError;
use crate::data::records::{ApiKey, NewApiKey};

/// Stores a key; `false` when its hash is there already.
pub(in crate::data) fn insert(tx: &Connection, key: &NewApiKey, now: Timestamp) -> Result<bool, StoreError> {
    let inserted = tx
        .prepare_cached(
            "INSERT INTO api_keys (id, workspace_id, name, hash, prefix, last_four, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (hash) DO NOTHING",
        )?
        .execute((
            key.id.to_bytes(),
            key.workspace.to_bytes(),
            &key.name,
            key.hash,
            &key.prefix,
            &key.last_four,
            now.as_millis(),
        ))?;
    Ok(inserted == 1)
}

/// Whether the workspace has any.
pub(in crate::data) fn any(connection: &Connection, workspace: WorkspaceId) -> Result<bool, StoreError> {
    Ok(connection
        .prepare_cached("SELECT 1 FROM api_keys WHERE workspace_id = ?1 LIMIT 1")?
        .exists([workspace.to_bytes()])?)
}

/// The key with this hash.
pub(in crate::data) fn by_hash(
    connection: &Connection,
    hash: [u8; 32],
) -> Result<Option<ApiKey>, StoreError> {
    Ok(connection
        .prepare_cached("SELECT id, workspace_id FROM api_keys WHERE hash = ?1")?
        .query_row([hash], |row| {
            Ok(ApiKey {
                id: ApiKeyId::from_bytes(row.get(0)?),
                workspace: WorkspaceId::from_bytes(row.get(1)?),
                hash,
            })
        })
        .optional()?)
}
