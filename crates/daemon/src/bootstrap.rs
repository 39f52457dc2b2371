//! The first start: a workspace, and an API key for everything that is given or made, printed once, and stored hashed.

use postern_api::{ApiKeySecret, KeyKind};
use postern_domain::{Scopes, Timestamp};
use postern_store::Store;

/// The key in `POSTERN_BOOTSTRAP_API_KEY` cannot be used.
#[derive(Debug, thiserror::Error)]
#[error(
    "POSTERN_BOOTSTRAP_API_KEY must be sk_live_ or sk_test_ and 48 hexadecimal digits, e.g. sk_live_$(openssl rand -hex 24)"
)]
pub(crate) struct KeyRefused;

/// Makes sure that there is a workspace with a key; answers the key when this call made it.
pub(crate) async fn first_key(
    store: &Store,
    given: Option<&str>,
    kind: KeyKind,
    now: Timestamp,
) -> anyhow::Result<Option<ApiKeySecret>> {
    let workspace = store.first_workspace(now).await?;
    if let Some(given) = given {
        let key = ApiKeySecret::parse(given).map_err(|_not_a_key| KeyRefused)?;
        // One that is stored already is the same key: a restart with the same variable. If it was revoked, it stays so.
        store
            .add_api_key(
                postern_store::NewApiKey::of(&key, workspace, "bootstrap", Scopes::all()),
                now,
            )
            .await?;
        return Ok(None);
    }
    if store.has_api_keys(workspace).await? {
        return Ok(None);
    }
    let key = ApiKeySecret::generate(kind);
    let stored = postern_store::NewApiKey::of(&key, workspace, "first", Scopes::all());
    store.add_api_key(stored, now).await?;
    Ok(Some(key))
}
