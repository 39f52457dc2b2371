//! How an endpoint is: what it takes until it is left alone, for how long, and until it is disabled.
//!
//! After so many failures in a row the endpoint rests, and one event alone finds out whether it is back. While it is not,
//! the rests grow; nothing else is sent, read or stored for it meanwhile.

use std::time::Duration;

use postern_domain::Timestamp;
use postern_domain::webhook::AttemptOutcome;
use postern_store::{EndpointHealth, Webhook};

use crate::config::WebhooksConfig;
use crate::schedule::jittered;

/// How an endpoint is, and how it came to that.
#[derive(Debug)]
pub(super) struct Health {
    stored: EndpointHealth,
    /// How many rests there were in a row.
    rests: u32,
}

impl Health {
    /// As it was stored.
    pub(super) fn of(webhook: &Webhook, config: &WebhooksConfig) -> Self {
        Self {
            stored: EndpointHealth {
                failing_since: webhook.failing_since,
                failures: webhook.failures,
                rest_until: webhook.rest_until,
                last_success_at: webhook.last_success_at,
                last_failure_at: webhook.last_failure_at,
            },
            rests: webhook.failures.saturating_sub(config.failures_before_rest),
        }
    }

    pub(super) fn stored(&self) -> EndpointHealth {
        self.stored
    }

    /// Until when it is left alone.
    pub(super) fn rests_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.stored.rest_until.filter(|until| *until > now)
    }

    /// Whether one event alone is to find out how it is.
    pub(super) fn is_doubtful(&self) -> bool {
        self.stored.rest_until.is_some()
    }

    /// Takes note of a try that ended now.
    pub(super) fn note(&mut self, outcome: &AttemptOutcome, now: Timestamp, config: &WebhooksConfig) {
        if outcome.failure.is_none() {
            *self = Self {
                stored: EndpointHealth {
                    last_success_at: Some(now),
                    last_failure_at: self.stored.last_failure_at,
                    ..EndpointHealth::default()
                },
                rests: 0,
            };
            return;
        }
        let stored = &mut self.stored;
        stored.failing_since.get_or_insert(now);
        stored.last_failure_at = Some(now);
        stored.failures = stored.failures.saturating_add(1);
        let mut rest = outcome.retry_after;
        // Those that were under way when the rest began say nothing new.
        let rests_already = stored.rest_until.is_some_and(|until| until > now);
        if stored.failures >= config.failures_before_rest && !rests_already {
            let (first, longest) = config.rest;
            let doubled = first.saturating_mul(1 << self.rests.min(16));
            self.rests = self.rests.saturating_add(1);
            rest = rest.max(Some(jittered(doubled.min(longest))));
        }
        if let Some(until) = rest
            .filter(|rest| *rest > Duration::ZERO)
            .map(|rest| now.after(rest))
        {
            stored.rest_until = stored.rest_until.max(Some(until));
        }
    }

    /// Whether it has done nothing but fail for too long.
    pub(super) fn is_hopeless(&self, now: Timestamp, config: &WebhooksConfig) -> bool {
        let since = self.stored.failing_since;
        since.is_some_and(|since| now.since(since) >= config.give_up_after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use postern_domain::webhook::AttemptFailure;

    fn tried(failure: Option<AttemptFailure>, retry_after: Option<u64>) -> AttemptOutcome {
        AttemptOutcome {
            at: Timestamp::from_millis(0),
            duration: Duration::ZERO,
            status: None,
            failure,
            excerpt: Vec::new(),
            retry_after: retry_after.map(Duration::from_secs),
        }
    }

    fn fresh() -> Health {
        Health {
            stored: EndpointHealth::default(),
            rests: 0,
        }
    }

    #[test]
    fn rests_begin_after_failures_in_a_row_grow_to_five_minutes_and_end_with_a_success() {
        let (config, failed) = (
            WebhooksConfig::default(),
            tried(Some(AttemptFailure::Status), None),
        );
        let (mut health, mut now) = (fresh(), Timestamp::from_millis(1_000));
        for _ in 1..config.failures_before_rest {
            health.note(&failed, now, &config);
            assert!(!health.is_doubtful());
        }
        let mut rests = Vec::new();
        for _ in 0..8 {
            health.note(&failed, now, &config);
            let until = health.rests_until(now).expect("a rest");
            // One that was under way meanwhile.
            health.note(&failed, now, &config);
            assert_eq!(health.rests_until(now), Some(until));
            rests.push(until.since(now).as_secs_f64());
            now = until;
            assert!(health.rests_until(now).is_none() && health.is_doubtful());
        }
        for (rest, expected) in rests
            .iter()
            .zip([5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 300.0, 300.0])
        {
            assert!((rest / expected - 1.0).abs() <= 0.21, "{rests:?}");
        }
        health.note(&tried(None, None), now, &config);
        assert!(!health.is_doubtful());
        assert_eq!(health.stored().failures, 0);
        assert_eq!(health.stored().failing_since, None);
    }

    #[test]
    fn a_request_to_be_left_alone_is_a_rest_at_once() {
        let (config, now) = (WebhooksConfig::default(), Timestamp::from_millis(1_000));
        let mut health = fresh();
        health.note(&tried(Some(AttemptFailure::Status), Some(90)), now, &config);
        assert_eq!(health.rests_until(now), Some(now.after(Duration::from_secs(90))));
    }

    #[test]
    fn days_of_nothing_but_failures_are_enough() {
        let config = WebhooksConfig::default();
        let (mut health, start) = (fresh(), Timestamp::from_millis(1_000));
        let failed = tried(Some(AttemptFailure::Timeout), None);
        health.note(&failed, start, &config);
        let almost = start.after(config.give_up_after - Duration::from_secs(1));
        health.note(&failed, almost, &config);
        assert!(!health.is_hopeless(almost, &config));
        assert!(health.is_hopeless(start.after(config.give_up_after), &config));
        health.note(&tried(None, None), almost, &config);
        assert!(!health.is_hopeless(start.after(config.give_up_after), &config));
    }
}
