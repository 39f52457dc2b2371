//! Which workspace somebody looks at, kept in the browser. It is a choice, not a permission: operators may see them all.

use actix_web::cookie::{Cookie, SameSite, time};
use postern_domain::WorkspaceId;

/// The cookie that holds the choice.
const NAME: &str = "postern_workspace";
/// For how long it is remembered.
const AGE: time::Duration = time::Duration::days(365);

/// The cookie that remembers a choice.
pub(crate) fn remember(workspace: WorkspaceId, secure: bool) -> Cookie<'static> {
    Cookie::build(NAME, workspace.to_string())
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(secure)
        .max_age(AGE)
        .finish()
}

/// The choice that a request carries, if it makes sense.
pub(crate) fn chosen(cookie: Option<&Cookie<'_>>) -> Option<WorkspaceId> {
    cookie?.value().parse().ok()
}

/// The name of the cookie.
pub(crate) const fn cookie_name() -> &'static str {
    NAME
}
