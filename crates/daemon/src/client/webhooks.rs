//! The calls about webhook endpoints.

use reqwest::{Method, RequestBuilder};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::devices::encoded;
use super::model::Page;
use super::{Client, Failure};

/// An endpoint, as far as this command reads it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Webhook {
    pub(crate) id: String,
    pub(crate) url: String,
    pub(crate) description: String,
    pub(crate) event_types: Vec<String>,
    pub(crate) device_ids: Option<Vec<String>>,
    pub(crate) header_names: Vec<String>,
    pub(crate) ordered: bool,
    pub(crate) rate_cap: Option<u32>,
    pub(crate) disabled: Option<Disabled>,
    pub(crate) verified_at: Option<String>,
    pub(crate) previous_secret_until: Option<String>,
    pub(crate) health: Health,
    pub(crate) created_at: String,
}

/// Why an endpoint is disabled. The reason stays text, so that one of a newer daemon can be shown.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Disabled {
    pub(crate) reason: String,
    pub(crate) since: String,
}

/// How the deliveries of an endpoint go.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Health {
    pub(crate) failing_since: Option<String>,
    pub(crate) failures: u32,
    pub(crate) resting_until: Option<String>,
    pub(crate) last_success_at: Option<String>,
    pub(crate) last_failure_at: Option<String>,
    pub(crate) waiting: u32,
    pub(crate) parked: u32,
}

/// A new secret, with the id of its endpoint where that is new, too.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Secret {
    pub(crate) id: Option<String>,
    pub(crate) secret: String,
    pub(crate) previous_secret_until: Option<String>,
}

/// How a try to reach an endpoint ended.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Tried {
    pub(crate) event_id: String,
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    pub(crate) number: Option<u32>,
    pub(crate) status: String,
    pub(crate) code: Option<u16>,
    pub(crate) error: Option<String>,
    pub(crate) response: Option<String>,
    pub(crate) at: String,
    pub(crate) duration_ms: u64,
    pub(crate) next_try_at: Option<String>,
}

/// Events that are being sent again.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Replay {
    pub(crate) id: String,
    pub(crate) status: String,
    pub(crate) progress: u64,
    pub(crate) found: u64,
}

impl Client {
    /// Registers an endpoint; answers it as the API writes it, with its secret.
    pub(crate) async fn add_webhook(&self, settings: &Value) -> Result<Box<RawValue>, Failure> {
        let request = self.request(Method::POST, "/v1/webhooks");
        self.read(request.json(settings)).await
    }

    /// All endpoints as the API writes them, newest first.
    pub(crate) async fn webhooks_json(&self) -> Result<Vec<Box<RawValue>>, Failure> {
        self.pages("/v1/webhooks?limit=200", usize::MAX).await
    }

    /// One endpoint as the API writes it.
    pub(crate) async fn webhook_json(&self, id: &str) -> Result<Box<RawValue>, Failure> {
        self.read(self.of_webhook(Method::GET, id, "")).await
    }

    /// Changes an endpoint; answers it.
    pub(crate) async fn change_webhook(&self, id: &str, change: &Value) -> Result<Webhook, Failure> {
        self.read(self.of_webhook(Method::PATCH, id, "").json(change))
            .await
    }

    /// Sends an example of an event of this type; answers the outcome as the API writes it.
    pub(crate) async fn test_webhook(&self, id: &str, kind: &str) -> Result<Box<RawValue>, Failure> {
        let request = self.of_webhook(Method::POST, id, "/test");
        self.read(request.json(&json!({ "type": kind }))).await
    }

    /// The last tries that pass a filter, e.g. `&status=failed`, as the API writes them.
    pub(crate) async fn attempts(
        &self,
        id: &str,
        filter: &str,
        most: usize,
    ) -> Result<Vec<Box<RawValue>>, Failure> {
        let page = most.min(200);
        self.pages(&format!("/v1/webhooks/{id}/attempts?limit={page}{filter}"), most)
            .await
    }

    /// Asks for events to be sent again.
    pub(crate) async fn replay(&self, id: &str, which: &Value) -> Result<Replay, Failure> {
        self.read(self.of_webhook(Method::POST, id, "/replay").json(which))
            .await
    }

    /// How far a replay is.
    pub(crate) async fn replay_of(&self, id: &str, replay: &str) -> Result<Replay, Failure> {
        self.read(self.of_webhook(Method::GET, id, &format!("/replays/{replay}")))
            .await
    }

    /// Replaces the secret of an endpoint.
    pub(crate) async fn rotate_secret(&self, id: &str, overlap_hours: u64) -> Result<Secret, Failure> {
        let request = self.of_webhook(Method::POST, id, "/rotate-secret");
        self.read(request.json(&json!({ "overlapHours": overlap_hours })))
            .await
    }

    /// Removes an endpoint.
    pub(crate) async fn remove_webhook(&self, id: &str) -> Result<(), Failure> {
        self.send(self.of_webhook(Method::DELETE, id, "")).await.map(drop)
    }

    /// Up to `most` rows of the pages of a list.
    async fn pages(&self, path: &str, most: usize) -> Result<Vec<Box<RawValue>>, Failure> {
        let mut rows = Vec::new();
        let mut rest = String::new();
        loop {
            let page: Page = self
                .read(self.request(Method::GET, &format!("{path}{rest}")))
                .await?;
            rows.extend(page.data);
            rows.truncate(most);
            match page.next_cursor {
                Some(cursor) if rows.len() < most => rest = format!("&cursor={}", encoded(&cursor)),
                _ => return Ok(rows),
            }
        }
    }

    fn of_webhook(&self, method: Method, id: &str, rest: &str) -> RequestBuilder {
        self.request(method, &format!("/v1/webhooks/{id}{rest}"))
    }
}
