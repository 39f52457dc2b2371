//! Deliveries to webhooks: `[webhooks]`.

use std::fmt::Formatter;
use std::net::SocketAddr;
use std::time::Duration;

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{ConfigError, refused, within};

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
    /// Seconds. A variable of the environment that is one number is a list of one.
    #[serde(deserialize_with = "one_or_more")]
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
    /// What is allowed cannot be read.
    pub(super) fn deliveries(&self, sandbox: bool) -> Result<postern_webhooks::WebhooksConfig, ConfigError> {
        let loopback: &[&str] = if sandbox { &["127.0.0.0/8", "::1"] } else { &[] };
        let entries = self.allow.iter().map(String::as_str);
        let parse = |entry: &str| {
            let expected = "a list of networks like 10.0.0.0/8, addresses, and names of hosts";
            entry
                .parse()
                .map_err(|_not_allowable| refused("webhooks.allow", entry, expected))
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

    pub(super) fn validate(&self) -> Result<(), ConfigError> {
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
        within("webhooks.most_waiting", self.most_waiting, 100, 100_000)?;
        self.deliveries(false).map(drop)
    }
}

fn one_or_more<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u64>, D::Error> {
    struct Numbers;

    impl<'de> Visitor<'de> for Numbers {
        type Value = Vec<u64>;

        fn expecting(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
            formatter.write_str("a list of numbers")
        }

        fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
            let number = number.try_into();
            Ok(vec![number.map_err(|_negative| E::custom("a negative number"))?])
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
            std::iter::from_fn(|| elements.next_element().transpose()).collect()
        }
    }

    deserializer.deserialize_any(Numbers)
}
