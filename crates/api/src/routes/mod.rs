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
    let mut by_path: BTreeMap<&str, Vec<&'static Route>> = BTreeMap::new();
    for route in ROUTES {
        by_path.entry(route.path).or_default().push(route);
    }
    for (path, routes) in by_path {
        app.service(resource(path, &routes));
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
