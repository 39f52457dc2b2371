//! The secrets of webhooks when the daemon starts: those of earlier releases are sealed, and those whose key is lost are
//! renewed, but only when somebody says so.

use std::sync::Arc;

use postern_domain::Timestamp;
use postern_domain::webhook::{DisableReason, WebhookSecret};
use rusqlite::Connection;

use super::store::Store;
use super::tables::endpoints;
use super::tables::sealed::{self, Sealed};
use crate::StoreError;
use crate::vault::{SECRETS_KEY, Vault};

impl Store {
    /// Seals what is not.
    ///
    /// # Errors
    /// The store failed, or the key is another one than that the secrets were sealed with. Nothing was changed.
    pub(super) async fn seal_webhooks(&self) -> Result<(), StoreError> {
        let vault = Arc::clone(&self.vault);
        self.database.write(move |tx| seal_all(tx, &vault)).await
    }

    /// Gives each endpoint whose secret does not open, because the key it was sealed with is lost, a new secret that nobody
    /// knows, takes its headers, and disables it, so that it misses nothing until its owner has rotated the secret, set the
    /// headers again and enabled it. Answers how many there were.
    ///
    /// This is the only thing that gives up what was sealed, and there is no way back.
    ///
    /// # Errors
    /// The store failed; nothing was changed.
    pub async fn renew_webhook_secrets(&self, now: Timestamp) -> Result<usize, StoreError> {
        let vault = Arc::clone(&self.vault);
        self.database.write(move |tx| renew_lost(tx, &vault, now)).await
    }
}

fn seal_all(tx: &Connection, vault: &Vault) -> Result<(), StoreError> {
    for row in sealed::all(tx)? {
        let opened = row.opened(vault).ok_or_else(sealed_with_another)?;
        if !row.is_sealed() {
            sealed::write(tx, &opened.sealed(vault)?)?;
        }
    }
    Ok(())
}

fn renew_lost(tx: &Connection, vault: &Vault, now: Timestamp) -> Result<usize, StoreError> {
    let mut renewed = 0;
    for row in sealed::all(tx)? {
        if row.opened(vault).is_some() {
            continue;
        }
        let fresh = Sealed {
            id: row.id,
            secret: vault.random::<{ WebhookSecret::BYTES }>()?.to_vec(),
            previous: None,
            headers: Vec::new(),
        };
        sealed::write(tx, &fresh.sealed(vault)?)?;
        endpoints::disable_enabled(tx, row.id, DisableReason::Operator, now)?;
        renewed += 1;
        tracing::warn!(
            webhook.id = %row.id,
            "this endpoint has a new secret: rotate it, set the headers again and enable the endpoint"
        );
    }
    Ok(renewed)
}

fn sealed_with_another() -> StoreError {
    StoreError::Invalid {
        what: "the key of the secrets",
        reason: format!(
            "the secrets of webhooks were sealed with another one; bring that one back, in {SECRETS_KEY} or in \
             data.secrets_key, or when it is lost start once with `postern serve --renew-webhook-secrets`"
        ),
    }
}
