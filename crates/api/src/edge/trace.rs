//! The span of a request, for who collects traces. Its target is one that log lines never take.

use actix_web::http::{Method, StatusCode};
use tracing::Span;
use tracing::field::{Empty, display};

use super::request_id::RequestId;

/// Begins it; without a collector it is nothing, and costs nothing.
pub(super) fn begin(method: &Method, route: &'static str, id: &RequestId) -> Span {
    let span = tracing::info_span!(
        target: "traces",
        "request",
        otel.name = Empty,
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = Empty,
        http.route = route,
        http.response.status_code = Empty,
        request.id = id.as_str(),
    );
    if !span.is_disabled() {
        span.record("otel.name", display(format_args!("{method} {route}")));
        span.record("http.request.method", method.as_str());
    }
    span
}

/// Says how it ended.
pub(super) fn end(span: &Span, status: StatusCode) {
    if span.is_disabled() {
        return;
    }
    span.record("http.response.status_code", status.as_u16());
    if status.is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
}
