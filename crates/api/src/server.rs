//! The HTTP server: actix-web on a listener the daemon bound.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::http::KeepAlive;
use actix_web::middleware::from_fn;
use actix_web::web::{self, ServiceConfig};
use actix_web::{App, HttpServer};
use postern_runtime::Tasks;

use crate::routes::configure;
use crate::{Api, edge, health};

/// How the server treats its connections.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// How many worker threads serve requests; `None` is one for each core.
    pub workers: Option<usize>,
    /// How long an idle connection is kept open.
    pub keep_alive: Duration,
    /// How long a client may take to send a request's head.
    pub client_request_timeout: Duration,
    /// How long requests under way may take to finish after a graceful stop; whole seconds.
    pub shutdown_timeout: Duration,
    /// How many connections one worker holds at most.
    pub max_connections: usize,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            workers: None,
            keep_alive: Duration::from_secs(75),
            client_request_timeout: Duration::from_secs(10),
            shutdown_timeout: Duration::from_secs(10),
            max_connections: 25_000,
        }
    }
}

/// Answers on `listener` while there is no API yet: the process lives, and is not ready. Stop it by its `handle()` before
/// the API is served there; connections that come in between wait.
///
/// # Errors
/// The listener cannot be used.
pub fn starting(listener: TcpListener) -> io::Result<Server> {
    let server = HttpServer::new(|| {
        App::new()
            .route("/healthz", web::get().to(health::healthz))
            .route("/healthz", web::head().to(health::healthz))
            .default_service(web::to(health::still_starting))
            .wrap(from_fn(edge::edge))
    });
    // A connection that stayed open would go on asking a server that is gone.
    let server = server.keep_alive(KeepAlive::Disabled).shutdown_timeout(1);
    Ok(server.workers(1).disable_signals().listen(listener)?.run())
}

/// Starts serving on `listener`; must be called within a tokio runtime.
///
/// The answer is the running server: await it until it ends, and stop it by its `handle()`. It installs no
/// signal handlers.
///
/// # Errors
/// The listener cannot be used.
pub fn server(listener: TcpListener, api: Api, options: &ServerOptions) -> io::Result<Server> {
    server_with(listener, api, options, |_nothing_more| {})
}

/// The same, with what `beside` registers at the same address, under the same edge: request ids, the access log, and
/// headers where an answer has none of its own.
///
/// # Errors
/// The listener cannot be used.
pub fn server_with(
    listener: TcpListener,
    api: Api,
    options: &ServerOptions,
    beside: impl Fn(&mut ServiceConfig) + Clone + Send + 'static,
) -> io::Result<Server> {
    let (limits, stop) = (Arc::clone(&api.limits), api.stop.clone());
    let api = web::Data::new(api);
    let (tail, seats) = (api.clone().into_inner(), api.clone().into_inner());
    let tasks = Tasks::new();
    api.depend_on([
        tasks.spawn_vital("rate limits", async move { limits.keep_tidy(stop).await }),
        tasks.spawn_vital("tail of the event log", async move {
            tail.tail.run(tail.store.clone(), tail.stop.clone()).await;
        }),
        tasks.spawn_vital("places of streams", async move {
            seats.seats.run(seats.stop.clone()).await;
        }),
    ]);
    let mut server = HttpServer::new(move || {
        App::new()
            .app_data(api.clone())
            .configure(configure)
            .configure(beside.clone())
            .default_service(web::to(edge::no_such_route))
            .wrap(from_fn(edge::edge))
    })
    .tcp_nodelay(true)
    .keep_alive(options.keep_alive)
    .client_request_timeout(options.client_request_timeout)
    .shutdown_timeout(options.shutdown_timeout.as_secs())
    .max_connections(options.max_connections)
    .disable_signals();
    if let Some(workers) = options.workers {
        server = server.workers(workers.max(1));
    }
    Ok(server.listen(listener)?.run())
}
