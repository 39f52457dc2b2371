//! The calls that send messages.

use std::time::Duration;

use reqwest::Method;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::time::sleep;

use super::model::Page;
use super::{Client, Failure};

/// The most messages that the API answers at once.
const MOST_PER_PAGE: usize = 200;

/// How long to wait before a call is made again that the daemon could not answer: as long as a restart takes.
const AGAIN_AFTER: [u64; 5] = [1, 2, 4, 8, 16];

/// The answer to something that was accepted.
pub(crate) struct Accepted {
    /// What the API answered.
    pub(crate) answer: Box<RawValue>,
    /// Whether an earlier call was accepted, and this is its answer.
    pub(crate) replayed: bool,
}

impl Client {
    /// Posts what is to be sent to `path` under an idempotency key. Where no answer comes or the daemon is too busy, asks
    /// again for half a minute; the key makes that safe.
    pub(crate) async fn accept(
        &self,
        path: &str,
        key: &str,
        body: &impl Serialize,
    ) -> Result<Accepted, Failure> {
        let mut waits = AGAIN_AFTER.iter();
        loop {
            match (self.post(path, key, body).await, waits.next()) {
                (Err(failure), Some(seconds)) if failure.passes() => {
                    sleep(Duration::from_secs(*seconds)).await;
                }
                (outcome, _) => return outcome,
            }
        }
    }

    /// The newest messages that pass the filter, as the API writes them.
    pub(crate) async fn messages(
        &self,
        filter: &[(&str, String)],
        limit: usize,
    ) -> Result<Vec<Box<RawValue>>, Failure> {
        let mut messages = Vec::new();
        let mut cursor = None;
        loop {
            let page_size = (limit - messages.len()).min(MOST_PER_PAGE);
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            query
                .extend_pairs(filter)
                .append_pair("limit", &page_size.to_string());
            query.extend_pairs(cursor.map(|cursor: String| ("cursor", cursor)));
            let path = format!("/v1/messages?{}", query.finish());
            let page: Page = self.read(self.request(Method::GET, &path)).await?;
            messages.extend(page.data);
            cursor = page.next_cursor;
            if cursor.is_none() || messages.len() >= limit {
                return Ok(messages);
            }
        }
    }

    /// One message, as the API writes it.
    pub(crate) async fn message(&self, id: &str) -> Result<Box<RawValue>, Failure> {
        self.read(self.request(Method::GET, &format!("/v1/messages/{id}")))
            .await
    }

    /// `POST /v1/messages/{id}/{verb}`; answers the message.
    pub(crate) async fn ask_of_message(&self, id: &str, verb: &str) -> Result<Box<RawValue>, Failure> {
        let request = self.request(Method::POST, &format!("/v1/messages/{id}/{verb}"));
        self.read(request.json(&serde_json::json!({}))).await
    }

    async fn post(&self, path: &str, key: &str, body: &impl Serialize) -> Result<Accepted, Failure> {
        let request = self.request(Method::POST, path).header("Idempotency-Key", key);
        let answered = self.send(request.json(body)).await?;
        let answer = serde_json::from_str(&answered.body);
        Ok(Accepted {
            answer: answer.map_err(|_unreadable| self.not_postern(answered.status))?,
            replayed: answered.replayed,
        })
    }
}
