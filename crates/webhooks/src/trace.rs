//! The span of a try to deliver an event, for who collects traces. Its target is one that log lines never take.

use postern_domain::webhook::AttemptOutcome;
use postern_domain::{EventId, WebhookId};
use tracing::Span;
use tracing::field::Empty;

/// Begins it; without a collector it is nothing, and costs nothing.
pub(crate) fn attempt(webhook: WebhookId, event: EventId) -> Span {
    tracing::info_span!(
        target: "traces",
        "webhook.deliver",
        otel.kind = "client",
        otel.status_code = Empty,
        webhook.id = %webhook,
        event.id = %event,
        http.response.status_code = Empty,
        webhook.failure = Empty,
    )
}

/// Says what came of it.
pub(crate) fn end(outcome: &AttemptOutcome) {
    let span = Span::current();
    if let Some(status) = outcome.status {
        span.record("http.response.status_code", status);
    }
    if let Some(failure) = outcome.failure {
        span.record("webhook.failure", failure.name());
        span.record("otel.status_code", "ERROR");
    }
}
