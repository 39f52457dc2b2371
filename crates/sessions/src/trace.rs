//! The span of an attempt to send, for who collects traces. Its target is one that log lines never take.

use postern_domain::DeviceId;
use postern_store::Claimed;
use tracing::Span;
use tracing::field::Empty;

/// Begins it; without a collector it is nothing, and costs nothing.
pub(crate) fn attempt(device: DeviceId, message: &Claimed) -> Span {
    tracing::info_span!(
        target: "traces",
        "message.send",
        otel.kind = "producer",
        otel.status_code = Empty,
        device.id = %device,
        message.id = %message.id,
        message.attempt = message.attempt,
    )
}

/// It did not succeed.
pub(crate) fn failed() {
    Span::current().record("otel.status_code", "ERROR");
}
