//! The columns of `webhooks` that are sealed, as they are stored.

use postern_domain::WebhookId;
use postern_domain::webhook::WebhookSecret;
use rusqlite::Connection;

use super::columns::id;
use super::webhooks::{HEADERS, PREVIOUS, SECRET};
use crate::StoreError;
use crate::vault::Vault;

/// What is sealed of an endpoint, or what it is when it is open.
pub(in crate::data) struct Sealed {
    pub(in crate::data) id: WebhookId,
    pub(in crate::data) secret: Vec<u8>,
    pub(in crate::data) previous: Option<Vec<u8>>,
    pub(in crate::data) headers: Vec<u8>,
}

impl Sealed {
    /// Earlier releases stored the secret as it is.
    pub(in crate::data) fn is_sealed(&self) -> bool {
        self.secret.len() != WebhookSecret::BYTES
    }

    /// The values themselves; `None` when they do not open.
    pub(in crate::data) fn opened(&self, vault: &Vault) -> Option<Self> {
        let open = |column: &str, value: &Vec<u8>| {
            if self.is_sealed() {
                vault.unseal(self.id.to_bytes(), column, value)
            } else {
                Some(value.clone())
            }
        };
        Some(Self {
            id: self.id,
            secret: open(SECRET, &self.secret)?,
            previous: match &self.previous {
                Some(previous) => Some(open(PREVIOUS, previous)?),
                None => None,
            },
            headers: open(HEADERS, &self.headers)?,
        })
    }

    /// Values that are open, sealed.
    pub(in crate::data) fn sealed(&self, vault: &Vault) -> Result<Self, StoreError> {
        let seal = |column: &str, value: &Vec<u8>| vault.seal(self.id.to_bytes(), column, value);
        let previous = self.previous.as_ref().map(|previous| seal(PREVIOUS, previous));
        Ok(Self {
            id: self.id,
            secret: seal(SECRET, &self.secret)?,
            previous: previous.transpose()?,
            headers: seal(HEADERS, &self.headers)?,
        })
    }
}

/// Of every endpoint.
pub(in crate::data) fn all(connection: &Connection) -> Result<Vec<Sealed>, StoreError> {
    let mut statement = connection.prepare("SELECT id, secret, previous_secret, headers FROM webhooks")?;
    let mut found = statement.query([])?;
    let mut all = Vec::new();
    while let Some(row) = found.next()? {
        all.push(Sealed {
            id: id(row, 0, WebhookId::from_bytes)?,
            secret: row.get(1)?,
            previous: row.get(2)?,
            headers: row.get(3)?,
        });
    }
    Ok(all)
}

/// Writes them.
pub(in crate::data) fn write(tx: &Connection, sealed: &Sealed) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE webhooks SET secret = ?2, previous_secret = ?3, headers = ?4 WHERE id = ?1")?
        .execute((
            sealed.id.to_bytes(),
            &sealed.secret,
            &sealed.previous,
            &sealed.headers,
        ))?;
    Ok(())
}
