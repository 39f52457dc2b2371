//! The secrets of webhooks when the daemon starts: those of earlier releases are sealed, and those whose key is lost renewed.

use std::sync::Arc;

use postern_domain::Timestamp;
use postern_domain::webhook::{DisableReason, WebhookSecret};
use rusqlite::Connection;

use super::store::Store;
use super::tables::endpoints;
use super::tables::sealed::{self, Sealed};
use crate::StoreError;
use crate::vault::Vault;

impl Store {
    /// Seals what is not. Where the key was made just now and nothing opens with it, the one before is lost, as after a
    /// restore without it: such an endpoint gets a new secret that nobody knows and is disabled, so that it misses nothing
    /// until its owner has rotated the secret, set its headers again and enabled it.
    ///
    /// # Errors
    /// The store failed, or the key is another one than that the secrets were sealed with.
    pub(super) async fn seal_webhooks(&self, now: Timestamp) -> Result<(), StoreError> {
        let vault = Arc::clone(&self.vault);
        self.database.write(move |tx| seal_all(tx, &vault, now)).await
    }
}

fn seal_all(tx: &Connection, vault: &Vault, now: Timestamp) -> Result<(), StoreError> {
    for row in sealed::all(tx)? {
        let Some(opened) = row.opened(vault) else {
            if !vault.is_new {
                return Err(StoreError::Invalid {
                    what: "the key of the secrets (secrets.key, or data.secrets_key)",
                    reason: "the secrets of webhooks were sealed with another one".to_owned(),
                });
            }
            renew(tx, vault, &row, now)?;
            continue;
        };
        if !row.is_sealed() {
            sealed::write(tx, &opened.sealed(vault)?)?;
        }
    }
    Ok(())
}

fn renew(tx: &Connection, vault: &Vault, row: &Sealed, now: Timestamp) -> Result<(), StoreError> {
    let fresh = Sealed {
        id: row.id,
        secret: vault.random::<{ WebhookSecret::BYTES }>()?.to_vec(),
        previous: None,
        headers: Vec::new(),
    };
    sealed::write(tx, &fresh.sealed(vault)?)?;
    endpoints::disable_enabled(tx, row.id, DisableReason::Operator, now)?;
    tracing::error!(
        webhook.id = %row.id,
        "the key of an endpoint's secret is lost: rotate the secret, set the headers again and enable the endpoint"
    );
    Ok(())
}
