//! What is counted of deliveries.

use postern_domain::webhook::{AttemptFailure, AttemptOutcome};
use postern_metrics::{Counter, Histogram};

/// Tries to deliver events to endpoints, since the process began.
#[derive(Debug)]
pub struct WebhookMeters {
    /// Those that succeeded.
    pub delivered: Counter,
    /// Those that failed, in the order of [`AttemptFailure::ALL`].
    pub failures: Box<[Counter]>,
    /// How long they took, whatever came of them.
    pub attempts: Histogram,
}

impl Default for WebhookMeters {
    fn default() -> Self {
        Self {
            delivered: Counter::default(),
            failures: AttemptFailure::ALL.iter().map(|_| Counter::default()).collect(),
            attempts: Histogram::of_work(),
        }
    }
}

impl WebhookMeters {
    /// Takes note of a try.
    pub(crate) fn note(&self, outcome: &AttemptOutcome) {
        self.attempts.took(outcome.duration);
        let Some(failure) = outcome.failure else {
            self.delivered.increment();
            return;
        };
        let place = AttemptFailure::ALL.iter().position(|known| *known == failure);
        if let Some(counter) = place.and_then(|place| self.failures.get(place)) {
            counter.increment();
        }
    }
}
