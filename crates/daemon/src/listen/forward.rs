//! Posts events to a consumer, signed as webhooks are.

use std::time::Duration;

use postern_runtime::{Clock as _, SystemClock};
use reqwest::redirect::Policy;
use standardwebhooks::{HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP, Webhook};
use tokio::time::Instant;
use url::Url;

use crate::cli::Secret;
use crate::client::events::Heard;

/// How long the consumer may take, as the daemon would let it.
const LIMIT: Duration = Duration::from_secs(10);

/// Posts to one URL.
pub(super) struct Forwarder {
    http: reqwest::Client,
    url: Url,
    webhook: Webhook,
}

impl Forwarder {
    /// Says on standard error where it posts to, and the secret if it made one.
    ///
    /// # Errors
    /// The client cannot be built.
    pub(super) fn new(url: Url, secret: Option<Secret>) -> anyhow::Result<Self> {
        eprintln!("postern: forwarding to {url}");
        let secret = secret.unwrap_or_else(|| {
            let secret = Secret::generate();
            eprintln!("postern: signing with {}", secret.expose());
            secret
        });
        let mut http = reqwest::Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .timeout(LIMIT)
            .user_agent(concat!("Postern/", env!("CARGO_PKG_VERSION")));
        if url.scheme() == "http" {
            http = http.tls_certs_only([]);
        }
        Ok(Self {
            http: http.build()?,
            url,
            webhook: Webhook::new(secret.expose())?,
        })
    }

    /// Posts an event; says what became of it.
    pub(super) async fn post(&self, heard: &Heard) -> String {
        let at = SystemClock.now().as_millis() / 1_000;
        let signature = match self.webhook.sign(&heard.id, at, heard.body.as_bytes()) {
            Ok(signature) => signature,
            Err(error) => return format!("not signed: {error}"),
        };
        let request = self
            .http
            .post(self.url.clone())
            .header("content-type", "application/json")
            .header(HEADER_WEBHOOK_ID, &heard.id)
            .header(HEADER_WEBHOOK_TIMESTAMP, at)
            .header(HEADER_WEBHOOK_SIGNATURE, signature)
            .body(heard.body.clone());
        let begun = Instant::now();
        match request.send().await {
            Ok(answer) => format!(
                "{} {:>4} ms",
                answer.status().as_u16(),
                begun.elapsed().as_millis()
            ),
            Err(error) if error.is_timeout() => "no answer in time".to_owned(),
            Err(error) if error.is_connect() => "not reached".to_owned(),
            Err(_broken) => "no answer".to_owned(),
        }
    }
}
