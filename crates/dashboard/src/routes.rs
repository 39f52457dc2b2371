//! The one table of routes: what there is, and who may see it.

use std::collections::BTreeMap;
use std::sync::Arc;

use actix_web::Resource;
use actix_web::guard;
use actix_web::http::Method;
use actix_web::middleware::from_fn;
use actix_web::web::{self, ServiceConfig};
use postern_domain::Role;

use self::Need::Nobody;
use crate::pages::{
    account, activity, devices, keys, login, messages, overview, people, sandbox, settings, setup, usage,
    webhooks, workspaces,
};
use crate::{Dashboard, assets, guard as gate};

const GET: Method = Method::GET;
const POST: Method = Method::POST;
const VIEWER: Need = Need::Role(Role::Viewer);
const OPERATOR: Need = Need::Role(Role::Operator);
const OWNER: Need = Need::Role(Role::Owner);

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Nobody has to be logged in.
    Nobody,
    /// Somebody with this role, or a mightier one.
    Role(Role),
}

/// One route.
pub struct Route {
    /// `GET` shows, `POST` changes.
    pub method: Method,
    /// Its path.
    pub path: &'static str,
    /// Who may call it.
    pub need: Need,
    handler: fn() -> actix_web::Route,
}

/// Every route of the dashboard.
#[rustfmt::skip]
pub static ROUTES: &[Route] = &[
    route(GET,  "/assets/{name}",              Nobody,   || web::to(assets::get)),
    route(GET,  "/setup",                      Nobody,   || web::to(setup::show)),
    route(POST, "/setup",                      Nobody,   || web::to(setup::submit)),
    route(GET,  "/login",                      Nobody,   || web::to(login::show)),
    route(POST, "/login",                      Nobody,   || web::to(login::submit)),
    route(POST, "/logout",                     VIEWER,   || web::to(login::log_out)),

    route(GET,  "/",                           VIEWER,   || web::to(overview::show)),
    route(GET,  "/stream",                     VIEWER,   || web::to(overview::stream)),

    route(GET,  "/devices",                    VIEWER,   || web::to(devices::list)),
    route(GET,  "/devices/stream",             VIEWER,   || web::to(devices::list_stream)),
    route(GET,  "/devices/new",                OPERATOR, || web::to(devices::new)),
    route(POST, "/devices",                    OPERATOR, || web::to(devices::create)),
    route(GET,  "/devices/{id}",               VIEWER,   || web::to(devices::show)),
    route(GET,  "/devices/{id}/stream",        VIEWER,   || web::to(devices::stream)),
    route(GET,  "/devices/{id}/pair",          OPERATOR, || web::to(devices::pairing)),
    route(POST, "/devices/{id}/pair",          OPERATOR, || web::to(devices::pair)),
    route(GET,  "/devices/{id}/pair/stream",   OPERATOR, || web::to(devices::pairing_stream)),
    route(POST, "/devices/{id}/rename",        OPERATOR, || web::to(devices::rename)),
    route(GET,  "/devices/{id}/pacing",        OPERATOR, || web::to(devices::pacing)),
    route(POST, "/devices/{id}/pacing",        OPERATOR, || web::to(devices::change_pacing)),
    route(POST, "/devices/{id}/pause",         OPERATOR, || web::to(devices::pause)),
    route(POST, "/devices/{id}/resume",        OPERATOR, || web::to(devices::resume)),
    route(POST, "/devices/{id}/reconnect",     OPERATOR, || web::to(devices::reconnect)),
    route(POST, "/devices/{id}/logout",        OPERATOR, || web::to(devices::log_out)),
    route(POST, "/devices/{id}/release",       OPERATOR, || web::to(devices::release_parked)),
    route(POST, "/devices/{id}/discard",       OPERATOR, || web::to(devices::cancel_parked)),
    route(POST, "/devices/{id}/remove",        OWNER,    || web::to(devices::remove)),

    route(GET,  "/messages",                   VIEWER,   || web::to(messages::list)),
    route(GET,  "/messages/stream",            VIEWER,   || web::to(messages::list_stream)),
    route(GET,  "/messages/new",               OPERATOR, || web::to(messages::new)),
    route(POST, "/messages",                   OPERATOR, || web::to(messages::send)),
    route(GET,  "/messages/{id}",              VIEWER,   || web::to(messages::show)),
    route(GET,  "/messages/{id}/stream",       VIEWER,   || web::to(messages::stream)),
    route(POST, "/messages/{id}/retry",        OPERATOR, || web::to(messages::retry)),
    route(POST, "/messages/{id}/cancel",       OPERATOR, || web::to(messages::cancel)),
    route(POST, "/messages/{id}/release",      OPERATOR, || web::to(messages::release)),

    route(GET,  "/webhooks",                   VIEWER,   || web::to(webhooks::list)),
    route(GET,  "/webhooks/stream",            VIEWER,   || web::to(webhooks::list_stream)),
    route(GET,  "/webhooks/new",               OPERATOR, || web::to(webhooks::new)),
    route(POST, "/webhooks",                   OPERATOR, || web::to(webhooks::create)),
    route(GET,  "/webhooks/{id}",              VIEWER,   || web::to(webhooks::show)),
    route(GET,  "/webhooks/{id}/stream",       VIEWER,   || web::to(webhooks::stream)),
    route(GET,  "/webhooks/{id}/edit",         OPERATOR, || web::to(webhooks::edit)),
    route(POST, "/webhooks/{id}/edit",         OPERATOR, || web::to(webhooks::change)),
    route(POST, "/webhooks/{id}/pause",        OPERATOR, || web::to(webhooks::pause)),
    route(POST, "/webhooks/{id}/enable",       OPERATOR, || web::to(webhooks::enable)),
    route(POST, "/webhooks/{id}/test",         OPERATOR, || web::to(webhooks::test)),
    route(POST, "/webhooks/{id}/replay",       OPERATOR, || web::to(webhooks::replay)),
    route(POST, "/webhooks/{id}/again",        OPERATOR, || web::to(webhooks::again)),
    route(POST, "/webhooks/{id}/secret",       OPERATOR, || web::to(webhooks::rotate)),
    route(POST, "/webhooks/{id}/remove",       OPERATOR, || web::to(webhooks::remove)),
    route(GET,  "/webhooks/{id}/events/{event}", VIEWER, || web::to(webhooks::delivery)),
    route(GET,  "/webhooks/{id}/events/{event}/stream", VIEWER, || web::to(webhooks::delivery_stream)),

    route(GET,  "/keys",                       VIEWER,   || web::to(keys::list)),
    route(GET,  "/keys/new",                   OWNER,    || web::to(keys::new)),
    route(POST, "/keys",                       OWNER,    || web::to(keys::create)),
    route(POST, "/keys/{id}/rotate",           OWNER,    || web::to(keys::rotate)),
    route(POST, "/keys/{id}/revoke",           OPERATOR, || web::to(keys::revoke)),

    route(GET,  "/usage",                      VIEWER,   || web::to(usage::show)),

    route(GET,  "/workspaces",                 VIEWER,   || web::to(workspaces::list)),
    route(POST, "/workspaces",                 OWNER,    || web::to(workspaces::create)),
    route(POST, "/workspaces/choose",          VIEWER,   || web::to(workspaces::choose)),
    route(POST, "/workspaces/{id}/change",     OWNER,    || web::to(workspaces::change)),
    route(POST, "/workspaces/{id}/deactivate", OWNER,    || web::to(workspaces::deactivate)),
    route(POST, "/workspaces/{id}/activate",   OWNER,    || web::to(workspaces::activate)),

    route(GET,  "/sandbox",                    OPERATOR, || web::to(sandbox::show)),
    route(GET,  "/sandbox/stream",             OPERATOR, || web::to(sandbox::stream)),
    route(POST, "/sandbox/scan",               OPERATOR, || web::to(sandbox::scan)),
    route(POST, "/sandbox/write",              OPERATOR, || web::to(sandbox::write)),
    route(POST, "/sandbox/contact",            OPERATOR, || web::to(sandbox::contact)),
    route(POST, "/sandbox/fault",              OPERATOR, || web::to(sandbox::fault)),

    route(GET,  "/people",                     OWNER,    || web::to(people::list)),
    route(POST, "/people",                     OWNER,    || web::to(people::add)),
    route(POST, "/people/{id}/role",           OWNER,    || web::to(people::set_role)),
    route(POST, "/people/{id}/password",       OWNER,    || web::to(people::set_password)),
    route(POST, "/people/{id}/remove",         OWNER,    || web::to(people::remove)),
    route(GET,  "/settings",                   OPERATOR, || web::to(settings::show)),
    route(GET,  "/activity",                   VIEWER,   || web::to(activity::list)),
    route(GET,  "/account",                    VIEWER,   || web::to(account::show)),
    route(POST, "/account/password",           VIEWER,   || web::to(account::change_password)),
];

const fn route(method: Method, path: &'static str, need: Need, handler: fn() -> actix_web::Route) -> Route {
    Route {
        method,
        path,
        need,
        handler,
    }
}

/// Registers the table with a server; called for each of its workers.
pub fn configure(dashboard: Arc<Dashboard>) -> impl Fn(&mut ServiceConfig) + Clone + Send + Sync + 'static {
    let dashboard = web::Data::from(dashboard);
    move |app| {
        app.app_data(dashboard.clone());
        let mut by_path: BTreeMap<&str, Vec<&'static Route>> = BTreeMap::new();
        for route in ROUTES {
            by_path.entry(route.path).or_default().push(route);
        }
        // Paths without a parameter first: `/devices/new` is no device.
        let (plain, patterns): (Vec<_>, Vec<_>) =
            by_path.into_iter().partition(|(path, _)| !path.contains('{'));
        for (path, routes) in plain.into_iter().chain(patterns) {
            app.service(resource(path, &routes));
        }
    }
}

fn resource(path: &str, routes: &[&'static Route]) -> Resource {
    routes.iter().fold(web::resource(path), |resource, route| {
        let handler = (route.handler)();
        let handler = if route.method == GET {
            handler.guard(guard::Any(guard::Get()).or(guard::Head()))
        } else {
            handler.guard(guard::Method(route.method.clone()))
        };
        let need = route.need;
        resource.route(handler.wrap(from_fn(move |request, next| gate::guard(need, request, next))))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What changes only what concerns oneself.
    const OF_VIEWERS: [&str; 3] = ["/logout", "/workspaces/choose", "/account/password"];
    /// What cannot be taken back, and who may do what.
    const OF_OWNERS: [&str; 11] = [
        "/devices/{id}/remove",
        "/keys",
        "/keys/{id}/rotate",
        "/workspaces",
        "/workspaces/{id}/change",
        "/workspaces/{id}/deactivate",
        "/workspaces/{id}/activate",
        "/people",
        "/people/{id}/role",
        "/people/{id}/password",
        "/people/{id}/remove",
    ];

    #[test]
    fn every_form_takes_an_operator_unless_it_is_listed_here() {
        for Route { path, need, .. } in ROUTES.iter().filter(|route| route.method == POST) {
            let expected = match *path {
                "/setup" | "/login" => Nobody,
                path if OF_VIEWERS.contains(&path) => VIEWER,
                path if OF_OWNERS.contains(&path) => OWNER,
                _ => OPERATOR,
            };
            assert_eq!(*need, expected, "{path}");
        }
    }
}
