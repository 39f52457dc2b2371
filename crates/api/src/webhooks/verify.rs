//! Whether an endpoint is its registrant's: it has to echo the token of a challenge.

use std::time::Duration;

use postern_domain::Timestamp;
use postern_domain::webhook::{AttemptFailure, AttemptOutcome, WebhookTarget};

use tokio::sync::SemaphorePermit;

use crate::Api;
use crate::errors::{ApiError, ErrorCode};

/// How many characters of an endpoint's answer are repeated.
const REPEATED: usize = 200;

impl Api {
    /// Challenges an endpoint; answers when it passed.
    ///
    /// # Errors
    /// It did not; the field `url` says what it did and how to answer.
    pub(super) async fn challenge(&self, target: &WebhookTarget) -> Result<Timestamp, ApiError> {
        let _permit = self.probing()?;
        let outcome = self.probe.challenge(target).await;
        match outcome.failure {
            None => Ok(self.clock.now()),
            Some(failure) => Err(ApiError::field("url", refusal(failure, &outcome))),
        }
    }

    /// The permit to wait for an endpoint.
    ///
    /// # Errors
    /// Too many are waited for already.
    pub(super) fn probing(&self) -> Result<SemaphorePermit<'_>, ApiError> {
        self.probing.try_acquire().map_err(|_none_left| {
            let message = "too many webhook endpoints are being tried at once; ask again in a moment";
            ApiError::new(ErrorCode::Overloaded, message).retry_after(Duration::from_secs(1))
        })
    }
}

fn refusal(failure: AttemptFailure, outcome: &AttemptOutcome) -> String {
    let mut text = format!(
        "the endpoint did not pass the challenge ({failure}): {}",
        failure.meaning(),
        failure = failure.name()
    );
    if let Some(status) = outcome.status {
        text += &format!(" It answered {status}");
        let said: String = String::from_utf8_lossy(&outcome.excerpt)
            .chars()
            .take(REPEATED)
            .map(|letter| if letter.is_control() { ' ' } else { letter })
            .collect();
        text += &match said.trim() {
            "" => ".".to_owned(),
            said => format!(": {said}"),
        };
    }
    text + " The gateway posts {\"type\":\"webhook.challenge\",\"data\":{\"token\":\"…\"}}; answer it with a 2xx status and \
            {\"token\":\"…\"}, the same token."
}
