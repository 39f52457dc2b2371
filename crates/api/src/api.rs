//! What every handler shares: the store, the wake-ups, the clock and the limits.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use postern_domain::webhook::WebhookProbe;
use postern_domain::{KeyKind, Network, Plan, Timestamp};
use postern_runtime::{Clock, Pulse, Stop, Wakes};
use postern_store::Store;

use crate::auth::KnownKeys;
use crate::events::{Seats, Tail};
use crate::limits::Limits;
use crate::meters::RequestMeters;
use crate::places::Places;

/// How many webhook endpoints are waited for at once: each holds a connection here and one there.
const MOST_PROBES: usize = 16;

/// Limits of the API.
#[derive(Debug, Clone)]
pub struct ApiConfig {
    /// The largest request body, in bytes; 256 KiB unless told.
    pub body_limit: usize,
    /// How many messages a batch has at most; 1000 unless told, at most [`ApiConfig::MOST_PER_BATCH`].
    pub batch_max: usize,
    /// The largest body of a batch, in bytes; 8 MiB unless told.
    pub batch_body_limit: usize,
    /// How long a request's body may take to arrive, from when it is first waited for; 60 s unless told.
    pub body_deadline: Duration,
    /// How long a verified API key is trusted without asking the store again; 5 s unless told. What is changed through
    /// this API takes effect at once.
    pub key_cache_ttl: Duration,
    /// How many streams of events may be open, half of them of one workspace alone; 1000 unless told.
    pub max_streams: usize,
    /// How long the reader of a stream may take nothing before its place is given to others; 60 s unless told.
    pub stream_deadline: Duration,
    /// How long `GET …/qr` waits for the first code when the caller does not say; 10 s unless told.
    pub qr_wait: Duration,
    /// How long the database may take to answer a probe, for a write and a read each; 5 s unless told.
    pub probe_deadline: Duration,
    /// Which keys it hands out.
    pub key_kind: KeyKind,
    /// Proxies whose `X-Forwarded-For` is believed; none unless told.
    pub trusted_proxies: Vec<Network>,
    /// The plans there are, by their names; only `unlimited` unless told.
    pub plans: BTreeMap<String, Plan>,
    /// How many requests one address may send in a minute, whatever its keys; 0, no limit, unless told.
    pub requests_per_address: u32,
    /// How many requests without a valid key one address may send in a minute; 0, no limit, unless told.
    pub failures_per_address: u32,
    /// The plan of workspaces that anybody may register; nobody may unless told.
    pub registration: Option<String>,
    /// Whether a webhook endpoint may be registered without answering a challenge; not unless told.
    pub unverified_webhooks: bool,
}

impl ApiConfig {
    /// The most messages a batch can be allowed to have: one transaction holds up every other write.
    pub const MOST_PER_BATCH: usize = 5_000;
}

impl Default for ApiConfig {
    fn default() -> Self {
        Self {
            body_limit: 256 * 1024,
            batch_max: 1_000,
            batch_body_limit: 8 * 1024 * 1024,
            body_deadline: Duration::from_secs(60),
            key_cache_ttl: Duration::from_secs(5),
            max_streams: 1_000,
            stream_deadline: Duration::from_secs(60),
            qr_wait: Duration::from_secs(10),
            probe_deadline: Duration::from_secs(5),
            key_kind: KeyKind::Live,
            trusted_proxies: Vec::new(),
            plans: BTreeMap::from([("unlimited".to_owned(), Plan::UNLIMITED)]),
            requests_per_address: 0,
            failures_per_address: 0,
            registration: None,
            unverified_webhooks: false,
        }
    }
}

/// The API's state, one for all workers.
pub struct Api {
    /// The gateway's data.
    pub(crate) store: Store,
    /// Whom to wake after a commit.
    pub(crate) wakes: Wakes,
    /// Talks to webhook endpoints while a caller waits.
    pub(crate) probe: Arc<dyn WebhookProbe>,
    /// A place for each endpoint that is waited for.
    pub(crate) probing: Arc<Places>,
    /// What time it is.
    pub(crate) clock: Arc<dyn Clock>,
    /// Limits.
    pub(crate) config: ApiConfig,
    /// Pulled when the daemon shuts down; requests that only wait then answer at once.
    pub(crate) stop: Stop,
    /// Pulled before: everything is served as always, and the probe says that nothing new should come.
    draining: Stop,
    /// When a write last committed for the probe. Who holds it tries one, and the others wait for that.
    pub(crate) probed: tokio::sync::Mutex<Option<Timestamp>>,
    /// The tasks without which the gateway does not work.
    vital: Mutex<Vec<Pulse>>,
    /// How often keys and addresses may ask.
    pub(crate) limits: Arc<Limits>,
    pub(crate) known_keys: Arc<KnownKeys>,
    /// The newest events, for streams.
    pub(crate) tail: Tail,
    /// What is counted of requests.
    pub(crate) meters: Arc<RequestMeters>,
    /// The places for streams.
    pub(crate) seats: Seats,
}

impl Api {
    /// An API over `store`; it rings `wakes` after every commit that somebody has to act on.
    #[must_use]
    pub fn new(
        store: Store,
        wakes: Wakes,
        probe: Arc<dyn WebhookProbe>,
        clock: Arc<dyn Clock>,
        config: ApiConfig,
        stop: Stop,
    ) -> Self {
        let (requests, failures) = (config.requests_per_address, config.failures_per_address);
        let limits = Limits::new(config.plans.values(), requests, failures);
        Self {
            limits: Arc::new(limits),
            tail: Tail::new(&store),
            seats: Seats::new(config.max_streams, config.stream_deadline),
            store,
            wakes,
            probe,
            probing: Places::new(MOST_PROBES),
            clock,
            config,
            stop,
            draining: Stop::new(),
            probed: tokio::sync::Mutex::default(),
            vital: Mutex::default(),
            known_keys: Arc::default(),
            meters: Arc::default(),
        }
    }

    /// Makes the probe depend on these tasks, too.
    pub fn depend_on(&self, pulses: impl IntoIterator<Item = Pulse>) {
        self.vital
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(pulses);
    }

    /// A task that should run and does not.
    pub(crate) fn stopped_part(&self) -> Option<&'static str> {
        let vital = self.vital.lock().unwrap_or_else(PoisonError::into_inner);
        vital.iter().find(|pulse| !pulse.beats()).map(Pulse::name)
    }

    /// Whether it was told to stop, or that it will be.
    pub(crate) fn is_stopping(&self) -> bool {
        self.draining.is_pulled() || self.stop.is_pulled()
    }

    /// Pull it to have the probe say that the gateway stops, while everything is still served.
    #[must_use]
    pub fn draining(&self) -> Stop {
        self.draining.clone()
    }

    /// What is counted of requests.
    #[must_use]
    pub fn meters(&self) -> Arc<RequestMeters> {
        Arc::clone(&self.meters)
    }
}

impl Api {
    /// To be called by others after they changed API keys or workspaces: what is remembered of them is forgotten.
    pub fn access_changed(&self) -> impl Fn() + Send + Sync + use<> {
        let known_keys = Arc::clone(&self.known_keys);
        move || known_keys.forget()
    }
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
