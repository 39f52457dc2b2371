//! The first start: a workspace, and an API key that is given or made, printed once, and stored hashed.

use postern_api::keys::ApiKeySecret;
use postern_domain::{ApiKeyId, Timestamp, WorkspaceId};
use postern_store::{NewApiKey, Store};

/// The key in `POSTERN_BOOTSTRAP_API_KEY` cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("POSTERN_BOOTSTRAP_API_KEY must be sk_live_ and 48 hexadecimal digits, e.g. sk_live_$(openssl rand -hex 24)")]
pub(crate) struct KeyRefused;

/// Makes sure that there is a workspace with a key; answers the key when this call made it.
pub(crate) async fn first_key(
    store: &Store,
    given: Option<&str>,
    now: Timestamp,
) -> anyhow::Result<Option<ApiKeySecret>> {
    let workspace = store.first_workspace(now).await?;
    if let Some(given) = given {
        let key = ApiKeySecret::parse(given).ok_or(KeyRefused)?;
        add(store, workspace, "bootstrap", &key, now).await?;
        return Ok(None);
    }
    if store.has_api_keys(workspace).await? {
        return Ok(None);
    }
    let key = ApiKeySecret::generate();
    add(store, workspace, "first", &key, now).await?;
    Ok(Some(key))
}

async fn add(
    store: &Store,
    workspace: WorkspaceId,
    name: &str,
    key: &ApiKeySecret,
    now: Timestamp,
) -> anyhow::Result<()> {
    let row = NewApiKey {
        id: ApiKeyId::generate(),
        workspace,
        name: name.to_owned(),
        hash: key.hash(),
        prefix: ApiKeySecret::PREFIX.to_owned(),
        last_four: key.last_four().to_owned(),
    };
    // A key that is stored already is the same key: a restart with the same variable.
    store.add_api_key(row, now).await?;
    Ok(())
}
