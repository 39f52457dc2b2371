//! `postern serve`: puts the parts together, and takes them apart again in the right order.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use postern_api::{Api, ApiConfig, KeyKind, ServerOptions};
use postern_dashboard::{Dashboard, DashboardParts};
use postern_domain::Pacing;
use postern_runtime::{Backoff, Clock, Stop, SystemClock, Tasks, Wakes};
use postern_sessions::{Sessions, SessionsConfig};
use postern_store::{KeyStore, KeyStoreOptions, Store, StoreOptions};
use postern_webhooks::Webhooks;
use postern_whatsapp::{LAST_KNOWN_VERSION, VersionSource, WhatsAppWeb};
use tokio::net::TcpSocket;

use crate::cli::Serve;
use crate::config::{Config, Overrides};
use crate::data_dir::DataDir;
use crate::keys::Keys;
use crate::metrics::{self, Metrics};
use crate::telemetry::Traces;
use crate::{bootstrap, dashboard, logging};

/// Runs the daemon until it is asked to stop.
pub(crate) async fn command(flags: Serve, environment: Vec<(String, String)>) -> anyhow::Result<()> {
    let overrides = Overrides::default()
        .with("server.listen", flags.listen)
        .with("data.dir", flags.data_dir.as_ref().map(|dir| dir.display()))
        .with(
            "log.format",
            flags
                .log_format
                .map(|format| format!("{format:?}").to_lowercase()),
        )
        .with("sandbox.enabled", flags.sandbox.then_some("true"))
        .with("sandbox.listen", flags.sandbox_listen)
        .with("whatsapp.url", flags.sandbox_url);
    let config = Config::load(flags.config.as_deref(), environment, overrides)?;
    let (traces, spans) = Traces::start(&config.telemetry)?.unzip();
    logging::start(&config.log, spans)?;

    let daemon = Daemon::start(
        config,
        flags.bootstrap_api_key.as_deref(),
        flags.renew_webhook_secrets,
    )
    .await?;
    let mut signals = StopSignals::listen()?;
    println!(
        "postern {} listening on {}",
        env!("CARGO_PKG_VERSION"),
        daemon.url()
    );
    if let Some(address) = daemon.metrics {
        println!("metrics at http://{address}/metrics");
    }
    daemon.announce_dashboard().await?;
    signals.next().await?;
    daemon.drain(signals.next()).await?;
    daemon.stop().await;
    if let Some(traces) = traces {
        traces.stop().await;
    }
    Ok(())
}

/// A running daemon.
pub(crate) struct Daemon {
    address: SocketAddr,
    dashboard: Option<Arc<Dashboard>>,
    servers: Vec<actix_web::dev::ServerHandle>,
    metrics: Option<SocketAddr>,
    tasks: Tasks,
    stop: Stop,
    /// Pulled before, for the probe.
    draining: Stop,
    /// How long the two are apart.
    drain: Duration,
    sessions: Sessions,
    webhooks: Webhooks,
    store: Store,
    keys: KeyStore,
    #[cfg(feature = "sandbox")]
    network: Option<postern_sandbox::Sandbox>,
    _data: DataDir,
}

impl Daemon {
    /// Starts every part: files first, the API last, so that it answers only when the rest can work.
    pub(crate) async fn start(
        config: Config,
        bootstrap_key: Option<&str>,
        renew_webhook_secrets: bool,
    ) -> anyhow::Result<Self> {
        let data = DataDir::hold(&config.data.dir)?;
        let listener = listen(config.server.listen)
            .with_context(|| format!("cannot listen on {}", config.server.listen))?;
        let (wakes, stop, tasks) = (Wakes::default(), Stop::new(), Tasks::new());
        // Migrations take their time; meanwhile probes are told so.
        let starting = postern_api::starting(listener.try_clone()?)?;
        let until_ready = starting.handle();
        drop(tasks.spawn("HTTP server while starting", starting));
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let (store, keys) = open_files(&config, &data).await?;
        if let Some(key) = bootstrap::first_key(&store, bootstrap_key, key_kind(&config), clock.now()).await?
        {
            println!("API key (shown once, store it now): {}", key.expose());
        }

        if renew_webhook_secrets {
            let renewed = store.renew_webhook_secrets(clock.now()).await?;
            println!("{renewed} webhook endpoints have new secrets and are disabled until these are rotated");
        }
        // Before anybody can ask: what the file says of connections is about a process that is gone.
        store.begin(clock.now()).await?;
        apply_plans(&config, &store).await?;

        #[cfg(feature = "sandbox")]
        let network = start_network(&config, data.path()).await?;
        #[cfg(feature = "sandbox")]
        let sandbox_url = network.as_ref().map(postern_sandbox::Sandbox::websocket_url);
        #[cfg(not(feature = "sandbox"))]
        let sandbox_url = refuse_network(&config)?;
        let url = sandbox_url.or_else(|| Some(config.whatsapp.url.clone()).filter(|url| !url.is_empty()));

        // A sandbox answers its control API where its network is.
        let sandbox = url.clone().filter(|_| cfg!(feature = "sandbox"));
        // Nobody has to be protected from a network of one's own.
        let pacing = if url.is_some() {
            Pacing::OFF
        } else {
            config.default_pacing()
        };
        let key_roles = Arc::new(Keys(keys.clone()));
        let whatsapp = WhatsAppWeb::new(whatsapp_config(&config, &data, url), Arc::clone(&key_roles) as _)?;
        let sessions = Sessions::start(
            sessions_config(&config, pacing),
            store.clone(),
            Arc::new(whatsapp),
            key_roles,
            wakes.clone(),
            Arc::clone(&clock),
        );
        let webhooks = Webhooks::start(
            config.webhook_deliveries(),
            store.clone(),
            wakes.clone(),
            Arc::clone(&clock),
        )?;
        let api = Api::new(
            store.clone(),
            wakes.clone(),
            webhooks.probe(),
            Arc::clone(&clock),
            api_config(&config),
            stop.clone(),
        );
        api.depend_on(sessions.pulses().iter().chain([webhooks.pulse()]).cloned());
        let draining = api.draining();
        let metrics = Arc::new(Metrics {
            store: store.clone(),
            keys: keys.clone(),
            requests: api.meters(),
            webhooks: webhooks.meters(),
            data: data.path().to_owned(),
            started: clock.now(),
            levels: tokio::sync::Mutex::default(),
        });
        let parts = DashboardParts {
            store: store.clone(),
            wakes,
            clock,
            stop: stop.clone(),
            probe: webhooks.probe(),
            access_changed: Arc::new(api.access_changed()),
            sandbox: sandbox.map(|url| dashboard::control(&url)).transpose()?.flatten(),
        };
        let dashboard = dashboard::open(&config, (pacing, key_kind(&config)), parts);
        let address = listener.local_addr()?;
        let pages = dashboard.clone().map(postern_dashboard::configure);
        let numbers = metrics::configure(&metrics, &config.metrics);
        let mut servers = Vec::new();
        // Before the API, so that an address that is taken is found out while nobody is served yet.
        let alone = metrics::serve(metrics, &config.metrics)?;
        let metrics = alone.map(|(server, address)| {
            servers.push(server.handle());
            drop(tasks.spawn("metrics server", server));
            address
        });
        until_ready.stop(true).await;
        let server = postern_api::server_with(listener, api, &server_options(&config), move |app| {
            if let Some(pages) = &pages {
                pages(app);
            }
            if let Some(numbers) = &numbers {
                numbers(app);
            }
        })?;
        servers.push(server.handle());
        drop(tasks.spawn("HTTP server", server));
        Ok(Self {
            address,
            dashboard,
            servers,
            metrics,
            tasks,
            stop,
            draining,
            drain: Duration::from_secs(config.server.drain),
            sessions,
            webhooks,
            store,
            keys,
            #[cfg(feature = "sandbox")]
            network,
            _data: data,
        })
    }

    /// Where the REST API answers.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Prints where the dashboard is, and how to make its first operator.
    pub(crate) async fn announce_dashboard(&self) -> anyhow::Result<()> {
        let Some(dashboard) = &self.dashboard else {
            return Ok(());
        };
        let url = self.url();
        match dashboard.set_up_path().await? {
            Some(path) => {
                println!("dashboard at {url}{path} (once, to become its owner)");
            }
            None => println!("dashboard at {url}/"),
        }
        Ok(())
    }

    /// Goes on serving for as long as the configuration says, or until told `again`, while the probe says that it stops.
    async fn drain(&self, again: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
        self.draining.pull();
        if self.drain.is_zero() {
            return Ok(());
        }
        tracing::info!(
            seconds = self.drain.as_secs(),
            "stopping: serving on until nobody asks"
        );
        match tokio::time::timeout(self.drain, again).await {
            Ok(told) => told,
            Err(_elapsed) => Ok(()),
        }
    }

    /// Stops in a fixed order, each part before those it needs: no new requests, then the sessions and the
    /// deliveries, which write down what they know, then the files.
    pub(crate) async fn stop(self) {
        tracing::info!("stopping: finishing requests");
        self.stop.pull();
        for server in &self.servers {
            server.stop(true).await;
        }
        self.tasks.ended().await;
        tracing::info!("stopping: closing sessions and ending deliveries");
        tokio::join!(self.sessions.stop(), self.webhooks.stop());
        self.store.close().await;
        self.keys.close().await;
        #[cfg(feature = "sandbox")]
        if let Some(network) = self.network {
            network.stop().await;
        }
        tracing::info!("stopped");
    }
}

/// Connections that may wait to be accepted: a burst of new ones must not be answered with silence.
const BACKLOG: u32 = 4_096;

fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // What the standard library does: a restart need not wait until the connections of the last run are forgotten.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
}

async fn open_files(config: &Config, data: &DataDir) -> anyhow::Result<(Store, KeyStore)> {
    let options = StoreOptions {
        data_dir: data.path().to_owned(),
        readers: config.data.readers,
        write_queue: config.data.write_queue,
        idempotency_retention: Duration::from_hours(config.idempotency.retention_hours),
    };
    let keys = KeyStoreOptions::new(data.path().join("keys.db"));
    let secrets = config.data.secrets_key()?;
    let opening = move || anyhow::Ok((Store::open_with(&options, secrets)?, KeyStore::open(&keys)?));
    tokio::task::spawn_blocking(opening).await?
}

fn whatsapp_config(config: &Config, data: &DataDir, url: Option<String>) -> postern_whatsapp::Config {
    let version = match (config.whatsapp.fixed_version(), &url) {
        (Some((major, minor, patch)), _) => VersionSource::Fixed(major, minor, patch),
        // Another network than WhatsApp's has no version to look up.
        (None, Some(_)) => {
            let (major, minor, patch) = LAST_KNOWN_VERSION;
            VersionSource::Fixed(major, minor, patch)
        }
        (None, None) => VersionSource::Lookup {
            cache_file: Some(data.path().join("whatsapp-version")),
            fallback: LAST_KNOWN_VERSION,
        },
    };
    postern_whatsapp::Config {
        url,
        version,
        device_name: config.whatsapp.device_name.clone(),
        pre_key_count: config.whatsapp.pre_keys,
        ..postern_whatsapp::Config::default()
    }
}

fn sessions_config(config: &Config, pacing: Pacing) -> SessionsConfig {
    let settings = &config.sessions;
    let first = Duration::from_millis(settings.retry_first_ms);
    SessionsConfig {
        start_concurrency: settings.start_concurrency,
        start_jitter: Duration::from_millis(settings.start_jitter_ms),
        ack_timeout: Duration::from_secs(settings.ack_timeout),
        in_flight: settings.in_flight,
        retry: Backoff::new(first, Duration::from_secs(settings.retry_longest).max(first)),
        max_age: Duration::from_secs(settings.max_age_hours * 3600),
        login_retry: Duration::from_secs(settings.login_retry),
        pacing,
        message_retention: days(config.retention.messages_days),
        event_retention: days(config.retention.events_days),
        attempt_retention: days(config.retention.attempts_days),
        act_retention: days(config.retention.key_acts_days),
        ..SessionsConfig::default()
    }
}

/// 0 is for ever.
fn days(number: u64) -> Option<Duration> {
    (number > 0).then(|| Duration::from_hours(number * 24))
}

fn api_config(config: &Config) -> ApiConfig {
    ApiConfig {
        body_limit: config.server.body_limit,
        batch_max: config.messages.batch_max,
        batch_body_limit: config.messages.batch_body_limit,
        max_streams: config.server.max_streams,
        unverified_webhooks: config.webhooks.allow_unverified,
        key_kind: key_kind(config),
        trusted_proxies: config.server.trusted_proxies(),
        plans: config.plans(),
        requests_per_address: config.limits.requests_per_address,
        failures_per_address: config.limits.failures_per_address,
        registration: config
            .registration
            .enabled
            .then(|| config.registration.plan.clone()),
        ..ApiConfig::default()
    }
}

/// Acceptances find their limits beside what they count.
async fn apply_plans(config: &Config, store: &Store) -> anyhow::Result<()> {
    for plan in store.apply_plans(config.plans()).await? {
        tracing::warn!(
            plan,
            "workspaces have a plan that the configuration does not have; their keys are refused"
        );
    }
    Ok(())
}

/// Keys that can only reach a sandbox are told apart from those that reach people.
fn key_kind(config: &Config) -> KeyKind {
    if config.sandbox.enabled || !config.whatsapp.url.is_empty() {
        KeyKind::Test
    } else {
        KeyKind::Live
    }
}

fn server_options(config: &Config) -> ServerOptions {
    ServerOptions {
        workers: Some(config.server.workers).filter(|workers| *workers > 0),
        shutdown_timeout: Duration::from_secs(config.server.shutdown_timeout),
        ..ServerOptions::default()
    }
}

/// Waits for SIGINT or SIGTERM.
pub(crate) async fn asked_to_stop() -> anyhow::Result<()> {
    StopSignals::listen()?.next().await
}

/// SIGINT and SIGTERM, each of which counts from when this is made, whether or not anybody waits for it just then.
struct StopSignals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl StopSignals {
    fn listen() -> anyhow::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) -> anyhow::Result<()> {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
        Ok(())
    }
}

#[cfg(not(unix))]
impl StopSignals {
    fn listen() -> anyhow::Result<Self> {
        Ok(Self {})
    }

    async fn next(&mut self) -> anyhow::Result<()> {
        Ok(tokio::signal::ctrl_c().await?)
    }
}

#[cfg(feature = "sandbox")]
async fn start_network(
    config: &Config,
    data: &std::path::Path,
) -> anyhow::Result<Option<postern_sandbox::Sandbox>> {
    if !config.sandbox.enabled {
        return Ok(None);
    }
    let state_dir = Some(data.join("sandbox"));
    let settings = postern_sandbox::SandboxConfig {
        listen: config.sandbox.listen,
        state_dir,
    };
    let network = postern_sandbox::Sandbox::start(settings).await?;
    crate::sandbox::print_addresses(&network);
    Ok(Some(network))
}

#[cfg(not(feature = "sandbox"))]
fn refuse_network(config: &Config) -> anyhow::Result<Option<String>> {
    anyhow::ensure!(
        !config.sandbox.enabled,
        "this build has no sandbox; build one with `cargo build --release --features sandbox`"
    );
    Ok(None)
}
