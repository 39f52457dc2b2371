//! `postern serve`: puts the parts together, and takes them apart again in the right order.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use postern_api::{Api, ApiConfig};
use postern_runtime::{Backoff, Clock, SystemClock, Wakes};
use postern_sessions::Sessions;
use postern_store::{KeyStore, Store, StoreOptions};
use postern_whatsapp::{VersionSource, WhatsAppWeb};

use crate::bootstrap;
use crate::cli::Serve;
use crate::config::{Config, Overrides};
use crate::data_dir::DataDir;
use crate::keys::Keys;
use crate::logging;

/// Runs the daemon until it is asked to stop.
pub(crate) async fn command(flags: Serve, environment: Vec<(String, String)>) -> anyhow::Result<()> {
    let overrides = Overrides::default()
        .with("server.listen", flags.listen)
        .with("data.dir", flags.data_dir.as_ref().map(|dir| dir.display()))
        .with("log.format", flags.log_format.map(|format| format!("{format:?}").to_lowercase()))
        .with("sandbox.enabled", flags.sandbox.then_some("true"))
        .with("sandbox.listen", flags.sandbox_listen)
        .with("whatsapp.url", flags.sandbox_url);
    let config = Config::load(flags.config.as_deref(), environment, overrides)?;
    logging::start(config.log.format, &config.log.level)?;

    let daemon = Daemon::start(config, flags.bootstrap_api_key.as_deref()).await?;
    println!("postern {} listening on {}", env!("CARGO_PKG_VERSION"), daemon.url());
    asked_to_stop().await?;
    daemon.stop().await;
    Ok(())
}

/// A running daemon.
pub(crate) struct Daemon {
    address: SocketAddr,
    server: postern_api::Server,
    sessions: Sessions,
    store: Store,
    keys: KeyStore,
    #[cfg(feature = "sandbox")]
    network: Option<postern_sandbox::Sandbox>,
    _data: DataDir,
}

impl Daemon {
    /// Starts every part: files first, the API last, so that it answers only when the rest can work.
    pub(crate) async fn start(config: Config, bootstrap_key: Option<&str>) -> anyhow::Result<Self> {
        let data = DataDir::hold(&config.data.dir)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let options = StoreOptions {
            data_dir: data.path().to_owned(),
            readers: config.data.readers,
            write_queue: config.data.write_queue,
        };
        let (store, keys) = tokio::task::spawn_blocking(move || {
            anyhow::Ok((Store::open(&options)?, KeyStore::open(&options)?))
        })
        .await??;
        if let Some(key) = bootstrap::first_key(&store, bootstrap_key, clock.now()).await? {
            println!("API key (shown once, store it now): {}", key.expose());
        }

        #[cfg(feature = "sandbox")]
        let network = start_network(&config, data.path().join("sandbox")).await?;
        #[cfg(feature = "sandbox")]
        let url = network.as_ref().map(|network| network.websocket_url()).or_else(|| configured_url(&config));
        #[cfg(not(feature = "sandbox"))]
        let url = {
            anyhow::ensure!(
                !config.sandbox.enabled,
                "this build has no sandbox; build it with `cargo build --release --features sandbox`"
            );
            configured_url(&config)
        };

        let whatsapp = WhatsAppWeb::new(whatsapp_config(&config, url), Arc::new(Keys(keys.clone())))?;
        let wakes = Wakes::default();
        let sessions = Sessions::start(
            sessions_config(&config),
            store.clone(),
            Arc::new(whatsapp),
            Arc::new(Keys(keys.clone())),
            wakes.clone(),
            Arc::clone(&clock),
        );
        let api = Api { store: store.clone(), wakes, clock, config: api_config(&config) };
        let server = postern_api::serve(api, config.server.listen)
            .with_context(|| format!("cannot listen on {}", config.server.listen))?;
        Ok(Self {
            address: server.address(),
            server,
            sessions,
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

    /// Stops in a fixed order, each part before those it needs: no new requests, then the sessions, which
    /// write down what they know, then the files.
    pub(crate) async fn stop(self) {
        tracing::info!("stopping: finishing requests");
        self.server.stop().await;
        tracing::info!("stopping: closing sessions");
        self.sessions.stop().await;
        self.store.close().await;
        self.keys.close().await;
        #[cfg(feature = "sandbox")]
        if let Some(network) = self.network {
            network.stop().await;
        }
        tracing::info!("stopped");
    }
}

/// Waits for SIGINT or SIGTERM.
pub(crate) async fn asked_to_stop() -> anyhow::Result<()> {
    #[cfg(unix)]
    {
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            pressed = tokio::signal::ctrl_c() => pressed?,
            _ = terminate.recv() => {}
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await?;
    Ok(())
}

#[cfg(feature = "sandbox")]
async fn start_network(config: &Config, state: PathBuf) -> anyhow::Result<Option<postern_sandbox::Sandbox>> {
    if !config.sandbox.enabled {
        return Ok(None);
    }
    let settings = postern_sandbox::SandboxConfig { listen: config.sandbox.listen, state_dir: Some(state) };
    let network = postern_sandbox::Sandbox::start(settings).await?;
    crate::sandbox::print_addresses(&network);
    Ok(Some(network))
}

fn configured_url(config: &Config) -> Option<String> {
    Some(config.whatsapp.url.clone()).filter(|url| !url.is_empty())
}
