//! The one list of pages, and `GET /docs/{page}`.

use std::sync::LazyLock;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::{HttpResponse, web};

use super::explorer;
use crate::errors::{ApiError, ErrorCode};

/// A page of `docs/`, as it was when this was built.
pub(super) struct Page {
    /// Its file.
    pub(super) name: &'static str,
    /// Its Markdown.
    pub(super) text: &'static str,
}

macro_rules! pages {
    ($($name:literal)*) => {
        [$(Page { name: $name, text: include_str!(concat!("../../../../docs/", $name)) }),*]
    };
}

/// Every page, in the order in which they are best read.
pub(super) static PAGES: LazyLock<Vec<Page>> = LazyLock::new(|| {
    let pages = pages! {
        "quickstart.md" "sending.md" "reading.md" "events.md" "webhooks.md" "sessions.md" "sandbox.md" "ci.md" "errors.md"
        "limits.md" "security.md" "dashboard.md" "backup.md" "deployment.md" "observability.md"
        "performance.md"
    };
    pages.into()
});

impl Page {
    /// Its title.
    pub(super) fn title(&self) -> &'static str {
        let first = self.text.lines().next().unwrap_or_default();
        first.trim_start_matches("# ")
    }

    /// What it is about: its first paragraph, in one line.
    pub(super) fn summary(&self) -> String {
        let lines = self.text.lines().skip(1).skip_while(|line| line.is_empty());
        lines
            .take_while(|line| !line.is_empty())
            .collect::<Vec<_>>()
            .join(" ")
    }
}

/// A page of the documentation
///
/// As Markdown; `/llms.txt` lists them. Beside them are the script and the style of the explorer.
#[utoipa::path(
    get, path = "/docs/{page}", tag = "Documentation", operation_id = "getDocumentationPage",
    params(("page" = String, Path, description = "The name of its file.", example = "sending.md")),
    responses((status = 200, description = "The page.", content(
        (String = "text/markdown"), (String = "text/javascript"), (String = "text/css"),
        (String = "image/svg+xml"),
    ))),
)]
pub(crate) async fn page(name: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let found = PAGES.iter().find(|page| page.name == name.as_str());
    let found = found.map(|page| ("text/markdown; charset=utf-8", page.text));
    let found = found.or_else(|| explorer::asset(name.as_str()));
    let why = "there is no such page; /llms.txt lists those there are";
    let (kind, text) = found.ok_or_else(|| ApiError::new(ErrorCode::NotFound, why))?;
    Ok(text_of(kind, text))
}

/// What changes with the release only: browsers ask whether they have it still.
pub(super) fn text_of(kind: &'static str, text: &'static str) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, kind))
        .insert_header((CACHE_CONTROL, "no-cache"))
        .body(text)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn the_list_has_every_page_there_is_and_so_has_the_index() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
        let index = fs::read_to_string(folder.join("README.md")).expect("an index");
        let files = fs::read_dir(folder).expect("a folder");
        let files = files.map(|file| file.expect("a file").file_name().into_string().expect("a name"));
        let mut files: BTreeSet<_> = files.filter(|name| name.ends_with(".md")).collect();
        files.remove("README.md");
        let listed: BTreeSet<_> = PAGES.iter().map(|page| page.name.to_owned()).collect();
        assert_eq!(listed, files);
        for page in PAGES.iter() {
            assert!(page.text.starts_with("# "), "{}", page.name);
            assert!(
                !page.summary().is_empty(),
                "{} says what it is about first",
                page.name
            );
            assert!(index.contains(&format!("]({})", page.name)), "{}", page.name);
        }
    }
}
