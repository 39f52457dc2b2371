//! `/llms.txt` and `/llms-full.txt`: the documentation for language models.

use std::fmt::Write as _;
use std::sync::LazyLock;

use actix_web::HttpResponse;

use super::pages::{PAGES, text_of};

const PLAIN: &str = "text/plain; charset=utf-8";
const HEAD: &str = "# Postern\n\n\
    > A self-hosted WhatsApp gateway: link an account by QR code, send and receive over a REST API, webhooks and streams. \
    A 202 is on disk before it is answered, and repeating a request with its `Idempotency-Key` sends nothing twice. A built-in \
    sandbox plays WhatsApp, so that everything can be tried without a phone.\n\n\
    The API describes itself at [/openapi.json](/openapi.json); authenticate with `Authorization: Bearer <API key>`.\n";

static INDEX: LazyLock<String> = LazyLock::new(|| {
    let mut text = format!("{HEAD}\n## Documentation\n\n");
    for page in PAGES.iter() {
        let (name, title, summary) = (page.name, page.title(), page.summary());
        // Writing into a string does not fail.
        writeln!(text, "- [{title}](/docs/{name}): {summary}").unwrap_or_default();
    }
    text
});

static FULL: LazyLock<String> = LazyLock::new(|| {
    let pages = PAGES.iter().map(|page| page.text);
    let parts: Vec<_> = std::iter::once(HEAD).chain(pages).collect();
    parts.join("\n")
});

/// The documentation, listed for language models
#[utoipa::path(get, path = "/llms.txt", tag = "Documentation", operation_id = "getLlms", responses(
    (status = 200, description = "What Postern is, and where each page is.", body = String, content_type = "text/plain"),
))]
pub(crate) async fn llms() -> HttpResponse {
    text_of(PLAIN, &INDEX)
}

/// The documentation, all of it in one text
#[utoipa::path(get, path = "/llms-full.txt", tag = "Documentation", operation_id = "getLlmsFull", responses(
    (status = 200, description = "Every page.", body = String, content_type = "text/plain"),
))]
pub(crate) async fn llms_full() -> HttpResponse {
    text_of(PLAIN, &FULL)
}
