//! What a route is, and how the table of them becomes actix-web's.

mod table;

use std::collections::BTreeMap;

use actix_web::Resource;
use actix_web::guard;
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderValue};
use actix_web::middleware::from_fn;
use actix_web::web::{self, ServiceConfig};

use postern_domain::Scope;

pub use self::table::ROUTES;
use crate::auth::authenticate;
use crate::errors::{ApiError, ErrorCode};

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody who reaches the port.
    Open,
    /// Who holds an API key with this scope; it sees only the objects of its workspace.
    Key(Scope),
}

/// Which body a route reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// None; what is sent is ignored.
    Ignored,
    /// JSON, up to the configured limit.
    Json,
    /// JSON up to the configured limit, or nothing.
    OptionalJson,
}

/// One route.
pub struct Route {
    /// Its method; `GET` answers `HEAD` too.
    pub method: Method,
    /// Its path, as OpenAPI writes it.
    pub path: &'static str,
    /// Who may call it.
    pub access: Access,
    /// What it reads.
    pub body: Body,
    /// What it answers beyond what its access, its body and its path imply.
    errors: &'static [ErrorCode],
    handler: fn() -> actix_web::Route,
}

/// Registers the table.
pub(crate) fn configure(app: &mut ServiceConfig) {
    // actix-web tries one path after the other, and those with parameters by regular expressions: so the plain ones first.
    let mut by_path: BTreeMap<(bool, &str), Vec<&'static Route>> = BTreeMap::new();
    for route in ROUTES {
        let has_parameters = route.path.contains('{');
        by_path
            .entry((has_parameters, route.path))
            .or_default()
            .push(route);
    }
    for ((_, path), routes) in by_path {
        app.service(resource(path, &routes));
    }
}

/// The place in the table of the first route that a path belongs to. Without regular expressions, because every request
/// is asked for it.
pub(crate) fn place_of(path: &str) -> Option<usize> {
    let plain = ROUTES.iter().position(|route| route.path == path);
    plain.or_else(|| ROUTES.iter().position(|route| fits(route.path, path)))
}

fn fits(pattern: &str, path: &str) -> bool {
    let (mut parts, mut segments) = (pattern.split('/'), path.split('/'));
    loop {
        match (parts.next(), segments.next()) {
            (None, None) => return true,
            (Some(part), Some(segment)) if fits_segment(part, segment) => {}
            _ => return false,
        }
    }
}

/// A parameter stands at the end of its segment and takes at least one character.
fn fits_segment(part: &str, segment: &str) -> bool {
    match part.split_once('{') {
        Some((before, _)) => segment.strip_prefix(before).is_some_and(|rest| !rest.is_empty()),
        None => part == segment,
    }
}

fn resource(path: &str, routes: &[&'static Route]) -> Resource {
    let allowed = allowed_methods(routes);
    let wrong_method = move || {
        let allowed = allowed.clone();
        async move { Err::<&str, ApiError>(method_not_allowed(allowed)) }
    };
    routes
        .iter()
        .fold(web::resource(path), |resource, route| {
            resource.route(guarded(route))
        })
        .default_service(web::to(wrong_method))
}

fn guarded(route: &Route) -> actix_web::Route {
    let handler = (route.handler)();
    let method = route.method.clone();
    let handler = if method == Method::GET {
        handler.guard(guard::Any(guard::Get()).or(guard::Head()))
    } else {
        handler.guard(guard::Method(method))
    };
    match route.access {
        Access::Open => handler,
        Access::Key(scope) => handler.wrap(from_fn(move |request, next| authenticate(scope, request, next))),
    }
}

fn allowed_methods(routes: &[&'static Route]) -> String {
    let mut methods = Vec::new();
    for route in routes {
        methods.push(route.method.as_str());
        if route.method == Method::GET {
            methods.push("HEAD");
        }
    }
    methods.join(", ")
}

fn method_not_allowed(allowed: String) -> ApiError {
    let error = ApiError::new(ErrorCode::MethodNotAllowed, format!("this route takes {allowed}"));
    match HeaderValue::from_str(&allowed) {
        Ok(value) => error.header(header::ALLOW, value),
        Err(_) => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_belongs_to_the_plainest_route_it_fits() {
        for (path, pattern) in [
            ("/v1/messages", Some("/v1/messages")),
            ("/v1/messages/batch", Some("/v1/messages/batch")),
            ("/v1/messages/msg_1", Some("/v1/messages/{id}")),
            ("/v1/messages/msg_1/retry", Some("/v1/messages/{id}/retry")),
            ("/v1/devices/dev_1/qr", Some("/v1/devices/{id}/qr")),
            ("/v1/devices/dev_1/qr.png", Some("/v1/devices/{id}/qr.{format}")),
            ("/v1/messages/", None),
            ("/v1", None),
            ("/v1/messages/msg_1/retry/2", None),
        ] {
            let found = place_of(path).map(|place| ROUTES[place].path);
            assert_eq!(found, pattern, "{path}");
        }
    }
}
