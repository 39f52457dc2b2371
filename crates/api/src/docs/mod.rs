//! The documentation, served by the daemon it belongs to: an explorer of the API at `/docs`, the pages of `docs/` beside it,
//! and the same for language models at `/llms.txt`. Nothing is fetched from elsewhere, so that all of it works offline.

mod explorer;
mod llms;
mod pages;

pub(crate) use explorer::{__path_explorer, explorer};
pub(crate) use llms::{__path_llms, __path_llms_full, llms, llms_full};
pub(crate) use pages::{__path_page, page};
