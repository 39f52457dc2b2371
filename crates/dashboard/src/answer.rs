//! What handlers answer with: a page, or where to go next.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::LOCATION;
use maud::Markup;

use crate::failure::Failure;

/// What every handler answers.
pub(crate) type Answer = Result<HttpResponse, Failure>;

/// A page.
pub(crate) fn page(markup: Markup) -> Answer {
    with_status(StatusCode::OK, markup)
}

/// A page that says what is wrong with a form.
pub(crate) fn refused(markup: Markup) -> Answer {
    with_status(StatusCode::UNPROCESSABLE_ENTITY, markup)
}

/// A page with another status.
pub(crate) fn with_status(status: StatusCode, markup: Markup) -> Answer {
    Ok(HttpResponse::build(status)
        .content_type("text/html; charset=utf-8")
        .body(markup.into_string()))
}

/// After a form: look there.
pub(crate) fn see(path: impl AsRef<str>) -> Answer {
    Ok(HttpResponse::SeeOther()
        .insert_header((LOCATION, path.as_ref()))
        .finish())
}
