//! One request to an endpoint: signed, bounded in time and size, and judged by its answer.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use postern_domain::Timestamp;
use postern_domain::webhook::{AttemptFailure, AttemptOutcome};
use postern_runtime::Clock;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Response, StatusCode, redirect};
use tokio::time::{Instant, timeout_at};

use crate::WebhooksError;
use crate::config::WebhooksConfig;
use crate::guard::{Blocked, Guard, GuardedResolver};
use crate::retry_after;
use crate::target::Target;

/// What is kept of an answer's body.
const EXCERPT: usize = 4 << 10;
/// What is read of it at most: as much as lets the connection be used again after any honest answer.
const READ: usize = 64 << 10;
/// How long a connection that is used for nothing stays open.
const IDLE: Duration = Duration::from_secs(20);

/// Sends requests to endpoints. Cheap to clone; clones share connections.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    guard: Guard,
    clock: Arc<dyn Clock>,
    timeout: Duration,
}

/// How a request ended, and the beginning of the answer's body.
pub(crate) struct Answer {
    pub(crate) outcome: AttemptOutcome,
    pub(crate) body: Vec<u8>,
}

impl Client {
    /// A client by the configuration.
    pub(crate) fn new(config: &WebhooksConfig, clock: Arc<dyn Clock>) -> Result<Self, WebhooksError> {
        // Installed already when another part of the process was first.
        drop(rustls::crypto::ring::default_provider().install_default());
        let guard = Guard::new(config.allow.clone(), config.allow_http);
        let resolver = GuardedResolver::new(guard.clone(), &config.name_servers);
        let http = builder(config, resolver.clone()).build().or_else(|error| {
            tracing::warn!(
                error = chain(&error),
                "the system has no certificates; webhooks reach no https"
            );
            builder(config, resolver).tls_certs_only([]).build()
        });
        Ok(Self {
            http: http.map_err(|error| WebhooksError::Client(chain(&error)))?,
            guard,
            clock,
            timeout: config.timeout,
        })
    }

    /// What may be sent to.
    pub(crate) fn guard(&self) -> &Guard {
        &self.guard
    }

    /// Posts a body under this id.
    pub(crate) async fn post(&self, target: &Target, id: &str, body: Bytes) -> Answer {
        let (at, started) = (self.clock.now(), Instant::now());
        let mut answered = Answered::default();
        let failure = match &target.url {
            Err(_not_allowed_any_more) => Some(AttemptFailure::Blocked),
            Ok(url) => {
                let mut headers = target.headers.clone();
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                target.signer.sign(&mut headers, id, at, &body);
                let request = self.http.post(url.clone()).headers(headers).body(body);
                let exchange = answered.exchange(request, at);
                let done = timeout_at(started + self.timeout, exchange).await;
                done.unwrap_or(Err(AttemptFailure::Timeout)).err()
            }
        };
        answered.judge(failure, at, started.elapsed())
    }
}

fn builder(config: &WebhooksConfig, resolver: GuardedResolver) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .dns_resolver(resolver)
        .redirect(redirect::Policy::none())
        .no_proxy()
        .referer(false)
        .http1_only()
        .tcp_nodelay(true)
        .connect_timeout(config.timeout.min(Duration::from_secs(5)))
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(config.concurrency)
        .user_agent(concat!("Postern/", env!("CARGO_PKG_VERSION")))
}

/// What has come of an answer so far.
#[derive(Default)]
struct Answered {
    status: Option<StatusCode>,
    retry_after: Option<Duration>,
    body: Vec<u8>,
}

impl Answered {
    async fn exchange(
        &mut self,
        request: reqwest::RequestBuilder,
        at: Timestamp,
    ) -> Result<(), AttemptFailure> {
        let mut response = request.send().await.map_err(|error| failure_of(&error))?;
        self.status = Some(response.status());
        self.retry_after = asked_to_wait(&response, at);
        let mut read = 0;
        while read < READ {
            let Some(chunk) = response.chunk().await.map_err(|error| failure_of(&error))? else {
                break;
            };
            read += chunk.len();
            let room = EXCERPT - self.body.len();
            self.body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        }
        Ok(())
    }

    fn judge(self, failure: Option<AttemptFailure>, at: Timestamp, duration: Duration) -> Answer {
        let failure = failure.or_else(|| self.status.and_then(refused));
        let excerpt = if failure.is_some() {
            self.body.clone()
        } else {
            Vec::new()
        };
        let outcome = AttemptOutcome {
            at,
            duration,
            status: self.status.map(|status| status.as_u16()),
            failure,
            excerpt,
            retry_after: self.retry_after,
        };
        Answer {
            outcome,
            body: self.body,
        }
    }
}

fn refused(status: StatusCode) -> Option<AttemptFailure> {
    if status.is_success() {
        None
    } else if status.is_redirection() {
        Some(AttemptFailure::Redirect)
    } else {
        Some(AttemptFailure::Status)
    }
}

/// Only these two statuses say that another try later helps.
fn asked_to_wait(response: &Response, now: Timestamp) -> Option<Duration> {
    let says = [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE];
    let headers: &HeaderMap = response.headers();
    let value = headers
        .get(RETRY_AFTER)
        .filter(|_| says.contains(&response.status()))?;
    retry_after::parse(value.to_str().ok()?, now)
}

fn failure_of(error: &reqwest::Error) -> AttemptFailure {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = error.source();
    while let Some(found) = cause {
        if found.is::<Blocked>() {
            return AttemptFailure::Blocked;
        }
        if is_of_tls(found) {
            return AttemptFailure::Tls;
        }
        cause = found.source();
    }
    match error {
        _ if error.is_dns() => AttemptFailure::Dns,
        _ if error.is_connect() => AttemptFailure::Connect,
        _ if error.is_timeout() => AttemptFailure::Timeout,
        _ => AttemptFailure::Broken,
    }
}

/// Whether an error is one of TLS, or an I/O error that holds one: what it holds is not its source.
fn is_of_tls(error: &(dyn std::error::Error + 'static)) -> bool {
    let held = error
        .downcast_ref::<std::io::Error>()
        .and_then(std::io::Error::get_ref);
    error.is::<rustls::Error>() || held.is_some_and(|held| is_of_tls(held))
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
