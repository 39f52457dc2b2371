//! What every request passes first and every answer last.
//!
//! Gives the request its id and its body a deadline, renders errors in the envelope, catches a handler's panic, adds the
//! headers that every answer carries, and writes the one line of the access log.

mod access_log;
mod body;
mod request_id;
mod trace;

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use actix_web::body::BoxBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage as _, HttpResponse};
use futures_util::FutureExt as _;
use tracing::Instrument as _;

use self::access_log::Line;
use self::body::Body;
pub(crate) use self::body::is_late;
use self::request_id::RequestId;
use crate::Api;
use crate::errors::{ApiError, ErrorCode};
use crate::limits::Left;

/// The middleware around everything.
pub(crate) async fn edge(
    mut request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let started = Instant::now();
    let id = RequestId::of(request.headers());
    let line = Line::start(&request);
    let api = request.app_data::<Data<Api>>();
    let meters = api.map(|api| Arc::clone(&api.meters));
    let patience = api.map(|api| api.config.body_deadline);
    let body = patience.and_then(|patience| Body::of(&mut request, patience));
    let span = trace::begin(line.method(), line.route(), &id);
    // `next` holds nothing that outlives the call: after a panic the request is gone, and so is its state.
    let outcome = AssertUnwindSafe(next.call(request))
        .catch_unwind()
        .instrument(span.clone())
        .await;
    let left = match &outcome {
        Ok(Ok(answer)) => answer.request().extensions().get::<Left>().copied(),
        _ => None,
    };
    let mut answer = match outcome {
        Ok(Ok(answer)) => Ok(with_envelope(answer, &id)),
        Ok(Err(error)) => Err(render(&error, &id)),
        Err(panic) => Err(render(&panicked(panic.as_ref()).into(), &id)),
    };
    if let Some(body) = body {
        answer = match answer {
            Ok(answer) => Ok(answer.map_body(|_, answer| body.kept_by(answer))),
            Err(answer) => Err(answer.map_body(|_, answer| body.kept_by(answer))),
        };
    }
    let (status, headers) = match &mut answer {
        Ok(answer) => (answer.status(), answer.headers_mut()),
        Err(answer) => (answer.status(), answer.headers_mut()),
    };
    add_headers(headers, &id);
    if let Some(left) = left {
        left.write(headers);
    }
    let took = started.elapsed();
    if let Some(meters) = meters {
        line.count(&meters, status, took);
    }
    trace::end(&span, status);
    line.finish(status, took, &id);
    // Without the request an answer can only travel as an error; actix-web sends it as it is.
    answer.map_err(|answer| InternalError::from_response("answered at the edge", answer).into())
}

/// Answers paths that no route has.
pub(crate) async fn no_such_route() -> Result<HttpResponse, ApiError> {
    Err(ApiError::new(
        ErrorCode::NotFound,
        "there is no such route; /openapi.json lists those there are",
    ))
}

fn with_envelope(answer: ServiceResponse<BoxBody>, id: &RequestId) -> ServiceResponse<BoxBody> {
    let rendered = answer.response().error().map(|error| render(error, id));
    match rendered {
        Some(rendered) => answer.into_response(rendered),
        None => answer,
    }
}

fn render(error: &Error, id: &RequestId) -> HttpResponse {
    match error.as_error::<ApiError>() {
        Some(error) => {
            error.log(id.as_str());
            error.render(id.as_str())
        }
        None => {
            let error = ApiError::internal(error);
            error.log(id.as_str());
            error.render(id.as_str())
        }
    }
}

fn panicked(panic: &(dyn Any + Send)) -> ApiError {
    let message = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    ApiError::internal(format!("panicked: {}", message.unwrap_or("no message")))
}

/// What an answer says of itself unless its handler said otherwise.
const DEFAULT_HEADERS: [(HeaderName, &str); 4] = [
    (header::CACHE_CONTROL, "no-store"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'",
    ),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
];

fn add_headers(headers: &mut HeaderMap, id: &RequestId) {
    for (name, value) in DEFAULT_HEADERS {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    headers.insert(request_id::HEADER, id.to_header());
}

#[cfg(test)]
mod tests {
    use actix_web::body::to_bytes;
    use actix_web::middleware::from_fn;
    use actix_web::{App, test, web};

    use super::*;

    async fn panics() -> &'static str {
        panic!("the secret reason")
    }

    #[actix_web::test]
    async fn a_panic_is_an_answer_and_the_next_request_is_served() {
        let app = App::new()
            .route("/panics", web::get().to(panics))
            .route("/works", web::get().to(|| async { "fine" }))
            .wrap(from_fn(edge));
        let app = test::init_service(app).await;
        for _ in 0..2 {
            let request = test::TestRequest::get()
                .uri("/panics")
                .insert_header((request_id::HEADER, "job-1"));
            let error = test::try_call_service(&app, request.to_request())
                .await
                .expect_err("caught");
            let answer = error.error_response();
            assert_eq!(answer.status(), 500);
            assert_eq!(
                answer.headers().get("x-request-id"),
                Some(&HeaderValue::from_static("job-1"))
            );
            let body = to_bytes(answer.into_body()).await.expect("a body");
            let text = String::from_utf8(body.to_vec()).expect("text");
            assert!(
                text.contains("\"INTERNAL\"") && text.contains("\"job-1\""),
                "{text}"
            );
            assert!(!text.contains("secret"), "{text}");
        }
        let request = test::TestRequest::get().uri("/works").to_request();
        assert_eq!(test::call_service(&app, request).await.status(), 200);
    }
}
