//! Requests to endpoints while a caller of the API waits: the challenge of a new one, and a test.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use postern_domain::webhook::{AttemptFailure, AttemptOutcome, TargetError, WebhookProbe, WebhookTarget};
use postern_domain::{Event, EventId};
use postern_runtime::Clock;
use rand::RngExt as _;
use subtle::ConstantTimeEq as _;

use crate::client::Client;
use crate::target::Target;

/// Asks endpoints on behalf of the API.
pub(crate) struct Probe {
    pub(crate) client: Client,
    pub(crate) clock: Arc<dyn Clock>,
}

#[async_trait]
impl WebhookProbe for Probe {
    fn check(&self, url: &str) -> Result<(), TargetError> {
        self.client.guard().check(url).map(drop)
    }

    async fn challenge(&self, target: &WebhookTarget) -> AttemptOutcome {
        let token = random_token();
        let body = serde_json::json!({
            "type": "webhook.challenge",
            "timestamp": self.clock.now().to_rfc3339(),
            "data": { "token": token },
        });
        let target = Target::new(self.client.guard(), target);
        let id = EventId::generate().to_string();
        let answer = self
            .client
            .post(&target, &id, Bytes::from(body.to_string()))
            .await;
        let mut outcome = answer.outcome;
        if outcome.failure.is_none() && !echoes(&answer.body, &token) {
            outcome.failure = Some(AttemptFailure::Challenge);
            outcome.excerpt = answer.body;
        }
        outcome
    }

    async fn deliver(&self, target: &WebhookTarget, event: &Event) -> AttemptOutcome {
        let target = Target::new(self.client.guard(), target);
        let body = Bytes::from(postern_payloads::body(event));
        self.client
            .post(&target, &event.id.to_string(), body)
            .await
            .outcome
    }
}

/// 256 bits, in hexadecimal digits.
fn random_token() -> String {
    let bytes: [u8; 32] = rand::rng().random();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether an answer is the token, alone or as `{"token": "…"}`.
fn echoes(body: &[u8], token: &str) -> bool {
    #[derive(serde::Deserialize)]
    struct Echo {
        token: String,
    }
    let echoed = serde_json::from_slice::<Echo>(body).map_or_else(
        |_not_json| body.trim_ascii().to_vec(),
        |echo| echo.token.into_bytes(),
    );
    echoed.ct_eq(token.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_echoed_alone_or_in_an_object() {
        for (body, expected) in [
            (r#"{"token":"abc"}"#, true),
            (r#" { "token": "abc", "more": 1 } "#, true),
            ("abc", true),
            ("abc\n", true),
            ("", false),
            ("ab", false),
            ("abcd", false),
            (r#"{"token":"abcd"}"#, false),
            (r#"{"token":3}"#, false),
            (r#""abc""#, false),
        ] {
            assert_eq!(echoes(body.as_bytes(), "abc"), expected, "{body}");
        }
        assert_ne!(random_token(), random_token());
        assert_eq!(random_token().len(), 64);
    }
}
