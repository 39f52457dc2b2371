//! The daemon's settings: compiled-in defaults, a file, the environment, flags; validated before anything starts.

mod metrics;

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use config::{Environment, File, FileFormat};
use ipnet::IpNet;
use postern_api::ApiConfig;
use postern_domain::{Pacing, Plan, QuietHours};
use serde::Deserialize;

pub use self::metrics::MetricsConfig;

/// The commented default configuration, which is also the documentation of every key.
pub const DEFAULTS: &str = include_str!("../../../config/postern.toml");

/// All settings. `config/postern.toml` documents each key with its unit and range.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The REST API.
    pub server: ServerConfig,
    /// The files.
    pub data: DataConfig,
    /// The log.
    pub log: LogConfig,
    /// The connection to WhatsApp.
    pub whatsapp: WhatsAppConfig,
    /// The devices' sessions.
    pub sessions: SessionsConfig,
    /// How fast devices may send.
    pub pacing: PacingConfig,
    /// What is accepted.
    pub messages: MessagesConfig,
    /// Idempotency records.
    pub idempotency: IdempotencyConfig,
    /// What workspaces may use, by the names of plans.
    pub plans: BTreeMap<String, PlanConfig>,
    /// How often an address may ask.
    pub limits: LimitsConfig,
    /// Who may make workspaces.
    pub registration: RegistrationConfig,
    /// What is forgotten when.
    pub retention: RetentionConfig,
    /// Deliveries to webhooks.
    pub webhooks: WebhooksConfig,
    /// The operators' pages.
    pub dashboard: DashboardSettings,
    /// The numbers.
    pub metrics: MetricsConfig,
    /// The simulated network.
    pub sandbox: SandboxConfig,
}

/// `[server]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerConfig {
    /// Where the REST API listens.
    pub listen: SocketAddr,
    /// Worker threads; 0 for one per processor.
    pub workers: usize,
    /// Bytes.
    pub body_limit: usize,
    /// Streams of events that may be open.
    pub max_streams: usize,
    /// Seconds.
    pub drain: u64,
    /// Seconds.
    pub shutdown_timeout: u64,
    /// Addresses and networks in CIDR notation, parted by commas or spaces.
    pub trusted_proxies: String,
}

impl ServerConfig {
    /// As they are compared. They were validated when the settings were read.
    #[must_use]
    pub fn trusted_proxies(&self) -> Vec<IpNet> {
        let networks = self.trusted_proxies.split([',', ' ']);
        networks.filter_map(network).collect()
    }
}

/// A network, or a single address as one.
fn network(text: &str) -> Option<IpNet> {
    text.parse()
        .ok()
        .or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

/// `[dashboard]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DashboardSettings {
    /// Whether there are any.
    pub enabled: bool,
    /// Hours.
    pub idle_hours: u64,
    /// Days.
    pub absolute_days: u64,
    /// Minutes.
    pub setup_minutes: u64,
    /// Pages.
    pub streams: usize,
}

/// `[data]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataConfig {
    /// The folder of the databases.
    pub dir: PathBuf,
    /// Reader threads.
    pub readers: usize,
    /// Writes that may wait.
    pub write_queue: usize,
}

/// `[log]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogConfig {
    /// How lines look.
    pub format: LogFormat,
    /// Directives as `tracing-subscriber`'s `EnvFilter` reads them.
    pub level: String,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Human on a terminal, JSON otherwise.
    Auto,
    /// For people.
    Human,
    /// One JSON object a line.
    Json,
}

/// `[whatsapp]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WhatsAppConfig {
    /// Empty for the real service.
    pub url: String,
    /// `auto` or `2.3000.N`.
    pub version: String,
    /// Shown on the phone.
    pub device_name: String,
    /// One-time keys kept at the server.
    pub pre_keys: usize,
}

/// `[sessions]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionsConfig {
    /// Logins at once.
    pub start_concurrency: usize,
    /// Milliseconds.
    pub start_jitter_ms: u64,
    /// Seconds.
    pub ack_timeout: u64,
    /// Messages under way per device.
    pub in_flight: usize,
    /// Milliseconds.
    pub retry_first_ms: u64,
    /// Seconds.
    pub retry_longest: u64,
    /// Hours.
    pub max_age_hours: u64,
    /// Seconds.
    pub login_retry: u64,
}

/// `[pacing]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PacingConfig {
    /// 0 is no limit.
    pub messages_per_minute: u32,
    /// Messages.
    pub burst: u32,
    /// Percent.
    pub jitter_percent: u32,
    /// -1 is no limit.
    pub new_recipients_per_day: i64,
    /// `HH:MM-HH:MM`, or empty.
    pub quiet_hours: String,
    /// Milliseconds.
    pub typing_ms: u32,
    /// An IANA name.
    pub time_zone: String,
}

impl PacingConfig {
    /// As sessions keep it.
    ///
    /// # Errors
    /// The key that is not acceptable, and what it has to be.
    fn pacing(&self) -> Result<Pacing, (&'static str, String, &'static str)> {
        let quiet_hours = if self.quiet_hours.is_empty() {
            None
        } else {
            let parsed = self.quiet_hours.split_once('-').and_then(|(from, until)| {
                Some(QuietHours {
                    from: minute_of_day(from)?,
                    until: minute_of_day(until)?,
                })
            });
            let expected = "a part of the day like 22:00-07:00, or nothing";
            Some(parsed.ok_or(("pacing.quiet_hours", self.quiet_hours.clone(), expected))?)
        };
        let expected = "the IANA name of a time zone, e.g. Europe/Berlin";
        let unknown = ("pacing.time_zone", self.time_zone.clone(), expected);
        Ok(Pacing {
            per_minute: Some(self.messages_per_minute).filter(|rate| *rate > 0),
            burst: self.burst,
            jitter_percent: self.jitter_percent,
            new_recipients_per_day: u32::try_from(self.new_recipients_per_day).ok(),
            quiet_hours,
            typing: Duration::from_millis(self.typing_ms.into()),
            time_zone: self.time_zone.parse().map_err(|_unknown| unknown)?,
        })
    }
}

fn minute_of_day(text: &str) -> Option<u16> {
    let (hour, minute) = text.trim().split_once(':')?;
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    (hour < 24 && minute < 60).then_some(hour * 60 + minute)
}

/// `[messages]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MessagesConfig {
    /// Messages in one batch.
    pub batch_max: usize,
    /// Bytes.
    pub batch_body_limit: usize,
}

/// `[plans.NAME]`; 0 is no limit.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanConfig {
    /// Devices at a time.
    pub devices: u32,
    /// Messages accepted in a calendar month.
    pub messages_per_month: u64,
    /// Requests of one API key in a minute.
    pub requests_per_minute: u32,
    /// Messages in one batch.
    pub messages_per_batch: u32,
    /// Whether it may be used over the REST API.
    pub api: bool,
    /// Whether it may have webhooks.
    pub webhooks: bool,
}

impl PlanConfig {
    fn plan(self) -> Plan {
        Plan {
            devices: Some(self.devices).filter(|limit| *limit > 0),
            messages_per_month: Some(self.messages_per_month).filter(|limit| *limit > 0),
            requests_per_minute: Some(self.requests_per_minute).filter(|limit| *limit > 0),
            messages_per_batch: Some(self.messages_per_batch).filter(|limit| *limit > 0),
            api: self.api,
            webhooks: self.webhooks,
        }
    }
}

/// `[limits]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitsConfig {
    /// A minute; 0 is no limit.
    pub requests_per_address: u32,
    /// A minute; 0 is no limit.
    pub failures_per_address: u32,
}

/// `[registration]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistrationConfig {
    /// Whether anybody may register a workspace.
    pub enabled: bool,
    /// The name of its plan.
    pub plan: String,
}

/// `[idempotency]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdempotencyConfig {
    /// Hours.
    pub retention_hours: u64,
}

/// `[retention]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetentionConfig {
    /// Days; 0 for ever.
    pub messages_days: u64,
    /// Days; 0 for ever.
    pub events_days: u64,
    /// Days; 0 for ever.
    pub attempts_days: u64,
}

/// `[webhooks]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhooksConfig {
    /// Networks, addresses and names that may be sent to although they are not public.
    pub allow: Vec<String>,
    /// Whether `http` may be used.
    pub allow_http: bool,
    /// Whether an endpoint may be registered that does not answer the challenge.
    pub allow_unverified: bool,
    /// Empty for those of the system.
    pub nameservers: Vec<SocketAddr>,
    /// Deliveries under way per endpoint.
    pub concurrency: usize,
    /// Seconds.
    pub timeout: u64,
    /// Seconds.
    pub retry_seconds: Vec<u64>,
    /// Failures in a row.
    pub failures_before_rest: u32,
    /// Seconds.
    pub rest_longest: u64,
    /// Hours.
    pub give_up_hours: u64,
    /// Events per endpoint.
    pub most_waiting: usize,
}

impl WebhooksConfig {
    /// As deliveries keep it; `sandbox` when the network is simulated in this process.
    ///
    /// # Errors
    /// The key that is not acceptable, and what it has to be.
    fn deliveries(
        &self,
        sandbox: bool,
    ) -> Result<postern_webhooks::WebhooksConfig, (&'static str, String, &'static str)> {
        let loopback: &[&str] = if sandbox { &["127.0.0.0/8", "::1"] } else { &[] };
        let entries = self.allow.iter().map(String::as_str);
        let parse = |entry: &str| {
            let expected = "a list of networks like 10.0.0.0/8, addresses, and names of hosts";
            entry
                .parse()
                .map_err(|_not_allowable| ("webhooks.allow", entry.to_owned(), expected))
        };
        let rest_longest = Duration::from_secs(self.rest_longest);
        Ok(postern_webhooks::WebhooksConfig {
            allow: entries
                .chain(loopback.iter().copied())
                .map(parse)
                .collect::<Result<_, _>>()?,
            allow_http: self.allow_http || sandbox,
            name_servers: self.nameservers.clone(),
            concurrency: self.concurrency,
            timeout: Duration::from_secs(self.timeout),
            retries: postern_webhooks::Schedule::of_seconds(&self.retry_seconds),
            failures_before_rest: self.failures_before_rest,
            rest: (Duration::from_secs(5).min(rest_longest), rest_longest),
            give_up_after: Duration::from_hours(self.give_up_hours),
            most_waiting: self.most_waiting,
            ..postern_webhooks::WebhooksConfig::default()
        })
    }
}

impl WebhooksConfig {
    fn validate(&self) -> Result<(), ConfigError> {
        within("webhooks.concurrency", self.concurrency, 1, 256)?;
        within("webhooks.timeout", self.timeout, 1, 15)?;
        within("webhooks.retry_seconds", self.retry_seconds.len(), 1, 50)?;
        for seconds in &self.retry_seconds {
            within("webhooks.retry_seconds", *seconds, 0, 604_800)?;
        }
        within(
            "webhooks.failures_before_rest",
            self.failures_before_rest,
            1,
            1_000,
        )?;
        within("webhooks.rest_longest", self.rest_longest, 1, 3_600)?;
        within("webhooks.give_up_hours", self.give_up_hours, 1, 720)?;
        within("webhooks.most_waiting", self.most_waiting, 100, 100_000)
    }
}

/// `[sandbox]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SandboxConfig {
    /// Start it in this process.
    pub enabled: bool,
    /// Where it listens.
    pub listen: SocketAddr,
}

/// What flags say; each wins over every other source.
#[derive(Debug, Clone, Default)]
pub struct Overrides(HashMap<&'static str, String>);

impl Overrides {
    /// Sets `key`, e.g. `server.listen`, when there is a value.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: Option<impl ToString>) -> Self {
        if let Some(value) = value {
            self.0.insert(key, value.to_string());
        }
        self
    }
}

/// The settings cannot be used; the message says which key and what it may be.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A source cannot be read, or a value has the wrong type.
    #[error("configuration: {0}")]
    Read(#[from] config::ConfigError),
    /// A value is out of its range.
    #[error("configuration: {key} is {value}, expected {expected}")]
    Range {
        /// Which key.
        key: &'static str,
        /// What it is.
        value: String,
        /// What it may be.
        expected: String,
    },
}

impl Config {
    /// Reads defaults, `file`, `environment` (names and values as the process has them) and `overrides`, in this
    /// order, and validates the result.
    ///
    /// # Errors
    /// A source cannot be read, a key is unknown, or a value is of the wrong type or out of its range.
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
        overrides: Overrides,
    ) -> Result<Self, ConfigError> {
        // Only names with a section are keys; POSTERN_API_KEY and the like belong to commands.
        let keys = environment
            .into_iter()
            .filter(|(name, _)| name.starts_with("POSTERN_") && name.contains("__"))
            .collect();
        let variables = Environment::with_prefix("POSTERN")
            .prefix_separator("_")
            .separator("__")
            .try_parsing(true)
            .list_separator(",")
            .with_list_parse_key("webhooks.allow")
            .with_list_parse_key("webhooks.nameservers")
            .with_list_parse_key("webhooks.retry_seconds")
            .source(Some(keys));
        let mut sources = config::Config::builder().add_source(File::from_str(DEFAULTS, FileFormat::Toml));
        if let Some(path) = file {
            sources = sources.add_source(File::from(path).format(FileFormat::Toml));
        }
        sources = sources.add_source(variables);
        for (key, value) in overrides.0 {
            sources = sources.set_override(key, value)?;
        }
        let settings: Self = sources.build()?.try_deserialize()?;
        settings.validate()?;
        Ok(settings)
    }

    /// How fast a device may send that has no pacing of its own. It was validated when the settings were read.
    #[must_use]
    pub fn default_pacing(&self) -> Pacing {
        self.pacing.pacing().unwrap_or(Pacing::OFF)
    }

    /// The plans by their names.
    #[must_use]
    pub fn plans(&self) -> BTreeMap<String, Plan> {
        let plans = self.plans.iter();
        plans.map(|(name, plan)| (name.clone(), plan.plan())).collect()
    }

    /// How deliveries to webhooks are made. It was validated when the settings were read.
    #[must_use]
    pub fn webhook_deliveries(&self) -> postern_webhooks::WebhooksConfig {
        self.webhooks.deliveries(self.sandbox.enabled).unwrap_or_default()
    }

    fn validate(&self) -> Result<(), ConfigError> {
        within("server.workers", self.server.workers, 0, 512)?;
        within(
            "server.body_limit",
            self.server.body_limit,
            1024,
            16 * 1024 * 1024,
        )?;
        within("server.max_streams", self.server.max_streams, 1, 100_000)?;
        within("server.drain", self.server.drain, 0, 300)?;
        within("server.shutdown_timeout", self.server.shutdown_timeout, 1, 300)?;
        let mut proxies = self.server.trusted_proxies.split([',', ' ']);
        if let Some(wrong) = proxies.find(|text| !text.is_empty() && network(text).is_none()) {
            return Err(ConfigError::Range {
                key: "server.trusted_proxies",
                value: wrong.to_owned(),
                expected: "addresses and networks like 10.0.0.0/8".to_owned(),
            });
        }
        if !self.plans.contains_key(&self.registration.plan) {
            let names: Vec<_> = self.plans.keys().map(String::as_str).collect();
            return Err(ConfigError::Range {
                key: "registration.plan",
                value: self.registration.plan.clone(),
                expected: format!("one of {}", names.join(", ")),
            });
        }
        within("dashboard.idle_hours", self.dashboard.idle_hours, 1, 720)?;
        within("dashboard.absolute_days", self.dashboard.absolute_days, 1, 365)?;
        within("dashboard.setup_minutes", self.dashboard.setup_minutes, 1, 1_440)?;
        within("dashboard.streams", self.dashboard.streams, 1, 10_000)?;
        within("data.readers", self.data.readers, 1, 64)?;
        within("data.write_queue", self.data.write_queue, 16, 65_536)?;
        within("whatsapp.pre_keys", self.whatsapp.pre_keys, 5, 812)?;
        within(
            "sessions.start_concurrency",
            self.sessions.start_concurrency,
            1,
            1000,
        )?;
        within(
            "sessions.start_jitter_ms",
            self.sessions.start_jitter_ms,
            0,
            60_000,
        )?;
        within("sessions.ack_timeout", self.sessions.ack_timeout, 5, 300)?;
        within("sessions.in_flight", self.sessions.in_flight, 1, 1024)?;
        within(
            "sessions.retry_first_ms",
            self.sessions.retry_first_ms,
            100,
            60_000,
        )?;
        within("sessions.retry_longest", self.sessions.retry_longest, 1, 3600)?;
        within("sessions.max_age_hours", self.sessions.max_age_hours, 1, 720)?;
        within("sessions.login_retry", self.sessions.login_retry, 60, 86_400)?;
        within(
            "messages.batch_max",
            self.messages.batch_max,
            1,
            ApiConfig::MOST_PER_BATCH,
        )?;
        within(
            "messages.batch_body_limit",
            self.messages.batch_body_limit,
            1024,
            64 * 1024 * 1024,
        )?;
        within(
            "idempotency.retention_hours",
            self.idempotency.retention_hours,
            24,
            720,
        )?;
        within(
            "pacing.messages_per_minute",
            self.pacing.messages_per_minute,
            0,
            6_000,
        )?;
        within("pacing.burst", self.pacing.burst, 1, 1_000)?;
        within("pacing.jitter_percent", self.pacing.jitter_percent, 0, 200)?;
        within(
            "pacing.new_recipients_per_day",
            self.pacing.new_recipients_per_day,
            -1,
            1_000_000,
        )?;
        within("pacing.typing_ms", self.pacing.typing_ms, 0, 10_000)?;
        within("retention.messages_days", self.retention.messages_days, 0, 36_500)?;
        within("retention.events_days", self.retention.events_days, 0, 36_500)?;
        within("retention.attempts_days", self.retention.attempts_days, 0, 36_500)?;
        self.webhooks.validate()?;
        self.metrics.validate()?;
        let refuse = |key, value: &str, expected: &str| {
            Err(ConfigError::Range {
                key,
                value: format!("\"{value}\""),
                expected: expected.to_owned(),
            })
        };
        if let Err((key, value, expected)) = self.pacing.pacing() {
            return refuse(key, &value, expected);
        }
        if let Err((key, value, expected)) = self.webhooks.deliveries(false) {
            return refuse(key, &value, expected);
        }
        if !(1..=50).contains(&self.whatsapp.device_name.chars().count()) {
            return refuse(
                "whatsapp.device_name",
                &self.whatsapp.device_name,
                "1 to 50 characters",
            );
        }
        if self.whatsapp.version != "auto" && self.whatsapp.fixed_version().is_none() {
            return refuse(
                "whatsapp.version",
                &self.whatsapp.version,
                "\"auto\" or three numbers like 2.3000.1234567890",
            );
        }
        let url = &self.whatsapp.url;
        let well_formed =
            url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "ws" | "wss") && url.has_host());
        if !url.is_empty() && !well_formed {
            return refuse("whatsapp.url", url, "nothing, or a ws:// or wss:// address");
        }
        if !self.sandbox.listen.ip().is_loopback() {
            return refuse(
                "sandbox.listen",
                &self.sandbox.listen.to_string(),
                "a loopback address like 127.0.0.1:8490",
            );
        }
        Ok(())
    }
}

impl WhatsAppConfig {
    /// The version, when one is fixed.
    #[must_use]
    pub fn fixed_version(&self) -> Option<(u32, u32, u32)> {
        let mut parts = self.version.split('.').map(str::parse);
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(Ok(major)), Some(Ok(minor)), Some(Ok(patch)), None) => Some((major, minor, patch)),
            _ => None,
        }
    }
}

fn within<T: PartialOrd + std::fmt::Display>(
    key: &'static str,
    value: T,
    least: T,
    most: T,
) -> Result<(), ConfigError> {
    if value >= least && value <= most {
        return Ok(());
    }
    Err(ConfigError::Range {
        key,
        value: value.to_string(),
        expected: format!("{least} to {most}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(environment: &[(&str, &str)]) -> Result<Config, String> {
        let environment = environment
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Config::load(None, environment, Overrides::default()).map_err(|error| error.to_string())
    }

    #[test]
    fn the_defaults_are_valid() {
        let config = load(&[]).expect("valid");
        assert_eq!(config.server.listen.to_string(), "127.0.0.1:8480");
        assert_eq!(config.whatsapp.fixed_version(), None);
    }

    #[test]
    fn the_environment_wins_over_defaults_and_flags_over_both() {
        let environment = [
            ("POSTERN_SERVER__LISTEN", "127.0.0.1:1"),
            ("POSTERN_DATA__READERS", "7"),
        ];
        let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let flags = Overrides::default().with("server.listen", Some("127.0.0.1:2"));
        let config = Config::load(None, environment, flags).expect("valid");
        assert_eq!(config.server.listen.port(), 2);
        assert_eq!(config.data.readers, 7);
    }

    #[test]
    fn lists_are_told_by_commas_and_a_sandbox_allows_loopback() {
        let config = load(&[
            ("POSTERN_WEBHOOKS__ALLOW", "10.0.0.0/8,hooks.internal"),
            ("POSTERN_WEBHOOKS__NAMESERVERS", "192.0.2.53:53"),
            ("POSTERN_WEBHOOKS__RETRY_SECONDS", "1,2"),
        ]);
        let mut config = config.expect("valid");
        let deliveries = config.webhook_deliveries();
        assert_eq!((deliveries.allow.len(), deliveries.name_servers.len()), (2, 1));
        assert_eq!(
            deliveries.retries,
            postern_webhooks::Schedule::of_seconds(&[1, 2])
        );
        assert!(!deliveries.allow_http);
        config.sandbox.enabled = true;
        let deliveries = config.webhook_deliveries();
        assert!(deliveries.allow_http && deliveries.allow.len() == 4);
    }

    #[test]
    fn the_default_schedule_is_that_of_the_deliveries() {
        let config = load(&[]).expect("valid");
        assert_eq!(
            config.webhook_deliveries().retries,
            postern_webhooks::Schedule::default()
        );
    }

    #[test]
    fn variables_of_commands_are_not_keys() {
        load(&[
            ("POSTERN_API_KEY", "x"),
            ("POSTERN_BOOTSTRAP_API_KEY", "y"),
            ("HOME", "/"),
        ])
        .expect("valid");
    }

    #[test]
    fn mistakes_name_the_key() {
        let cases = [
            ("POSTERN_SERVER__LISTEN", "nowhere", "server.listen"),
            ("POSTERN_SERVER__LISTN", "127.0.0.1:1", "listn"),
            (
                "POSTERN_DATA__READERS",
                "0",
                "data.readers is 0, expected 1 to 64",
            ),
            ("POSTERN_DATA__READERS", "many", "data.readers"),
            ("POSTERN_WHATSAPP__VERSION", "two", "whatsapp.version"),
            ("POSTERN_WHATSAPP__URL", "http://example.com", "whatsapp.url"),
            ("POSTERN_WHATSAPP__DEVICE_NAME", "", "whatsapp.device_name"),
            ("POSTERN_SANDBOX__LISTEN", "0.0.0.0:1", "sandbox.listen"),
            (
                "POSTERN_SERVER__TRUSTED_PROXIES",
                "10.0.0.0/8, me",
                "proxies is me",
            ),
            ("POSTERN_PLANS__FREE__DEVICES", "some", "plans.free.devices"),
            ("POSTERN_PLANS__MINE__DEVICES", "1", "missing"),
            ("POSTERN_REGISTRATION__PLAN", "none", "registration.plan is none"),
            ("POSTERN_LOG__FORMAT", "xml", "log.format"),
            (
                "POSTERN_SERVER__TRUSTED_PROXIES",
                "10.0.0.0/8, nowhere",
                "server.trusted_proxies",
            ),
            ("POSTERN_DASHBOARD__STREAMS", "0", "dashboard.streams"),
            (
                "POSTERN_MESSAGES__BATCH_MAX",
                "5001",
                "messages.batch_max is 5001, expected 1 to 5000",
            ),
            (
                "POSTERN_WEBHOOKS__ALLOW",
                "10.0.0.0/8,*.example",
                "webhooks.allow",
            ),
            ("POSTERN_WEBHOOKS__NAMESERVERS", "nowhere", "webhooks.nameservers"),
            (
                "POSTERN_WEBHOOKS__RETRY_SECONDS",
                "5,604801",
                "webhooks.retry_seconds is 604801",
            ),
            (
                "POSTERN_WEBHOOKS__TIMEOUT",
                "0",
                "webhooks.timeout is 0, expected 1 to 15",
            ),
        ];
        for (name, value, expected) in cases {
            let error = load(&[(name, value)]).expect_err(name);
            assert!(error.contains(expected), "{name}={value}: {error}");
        }
    }

    #[test]
    fn every_default_is_commented() {
        let mut commented = false;
        for line in DEFAULTS.lines() {
            let line = line.trim();
            if line.contains(" = ") && !line.starts_with('#') {
                assert!(commented, "no comment above: {line}");
            }
            commented = line.starts_with('#');
        }
    }
}
