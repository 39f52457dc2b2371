//! The dashboard's settings, and its hand on the sandbox.

use std::sync::Arc;
use std::time::Duration;

use postern_dashboard::{Dashboard, DashboardConfig, DashboardParts, SandboxControl, Setting};
use postern_domain::{KeyKind, Pacing};

use crate::config::{Config, Effective};

/// The dashboard, unless the settings say that there is none.
pub(crate) fn open(
    config: &Config,
    (default_pacing, key_kind): (Pacing, KeyKind),
    parts: DashboardParts,
) -> Option<Arc<Dashboard>> {
    let settings = &config.dashboard;
    if !settings.enabled {
        return None;
    }
    let rules = DashboardConfig {
        idle: Duration::from_hours(settings.idle_hours),
        absolute: Duration::from_hours(24 * settings.absolute_days),
        set_up: Duration::from_mins(settings.setup_minutes),
        streams: settings.streams,
        trusted_proxies: config.server.trusted_proxies(),
        default_pacing,
        key_kind,
        plans: config.plans(),
        unverified_webhooks: config.webhooks.allow_unverified,
        settings: config.effective.iter().cloned().map(setting).collect(),
        versions: versions(config),
        data_dir: config.data.dir.clone(),
    };
    Some(Arc::new(Dashboard::new(parts, rules)))
}

fn setting(effective: Effective) -> Setting {
    Setting {
        name: effective.name,
        value: effective.value,
        default: effective.default,
        meaning: effective.meaning,
    }
}

/// What runs, and in which version.
fn versions(config: &Config) -> Vec<(String, String)> {
    let (major, minor, patch) = postern_whatsapp::LAST_KNOWN_VERSION;
    let whatsapp = match config.whatsapp.version.as_str() {
        "auto" => format!("auto, at least {major}.{minor}.{patch}"),
        fixed => fixed.to_owned(),
    };
    let pairs = [
        ("Postern", env!("CARGO_PKG_VERSION").to_owned()),
        ("WhatsApp Web", whatsapp),
        ("REST API", "v1".to_owned()),
    ];
    pairs.map(|(what, version)| (what.to_owned(), version)).to_vec()
}

/// The hand on the simulated network at this address, in builds that have one.
#[cfg(not(feature = "sandbox"))]
#[expect(clippy::unnecessary_wraps, reason = "a build with the sandbox can fail")]
pub(crate) fn control(_url: &str) -> anyhow::Result<Option<Arc<dyn SandboxControl>>> {
    Ok(None)
}

/// The hand on the simulated network at this address.
#[cfg(feature = "sandbox")]
pub(crate) fn control(url: &str) -> anyhow::Result<Option<Arc<dyn SandboxControl>>> {
    Ok(Some(Arc::new(remote::Remote::at(url)?)))
}

#[cfg(feature = "sandbox")]
mod remote {
    //! The sandbox's control API over HTTP, on loopback.

    use std::time::Duration;

    use async_trait::async_trait;
    use postern_dashboard::{SandboxControl, SandboxError, SandboxMethod};
    use reqwest::{Client, Method};
    use serde_json::Value;
    use url::Url;

    /// How long the sandbox may take.
    const PATIENCE: Duration = Duration::from_secs(15);

    pub(super) struct Remote {
        client: Client,
        base: String,
    }

    impl Remote {
        /// The control API of the sandbox whose network has this address.
        pub(super) fn at(network: &str) -> anyhow::Result<Self> {
            let mut url = Url::parse(network)?;
            anyhow::ensure!(url.set_scheme("http").is_ok(), "{network} has no place for HTTP");
            url.set_path("/sandbox/v1");
            // Fails only when the process has a provider already, which serves as well.
            drop(rustls::crypto::ring::default_provider().install_default());
            Ok(Self {
                client: Client::builder().no_proxy().timeout(PATIENCE).build()?,
                base: url.to_string(),
            })
        }
    }

    #[async_trait]
    impl SandboxControl for Remote {
        async fn call(
            &self,
            method: SandboxMethod,
            path: &str,
            body: Option<Value>,
        ) -> Result<Value, SandboxError> {
            let method = match method {
                SandboxMethod::Get => Method::GET,
                SandboxMethod::Post => Method::POST,
                SandboxMethod::Put => Method::PUT,
                SandboxMethod::Delete => Method::DELETE,
            };
            let mut request = self.client.request(method, format!("{}{path}", self.base));
            if let Some(body) = &body {
                request = request.json(body);
            }
            let answer = request.send().await.map_err(gone)?;
            let status = answer.status();
            let text = answer.text().await.map_err(gone)?;
            let value: Value = serde_json::from_str(&text).unwrap_or_default();
            if status.is_success() {
                return Ok(value);
            }
            let why = value["error"]["message"].as_str();
            Err(SandboxError::Refused(
                why.map_or_else(|| status.to_string(), str::to_owned),
            ))
        }
    }

    fn gone(error: reqwest::Error) -> SandboxError {
        SandboxError::Gone(error.without_url().to_string())
    }
}
