//! The port to WhatsApp over WhatsApp Web's protocol: starts one client for each device.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use postern_domain::DeviceId;
use postern_domain::port::{Observer, OpenError, Session, WhatsApp};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use url::Url;
use wacore::net::WHATSAPP_WEB_WS_URL;
use wacore::store::DevicePropsOverride;
use wacore::store::traits::Backend;
use waproto::whatsapp::device_props::PlatformType;
use whatsapp_rust::bot::{Bot, BotBuilderError};

use crate::caches;
use crate::config::Config;
use crate::events::{Events, Handler};
use crate::guard::{ChainTrust, NotLoopback};
use crate::http::GuardedHttp;
use crate::inbound::CommitFirst;
use crate::outbound::Sender;
use crate::recipients::Recipients;
use crate::redact::redacted;
use crate::report::Reporter;
use crate::session::{self, ClientSession, End};
use crate::silence;
use crate::tasks::SessionTasks;
use crate::transport::{Dialer, Route};
use crate::version::ClientVersion;

/// Where the clients keep their keys.
#[async_trait]
pub trait KeyProvider: Send + Sync + 'static {
    /// The keys of one device; a device without any is new.
    ///
    /// The client reads and writes them for as long as its session runs, and two sessions of one device
    /// must not run at a time.
    ///
    /// # Errors
    /// The keys cannot be reached.
    async fn keys(&self, device: DeviceId) -> Result<DeviceKeys, OpenError>;
}

/// The keys of one device, for one session.
pub struct DeviceKeys {
    /// What the client reads and writes.
    pub backend: Arc<dyn Backend>,
    /// Comes when the session must end, because what it received could not be stored and would be lost if it went on.
    pub outdated: BoxFuture<'static, ()>,
}

/// WhatsApp, as a linked device of each account sees it.
pub struct WhatsAppWeb {
    config: Config,
    keys: Arc<dyn KeyProvider>,
    route: Arc<Route>,
    http: GuardedHttp,
    version: Arc<ClientVersion>,
}

/// The configuration cannot work.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Not a URL of a WebSocket.
    #[error("expected a ws:// or wss:// URL, not {0:?}")]
    Url(String),
    /// A binary that accepts forged certificates was told to leave this machine.
    #[error("{url} cannot be used: {why}")]
    Confined {
        /// The URL.
        url: String,
        /// Why.
        why: NotLoopback,
    },
}

impl WhatsAppWeb {
    /// Checks the configuration and the client; nothing is dialled yet.
    ///
    /// # Errors
    /// The URL is none of a WebSocket; or this binary [accepts forged certificates] and the URL leads, or
    /// may lead, off this machine. WhatsApp itself does.
    ///
    /// [accepts forged certificates]: crate::accepts_forged_certificates
    pub fn new(config: Config, keys: Arc<dyn KeyProvider>) -> Result<Self, ConfigError> {
        let trust = ChainTrust::of_this_binary();
        let text = config.url.as_deref().unwrap_or(WHATSAPP_WEB_WS_URL);
        let url = Url::parse(text)
            .ok()
            .filter(|url| matches!(url.scheme(), "ws" | "wss") && url.has_host())
            .ok_or_else(|| ConfigError::Url(text.to_owned()))?;
        trust.admit_host(&url).map_err(|why| ConfigError::Confined {
            url: text.to_owned(),
            why,
        })?;
        let http = GuardedHttp::new(trust);
        let version = ClientVersion::new(
            config.version.clone(),
            Arc::new(http.clone()),
            config.deadlines.version,
        );
        Ok(Self {
            route: Arc::new(Route::new(trust, url, config.deadlines.connect)),
            version: Arc::new(version),
            http,
            keys,
            config,
        })
    }

    async fn start(
        &self,
        device: DeviceId,
        observer: Arc<dyn Observer>,
    ) -> Result<Arc<dyn Session>, OpenError> {
        let version = self.version.current().await;
        let keys = self.keys.keys(device).await?;
        let stop = CancellationToken::new();
        let tasks = SessionTasks::new(device, stop.clone());
        let unfinished = tasks.cancel_on_drop();
        let events = Arc::new(Events {
            reporter: Arc::new(Reporter::new(device, observer)),
            tasks,
            stop,
            pairing: Default::default(),
            client: Default::default(),
        });

        let reporter = Arc::clone(&events.reporter);
        let dialer = Dialer {
            route: Arc::clone(&self.route),
            on_dial: move || reporter.dialling(),
        };
        // A browser: phones show "Google Chrome" and the name, and give it pairing codes.
        let looks = DevicePropsOverride::new()
            .with_os(&self.config.device_name)
            .with_platform_type(PlatformType::CHROME);
        let bot = Bot::builder()
            .with_backend_arc(keys.backend)
            .with_transport_factory(dialer)
            .with_http_client(self.http.clone())
            .with_runtime(events.tasks.clone())
            .with_version(version)
            .with_device_props(looks)
            .with_wanted_pre_key_count(self.config.pre_key_count)
            .with_cache_config(caches::per_device())
            .with_inbound_durability_hook(CommitFirst(Arc::clone(&events.reporter)))
            .with_event_handler(Handler(Arc::clone(&events)))
            .skip_history_sync()
            .build()
            .await
            .map_err(not_built)?;
        let client = bot.client();
        let _set_once = events.client.set(Arc::downgrade(&client));

        let silence = silence::watch(Arc::clone(&events), self.config.silence);
        let _ends_with_the_session = events.tasks.start(Box::pin(silence));
        let outdated = session::end_when(keys.outdated, Arc::clone(&events));
        let _ends_with_the_session = events.tasks.start(Box::pin(outdated));
        let end = Arc::new(End::default());
        SessionTasks::watch_over(session::watch(
            bot.spawn(),
            Arc::clone(&events),
            Arc::clone(&end),
            Arc::clone(&self.version),
            self.config.deadlines.stop,
        ));
        let _not_cancelled = unfinished.disarm();
        let sender = Sender {
            client,
            reporter: Arc::clone(&events.reporter),
            recipients: Recipients::default(),
            deadlines: self.config.deadlines,
        };
        Ok(Arc::new(ClientSession { sender, events, end }))
    }
}

#[async_trait]
impl WhatsApp for WhatsAppWeb {
    async fn open(
        &self,
        device: DeviceId,
        observer: Arc<dyn Observer>,
    ) -> Result<Arc<dyn Session>, OpenError> {
        let deadline = self.config.deadlines.open;
        timeout(deadline, self.start(device, observer))
            .await
            .map_err(|_elapsed| OpenError::Client(format!("it took longer than {deadline:?}")))?
    }
}

fn not_built(failure: BotBuilderError) -> OpenError {
    match failure {
        BotBuilderError::Store(failure) => OpenError::Keys(redacted(failure)),
        other => OpenError::Client(redacted(other)),
    }
}

#[cfg(test)]
mod tests {
    use wacore::store::InMemoryBackend;

    use super::*;

    struct NoKeys;

    #[async_trait]
    impl KeyProvider for NoKeys {
        async fn keys(&self, _device: DeviceId) -> Result<DeviceKeys, OpenError> {
            Ok(DeviceKeys {
                backend: Arc::new(InMemoryBackend::new()),
                outdated: Box::pin(std::future::pending()),
            })
        }
    }

    fn built(url: Option<&str>) -> Result<WhatsAppWeb, ConfigError> {
        let config = Config {
            url: url.map(str::to_owned),
            ..Config::default()
        };
        WhatsAppWeb::new(config, Arc::new(NoKeys))
    }

    #[test]
    fn only_websockets_will_do() {
        for url in [
            "",
            "web.whatsapp.com",
            "https://web.whatsapp.com/",
            "ws://",
            "unix:/tmp/socket",
        ] {
            assert!(matches!(built(Some(url)), Err(ConfigError::Url(_))), "{url}");
        }
        assert!(built(Some("ws://127.0.0.1:9/ws/chat")).is_ok());
    }

    #[cfg(feature = "sandbox")]
    #[test]
    fn a_sandbox_build_does_not_start_towards_whatsapp() {
        for url in [
            None,
            Some("wss://web.whatsapp.com/ws/chat"),
            Some("wss://192.0.2.1/"),
        ] {
            let refused = built(url).err().expect("refused");
            assert!(matches!(refused, ConfigError::Confined { .. }));
            assert!(refused.to_string().contains("loopback"), "{refused}");
        }
    }

    #[cfg(not(feature = "sandbox"))]
    #[test]
    fn a_production_build_starts_towards_whatsapp() {
        assert!(built(None).is_ok());
    }
}
