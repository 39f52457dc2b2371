//! API keys, by the hash of their secret.

use postern_domain::{ApiKeyId, Scopes, Timestamp, WorkspaceId};
use rusqlite::{Connection, OptionalExtension as _, Row};

use super::columns::{id, optional_time, rows, time};
use crate::StoreError;
use crate::data::api_keys::{ApiKey, Credentials, NewApiKey};

const COLUMNS: &str =
    "api_keys.id, workspace_id, api_keys.name, hash, prefix, last_four, scopes, networks, expires_at,
    revoked_at, last_used_at, api_keys.created_at, replaced_at";

/// How often the last use of a key is written at most, in milliseconds.
const USES_APART: i64 = 60_000;

/// Stores a key; `false` when its hash is there already.
pub(in crate::data) fn insert(tx: &Connection, key: &NewApiKey, now: Timestamp) -> Result<bool, StoreError> {
    let inserted = tx
        .prepare_cached(
            "INSERT INTO api_keys
                 (id, workspace_id, name, hash, prefix, last_four, scopes, networks, expires_at, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT (hash) DO NOTHING",
        )?
        .execute((
            key.id.to_bytes(),
            key.workspace.to_bytes(),
            &key.name,
            key.hash,
            &key.prefix,
            &key.last_four,
            key.scopes.bits().cast_signed(),
            key.networks.join(" "),
            key.expires_at.map(Timestamp::as_millis),
            now.as_millis(),
        ))?;
    Ok(inserted == 1)
}

/// Writes what may change of a key.
pub(in crate::data) fn update(tx: &Connection, key: &ApiKey) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE api_keys SET name = ?2, scopes = ?3, networks = ?4, expires_at = ?5, replaced_at = ?6, revoked_at = ?7
         WHERE id = ?1",
    )?
    .execute((
        key.id.to_bytes(),
        &key.name,
        key.scopes.bits().cast_signed(),
        key.networks.join(" "),
        key.expires_at.map(Timestamp::as_millis),
        key.replaced_at.map(Timestamp::as_millis),
        key.revoked_at.map(Timestamp::as_millis),
    ))?;
    Ok(())
}

/// Writes when a key was last used.
pub(in crate::data) fn set_used(tx: &Connection, key: ApiKeyId, now: Timestamp) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE api_keys SET last_used_at = ?2 WHERE id = ?1 AND ?2 - coalesce(last_used_at, 0) >= ?3",
    )?
    .execute((key.to_bytes(), now.as_millis(), USES_APART))?;
    Ok(())
}

/// Whether the workspace has, or had, any.
pub(in crate::data) fn any(connection: &Connection, workspace: WorkspaceId) -> Result<bool, StoreError> {
    Ok(connection
        .prepare_cached("SELECT 1 FROM api_keys WHERE workspace_id = ?1 LIMIT 1")?
        .exists([workspace.to_bytes()])?)
}

/// What a key is called, and its last four characters.
pub(in crate::data) fn label(
    connection: &Connection,
    key: ApiKeyId,
) -> Result<Option<(String, String)>, StoreError> {
    Ok(connection
        .prepare_cached("SELECT name, last_four FROM api_keys WHERE id = ?1")?
        .query_row([key.to_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?)
}

/// One key of a workspace.
pub(in crate::data) fn find(
    connection: &Connection,
    workspace: WorkspaceId,
    key: ApiKeyId,
) -> Result<Option<ApiKey>, StoreError> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM api_keys WHERE id = ?1 AND workspace_id = ?2"
    ))?;
    let mut found = statement.query((key.to_bytes(), workspace.to_bytes()))?;
    found.next()?.map(api_key).transpose()
}

/// The keys of a workspace, newest first.
pub(in crate::data) fn list(
    connection: &Connection,
    workspace: WorkspaceId,
    limit: usize,
    before: Option<ApiKeyId>,
) -> Result<Vec<ApiKey>, StoreError> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM api_keys WHERE workspace_id = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3"
    ))?;
    // Larger than any id that is made: its time is in the year 10889.
    let before = before.map_or([u8::MAX; 16], ApiKeyId::to_bytes);
    let mut found = statement.query((workspace.to_bytes(), before, rows(limit)))?;
    let mut keys = Vec::new();
    while let Some(row) = found.next()? {
        keys.push(api_key(row)?);
    }
    Ok(keys)
}

/// The key with this hash, and its workspace.
pub(in crate::data) fn credentials(
    connection: &Connection,
    hash: [u8; 32],
) -> Result<Option<Credentials>, StoreError> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS}, plan, deactivated_at, deactivated_reason
         FROM api_keys JOIN workspaces ON workspaces.id = workspace_id WHERE hash = ?1"
    ))?;
    let mut found = statement.query([hash])?;
    let Some(row) = found.next()? else {
        return Ok(None);
    };
    let reason: Option<String> = row.get(15)?;
    Ok(Some(Credentials {
        key: api_key(row)?,
        plan: row.get(13)?,
        deactivated: optional_time(row, 14)?.map(|_since| reason.unwrap_or_default()),
    }))
}

fn api_key(row: &Row<'_>) -> Result<ApiKey, StoreError> {
    let networks: String = row.get(7)?;
    Ok(ApiKey {
        id: id(row, 0, ApiKeyId::from_bytes)?,
        workspace: id(row, 1, WorkspaceId::from_bytes)?,
        name: row.get(2)?,
        hash: row.get(3)?,
        prefix: row.get(4)?,
        last_four: row.get(5)?,
        scopes: Scopes::from_bits(row.get::<_, i64>(6)?.cast_unsigned()),
        networks: networks.split_whitespace().map(str::to_owned).collect(),
        expires_at: optional_time(row, 8)?,
        replaced_at: optional_time(row, 12)?,
        revoked_at: optional_time(row, 9)?,
        last_used_at: optional_time(row, 10)?,
        created_at: time(row, 11)?,
    })
}
