//! `GET /metrics`: at the address of the API for who knows the token, and at an address of its own.

use std::net::SocketAddr;
use std::sync::Arc;

use actix_web::dev::Server;
use actix_web::http::header;
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use anyhow::Context as _;
use subtle::ConstantTimeEq as _;

use super::Metrics;
use crate::config::MetricsConfig;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What the handler needs.
struct Endpoint {
    metrics: Arc<Metrics>,
    /// What has to be shown; nothing when anybody who reaches the address may ask.
    token: Option<String>,
}

/// Registers the route beside those of the API, if there is a token: that address may be behind a proxy that everybody
/// reaches, and what is asked from there looks like it came from this machine.
pub(crate) fn configure(
    metrics: &Arc<Metrics>,
    config: &MetricsConfig,
) -> Option<impl Fn(&mut ServiceConfig) + Clone + Send + use<>> {
    let token = config.token()?;
    let endpoint = Data::new(Endpoint {
        metrics: Arc::clone(metrics),
        token: Some(token.to_owned()),
    });
    Some(move |app: &mut ServiceConfig| route(app, &endpoint))
}

/// Serves nothing but the metrics at the address that the configuration names, if it does; tells where.
///
/// # Errors
/// The address cannot be listened at.
pub(crate) fn serve(
    metrics: Arc<Metrics>,
    config: &MetricsConfig,
) -> anyhow::Result<Option<(Server, SocketAddr)>> {
    let Some(address) = config.address() else {
        return Ok(None);
    };
    let endpoint = Data::new(Endpoint {
        metrics,
        token: config.token().map(str::to_owned),
    });
    let server = HttpServer::new(move || App::new().configure(|app| route(app, &endpoint)))
        .workers(1)
        .disable_signals()
        .shutdown_timeout(1)
        .bind(address)
        .with_context(|| format!("cannot listen on {address} for metrics"))?;
    let bound = server.addrs().first().copied().unwrap_or(address);
    Ok(Some((server.run(), bound)))
}

fn route(app: &mut ServiceConfig, endpoint: &Data<Endpoint>) {
    app.service(web::resource("/metrics").app_data(endpoint.clone()).get(metrics));
}

async fn metrics(request: HttpRequest, endpoint: Data<Endpoint>) -> HttpResponse {
    if !endpoint.admits(&request) {
        return HttpResponse::Unauthorized()
            .insert_header((header::WWW_AUTHENTICATE, "Bearer"))
            .content_type("text/plain; charset=utf-8")
            .body("the metrics take the header Authorization: Bearer with metrics.token\n");
    }
    match endpoint.metrics.render().await {
        Ok(text) => HttpResponse::Ok()
            .content_type(OPEN_METRICS)
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .body(text),
        Err(_unwritable) => HttpResponse::InternalServerError().finish(),
    }
}

impl Endpoint {
    fn admits(&self, request: &HttpRequest) -> bool {
        let Some(token) = &self.token else {
            return true;
        };
        let shown = request
            .headers()
            .get(header::AUTHORIZATION)
            .and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
        shown.is_some_and(|shown| shown.ct_eq(token.as_bytes()).into())
    }
}
