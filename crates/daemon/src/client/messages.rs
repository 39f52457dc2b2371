//! The calls that send messages.

use std::time::Duration;

use reqwest::Method;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::time::sleep;

use super::{Client, Failure};

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
