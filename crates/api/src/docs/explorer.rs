//! `GET /docs`: the API to be read and tried out, made in the browser from `/openapi.json`.

use actix_web::HttpResponse;
use actix_web::http::header::{CONTENT_SECURITY_POLICY, HeaderValue};

use super::pages::text_of;

/// Scripts, styles and requests of this address only, and nothing inline. `blob:` shows a QR code that was asked for.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' blob:; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Explore the API
///
/// Every operation with what it takes and answers, to be tried out with an API key.
#[utoipa::path(get, path = "/docs", tag = "Documentation", operation_id = "getDocs", responses(
    (status = 200, description = "A page for browsers.", body = String, content_type = "text/html"),
))]
pub(crate) async fn explorer() -> HttpResponse {
    let mut answer = text_of("text/html; charset=utf-8", include_str!("assets/explorer.html"));
    let policy = HeaderValue::from_static(POLICY);
    answer.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    answer
}

/// What the page loads, with its type.
pub(super) fn asset(name: &str) -> Option<(&'static str, &'static str)> {
    match name {
        "explorer.js" => Some((
            "text/javascript; charset=utf-8",
            include_str!("assets/explorer.js"),
        )),
        "icon.svg" => Some((
            "image/svg+xml",
            include_str!("../../../dashboard/src/assets/icon.svg"),
        )),
        "explorer.css" => Some(("text/css; charset=utf-8", include_str!("assets/explorer.css"))),
        _ => None,
    }
}
