//! Webhook endpoints that behave as a test says, and remember what they were asked.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use postern_domain::webhook::{AttemptFailure, AttemptOutcome, TargetError, WebhookProbe, WebhookTarget};
use postern_domain::{Event, Timestamp};
use tokio::sync::RwLock;

/// What every endpoint does from now on, and what was asked of them.
#[derive(Default)]
pub(crate) struct ScriptedProbe {
    script: Mutex<Script>,
    /// Deliveries wait for as long as somebody writes here.
    pub(crate) gate: RwLock<()>,
}

#[derive(Default)]
struct Script {
    failure: Option<(AttemptFailure, Option<u16>, &'static str)>,
    challenged: Vec<WebhookTarget>,
    delivered: Vec<(WebhookTarget, Event)>,
}

impl ScriptedProbe {
    pub(crate) fn fail(&self, failure: AttemptFailure, status: Option<u16>, answer: &'static str) {
        self.script(|script| script.failure = Some((failure, status, answer)));
    }

    /// The targets that were challenged since the last call.
    pub(crate) fn challenged(&self) -> Vec<WebhookTarget> {
        self.script(|script| std::mem::take(&mut script.challenged))
    }

    /// What was delivered since the last call.
    pub(crate) fn delivered(&self) -> Vec<(WebhookTarget, Event)> {
        self.script(|script| std::mem::take(&mut script.delivered))
    }

    /// How many deliveries there were.
    pub(crate) fn deliveries(&self) -> usize {
        self.script(|script| script.delivered.len())
    }

    fn script<T>(&self, use_it: impl FnOnce(&mut Script) -> T) -> T {
        use_it(&mut self.script.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn outcome(&self) -> AttemptOutcome {
        let failure = self.script(|script| script.failure);
        let (status, answer) = failure.map_or((Some(200), ""), |(_, status, answer)| (status, answer));
        AttemptOutcome {
            at: Timestamp::from_millis(1_700_000_000_000),
            duration: Duration::from_millis(7),
            status,
            failure: failure.map(|(failure, _, _)| failure),
            excerpt: answer.as_bytes().to_vec(),
            retry_after: None,
        }
    }
}

#[async_trait]
impl WebhookProbe for ScriptedProbe {
    fn check(&self, url: &str) -> Result<(), TargetError> {
        if url.contains("169.254.") {
            return Err(TargetError::Blocked);
        }
        if url.starts_with("https://") {
            Ok(())
        } else {
            Err(TargetError::Scheme)
        }
    }

    async fn challenge(&self, target: &WebhookTarget) -> AttemptOutcome {
        self.script(|script| script.challenged.push(target.clone()));
        self.outcome()
    }

    async fn deliver(&self, target: &WebhookTarget, event: &Event) -> AttemptOutcome {
        self.script(|script| script.delivered.push((target.clone(), event.clone())));
        drop(self.gate.read().await);
        self.outcome()
    }
}
