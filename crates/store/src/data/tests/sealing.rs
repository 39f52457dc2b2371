//! Secrets of webhooks at rest: sealed in the file, whoever wrote them, and what becomes of them without the key.

use std::fs;

use postern_domain::WebhookId;
use postern_domain::webhook::{DisableReason, EventTypes, WebhookSecret};
use prost::Message as _;
use rusqlite::params;

use super::*;
use crate::StoreError;
use crate::vault::SECRETS_KEY;

/// Of which no part comes about by chance.
const SECRET: WebhookSecret = WebhookSecret::from_bytes(*b"the secret that signs for tower ");
const PREVIOUS: WebhookSecret = WebhookSecret::from_bytes(*b"the secret that signed before it");
const CREDENTIAL: &str = "Basic of-the-tower";

impl Fixture {
    async fn sealed_webhook(&self) -> Webhook {
        let new = NewWebhook {
            id: WebhookId::generate(),
            workspace: self.workspace,
            url: "https://example.com/hook".to_owned(),
            description: String::new(),
            event_types: EventTypes::ALL,
            devices: None,
            headers: vec![("Authorization".to_owned(), CREDENTIAL.to_owned())],
            secret: PREVIOUS,
            ordered: false,
            rate_cap: None,
            enabled: true,
            verified_at: None,
        };
        let created = self.store.create_webhook(new, at(1)).await.expect("created");
        let rotated = self
            .store
            .rotate_webhook_secret(self.workspace, created.id, SECRET, at(999), at(2));
        rotated.await.expect("an answer").expect("an endpoint")
    }

    async fn read_webhook(&self, id: WebhookId) -> Result<Webhook, StoreError> {
        let found = self.store.webhook(self.workspace, id).await?;
        Ok(found.expect("an endpoint"))
    }

    /// Whether the database, with all that is beside it, holds this.
    fn holds(&self, value: &[u8]) -> bool {
        let files = fs::read_dir(self.folder.path()).expect("a folder");
        files.into_iter().any(|file| {
            let bytes = fs::read(file.expect("a file").path()).expect("read");
            bytes.windows(value.len()).any(|part| part == value)
        })
    }

    /// Closes the store, lets `change` have the folder, and opens it again with this key.
    async fn reopen_with(&mut self, key: Option<&str>, change: impl FnOnce(&std::path::Path)) {
        self.store.close().await;
        change(self.folder.path());
        let options = StoreOptions::new(self.folder.path());
        let key = key.map(|key| key.parse().expect("a key"));
        self.store = Store::open_with(&options, key).expect("a store");
    }
}

#[tokio::test]
async fn the_file_shows_neither_secrets_nor_headers() {
    let mut fixture = Fixture::new().await;
    let webhook = fixture.sealed_webhook().await;
    assert_eq!(
        (&webhook.secret, webhook.headers[0].1.as_str()),
        (&SECRET, CREDENTIAL)
    );
    assert_eq!(webhook.previous_secret, Some((PREVIOUS, at(999))));
    assert!(
        fixture.holds(b"https://example.com/hook"),
        "this is where to look"
    );
    for secret in [&SECRET.expose()[..], PREVIOUS.expose(), CREDENTIAL.as_bytes()] {
        assert!(!fixture.holds(secret));
    }
    fixture.reopen_with(None, |_| {}).await;
    fixture.store.begin(at(3)).await.expect("begun");
    assert_eq!(fixture.read_webhook(webhook.id).await, Ok(webhook.clone()));
    assert_eq!(fixture.store.enabled_webhooks().await, Ok(vec![webhook]));
}

#[tokio::test]
async fn what_an_earlier_release_wrote_is_sealed_at_the_start() {
    let fixture = Fixture::new().await;
    let webhook = fixture.sealed_webhook().await;
    let (id, headers) = (
        webhook.id,
        postern_domain::proto::Headers {
            headers: vec![postern_domain::proto::Header {
                name: "Authorization".to_owned(),
                value: CREDENTIAL.to_owned(),
            }],
        },
    );
    let written = fixture.store.database.write(move |tx| {
        let values = params![
            id.to_bytes(),
            SECRET.expose(),
            PREVIOUS.expose(),
            headers.encode_to_vec()
        ];
        tx.execute(
            "UPDATE webhooks SET secret = ?2, previous_secret = ?3, headers = ?4 WHERE id = ?1",
            values,
        )?;
        Ok::<_, StoreError>(())
    });
    written.await.expect("written");
    assert!(
        fixture.read_webhook(id).await.is_err(),
        "nobody takes them as they are"
    );
    for _ in 0..2 {
        fixture.store.begin(at(3)).await.expect("begun");
        assert_eq!(fixture.read_webhook(id).await, Ok(webhook.clone()));
    }
    let lengths = fixture.store.database.read(move |connection| {
        let lengths = connection.query_row(
            "SELECT length(secret), length(previous_secret) FROM webhooks WHERE id = ?1",
            [id.to_bytes()],
            |row| Ok((row.get::<_, u32>(0)?, row.get::<_, u32>(1)?)),
        )?;
        Ok::<_, StoreError>(lengths)
    });
    let sealed = u32::try_from(WebhookSecret::BYTES + 29).expect("few");
    assert_eq!(lengths.await, Ok((sealed, sealed)));
}

#[tokio::test]
async fn with_another_key_nothing_begins_and_nothing_is_lost() {
    let mut fixture = Fixture::new().await;
    let webhook = fixture.sealed_webhook().await;
    fixture.reopen_with(Some(&"ab".repeat(32)), |_| {}).await;
    let refused = fixture.store.begin(at(3)).await.expect_err("another key");
    assert!(refused.to_string().contains(SECRETS_KEY), "{refused}");
    assert!(fixture.read_webhook(webhook.id).await.is_err());
    fixture.reopen_with(None, |_| {}).await;
    fixture.store.begin(at(4)).await.expect("begun");
    assert_eq!(fixture.read_webhook(webhook.id).await, Ok(webhook));
}

#[tokio::test]
async fn an_endpoint_whose_key_is_lost_waits_for_its_owner() {
    let mut fixture = Fixture::new().await;
    let webhook = fixture.sealed_webhook().await;
    let lose = |folder: &std::path::Path| fs::remove_file(folder.join(SECRETS_KEY)).expect("removed");
    fixture.reopen_with(None, lose).await;
    for _ in 0..2 {
        let refused = fixture.store.begin(at(2)).await.expect_err("another key");
        assert!(
            refused.to_string().contains("--renew-webhook-secrets"),
            "{refused}"
        );
        fixture.reopen_with(None, |_| {}).await;
    }
    assert_eq!(fixture.store.renew_webhook_secrets(at(3)).await, Ok(1));
    assert_eq!(fixture.store.renew_webhook_secrets(at(4)).await, Ok(0));
    fixture.store.begin(at(4)).await.expect("begun");
    let renewed = fixture.read_webhook(webhook.id).await.expect("it opens");
    assert!(renewed.secret != SECRET && renewed.secret != WebhookSecret::from_bytes([0; 32]));
    assert_eq!((renewed.headers, renewed.previous_secret), (Vec::new(), None));
    assert_eq!(renewed.disabled, Some((DisableReason::Operator, at(3))));
    assert_eq!(renewed.position, webhook.position, "it misses nothing");
    fixture.reopen_with(None, |_| {}).await;
    fixture.store.begin(at(4)).await.expect("once is enough");
}
