//! One line for each request: what was asked by its route's pattern, never by its path or query.
//!
//! Refused and failed requests are logged at `info`, the others at `debug`: at thousands of requests a second their
//! lines would cost more than their answers.

use std::time::Duration;

use actix_web::dev::ServiceRequest;
use actix_web::http::{Method, StatusCode};
use tracing::Level;

use super::request_id::RequestId;
use crate::meters::RequestMeters;
use crate::routes::{ROUTES, place_of};

/// A line whose end is not known yet.
pub(super) struct Line {
    method: Method,
    /// That of the first route with this path; `None` when there is none.
    place: Option<usize>,
}

impl Line {
    pub(super) fn start(request: &ServiceRequest) -> Self {
        Self {
            method: request.method().clone(),
            place: place_of(request.path()),
        }
    }

    pub(super) fn method(&self) -> &Method {
        &self.method
    }

    /// The route's pattern, or `none`.
    pub(super) fn route(&self) -> &'static str {
        self.place.map_or("none", |place| ROUTES[place].path)
    }

    /// Counts the request.
    pub(super) fn count(&self, meters: &RequestMeters, status: StatusCode, duration: Duration) {
        meters.note(self.place, &self.method, status, duration);
    }

    pub(super) fn finish(&self, status: StatusCode, duration: Duration, id: &RequestId) {
        let route = self.route();
        // Probes come every few seconds for ever; they matter only when they fail.
        if matches!(route, "/healthz" | "/readyz") && status.is_success() {
            return;
        }
        let (status, duration_ms) = (status.as_u16(), duration.as_secs_f64() * 1000.0);
        macro_rules! line {
            ($level:expr) => {
                tracing::event!(
                    $level,
                    http.method = %self.method,
                    http.route = route,
                    http.status = status,
                    duration_ms,
                    request.id = id.as_str(),
                    "request"
                )
            };
        }
        if status >= 400 {
            line!(Level::INFO)
        } else {
            line!(Level::DEBUG)
        }
    }
}
