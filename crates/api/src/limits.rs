//! How often a key may ask, and an address: buckets that refill evenly within a minute.
//!
//! Buckets are kept in memory, for those who asked lately only: one that has filled up again is forgotten within a minute,
//! and so is that of a key that was revoked. A restart fills them. Those of addresses are bounded by number; those of keys
//! by the keys that are stored, because nobody else gets as far.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use governor::clock::{Clock as _, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use postern_domain::{ApiKeyId, Plan};
use postern_runtime::Stop;

use crate::errors::{ApiError, ErrorCode};

/// How many addresses have a bucket of their own; when there are as many, all share one.
const MOST_ADDRESSES: usize = 100_000;
/// How many workspaces an address may register in a minute.
const REGISTRATIONS: u32 = 5;
/// How often the buckets are forgotten that have filled up again.
const TIDY_EVERY: Duration = Duration::from_secs(60);

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// The buckets of the API.
#[derive(Debug)]
pub(crate) struct Limits {
    /// By how many requests a minute there are.
    keys: BTreeMap<u32, Buckets<ApiKeyId>>,
    requests: Option<Buckets<IpAddr>>,
    failures: Option<Buckets<IpAddr>>,
    registrations: Option<Buckets<IpAddr>>,
    /// Addresses that have failed too often, and until when they are not listened to.
    blocked: Mutex<HashMap<IpAddr, Instant>>,
    /// Whether there are any: almost always none, and then nobody waits for the lock.
    any_blocked: AtomicBool,
}

/// What is left in the bucket of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Left {
    limit: u32,
    remaining: u32,
    /// Until it is full again.
    reset: Duration,
}

impl Left {
    /// Writes it where callers read it.
    pub(crate) fn write(self, headers: &mut HeaderMap) {
        headers.insert(LIMIT, HeaderValue::from(self.limit));
        headers.insert(REMAINING, HeaderValue::from(self.remaining));
        headers.insert(RESET, HeaderValue::from(whole_seconds(self.reset).as_secs()));
    }
}

impl Limits {
    /// For keys on these plans. An address may ask `requests` times a minute, and fail to show a valid key `failures` times;
    /// 0 is no limit.
    pub(crate) fn new<'a>(plans: impl Iterator<Item = &'a Plan>, requests: u32, failures: u32) -> Self {
        let rates = plans.filter_map(|plan| plan.requests_per_minute);
        Self {
            keys: rates
                .filter_map(|rate| Some((rate, Buckets::new(rate)?)))
                .collect(),
            requests: Buckets::new(requests),
            failures: Buckets::new(failures),
            registrations: Buckets::new(REGISTRATIONS),
            blocked: Mutex::default(),
            any_blocked: AtomicBool::new(false),
        }
    }

    /// Takes one request from the bucket of a key, where its plan has a limit. What is left is answered whether there was
    /// one or not.
    pub(crate) fn take(&self, key: ApiKeyId, plan: Option<&Plan>) -> (Option<Left>, Result<(), ApiError>) {
        let rate = plan.and_then(|plan| plan.requests_per_minute);
        let Some(buckets) = rate.and_then(|rate| self.keys.get(&rate)) else {
            return (None, Ok(()));
        };
        let (left, taken) = buckets.take(&key);
        let limit = left.limit;
        let refused = |wait| limited(format!("the plan allows {limit} requests a minute"), wait);
        (Some(left), taken.map_err(refused))
    }

    /// Takes one request from the bucket of an address, whoever asks.
    ///
    /// # Errors
    /// There was none, or the address has failed too often.
    pub(crate) fn admit(&self, address: IpAddr) -> Result<(), ApiError> {
        let place = place(address);
        if self.any_blocked.load(Ordering::Relaxed) {
            let blocked = self.blocked.lock().unwrap_or_else(PoisonError::into_inner);
            let until = blocked.get(&place).copied();
            drop(blocked);
            let wait = until.map_or(Duration::ZERO, |until| {
                until.saturating_duration_since(Instant::now())
            });
            if !wait.is_zero() {
                let why = "this address has sent too many requests without a valid API key".to_owned();
                return Err(limited(why, wait));
            }
        }
        let Some(requests) = &self.requests else {
            return Ok(());
        };
        let why = || "this address has sent too many requests".to_owned();
        requests
            .take_of_address(place)
            .map_err(|wait| limited(why(), wait))
    }

    /// Notes that an address showed no valid key.
    pub(crate) fn failed(&self, address: IpAddr) {
        let place = place(address);
        let Some(Err(wait)) = self
            .failures
            .as_ref()
            .map(|failures| failures.take_of_address(place))
        else {
            return;
        };
        let mut blocked = self.blocked.lock().unwrap_or_else(PoisonError::into_inner);
        if blocked.len() < MOST_ADDRESSES {
            blocked.insert(place, Instant::now() + wait);
            self.any_blocked.store(true, Ordering::Relaxed);
        }
    }

    /// # Errors
    /// The address has registered as many workspaces as it may.
    pub(crate) fn register(&self, address: IpAddr) -> Result<(), ApiError> {
        let buckets = self.registrations.as_ref();
        let taken = buckets.map_or(Ok(()), |buckets| buckets.take_of_address(place(address)));
        let why = || "this address has registered too many workspaces".to_owned();
        taken.map_err(|wait| limited(why(), wait))
    }

    /// Forgets every bucket that is full: an unknown one is as good.
    fn tidy(&self) {
        self.keys.values().for_each(Buckets::tidy);
        for buckets in [&self.requests, &self.failures, &self.registrations] {
            buckets.iter().for_each(Buckets::tidy);
        }
        let mut blocked = self.blocked.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        blocked.retain(|_, until| *until > now);
        blocked.shrink_to_fit();
        self.any_blocked.store(!blocked.is_empty(), Ordering::Relaxed);
    }

    /// Keeps memory bounded, until told to stop.
    pub(crate) async fn keep_tidy(&self, stop: Stop) {
        loop {
            tokio::select! {
                () = stop.pulled() => return,
                () = tokio::time::sleep(TIDY_EVERY) => self.tidy(),
            }
        }
    }
}

/// One bucket for each of those who ask.
#[derive(Debug)]
struct Buckets<K: Hash + Eq + Clone> {
    rate: NonZeroU32,
    limiter: RateLimiter<K, HashMapStateStore<K>, DefaultClock, StateInformationMiddleware>,
}

impl<K: Hash + Eq + Clone> Buckets<K> {
    /// So many a minute; `None` for 0, which is no limit.
    fn new(rate: u32) -> Option<Self> {
        let rate = NonZeroU32::new(rate)?;
        let limiter = RateLimiter::hashmap(Quota::per_minute(rate));
        Some(Self {
            rate,
            limiter: limiter.with_middleware(),
        })
    }

    /// Takes one; what is left, and how long to wait when there was none.
    fn take(&self, key: &K) -> (Left, Result<(), Duration>) {
        let limit = self.rate.get();
        let (remaining, taken) = match self.limiter.check_key(key) {
            Ok(state) => (state.remaining_burst_capacity(), Ok(())),
            Err(refused) => (0, Err(refused.wait_time_from(self.limiter.clock().now()))),
        };
        let left = Left {
            limit,
            remaining,
            reset: Duration::from_secs(60) * limit.saturating_sub(remaining) / limit,
        };
        (left, taken)
    }

    fn tidy(&self) {
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
    }
}

impl Buckets<IpAddr> {
    fn take_of_address(&self, address: IpAddr) -> Result<(), Duration> {
        let is_full = self.limiter.len() >= MOST_ADDRESSES;
        let shared = IpAddr::from(Ipv6Addr::UNSPECIFIED);
        self.take(if is_full { &shared } else { &address }).1
    }
}

/// Who has one address of IPv6 has its network of 2^64.
fn place(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
    }
}

fn limited(why: String, wait: Duration) -> ApiError {
    let wait = whole_seconds(wait);
    let message = format!("{why}; ask again in {} s", wait.as_secs());
    ApiError::new(ErrorCode::RateLimited, message).retry_after(wait)
}

/// Rounded up, and at least one: who asks again too early is refused again.
fn whole_seconds(wait: Duration) -> Duration {
    Duration::from_secs(
        wait.as_millis()
            .div_ceil(1_000)
            .try_into()
            .unwrap_or(u64::MAX)
            .max(1),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect(text)
    }

    #[test]
    fn a_key_has_a_bucket_of_its_plans_size() {
        let plan = Plan {
            requests_per_minute: Some(2),
            ..Plan::UNLIMITED
        };
        let limits = Limits::new([&plan, &Plan::UNLIMITED].into_iter(), 0, 0);
        let (key, other) = (ApiKeyId::generate(), ApiKeyId::generate());
        for (remaining, granted) in [(1, true), (0, true), (0, false)] {
            let (left, taken) = limits.take(key, Some(&plan));
            let left = left.expect("a limit");
            assert_eq!(
                (left.limit, left.remaining, taken.is_ok()),
                (2, remaining, granted)
            );
        }
        let (left, taken) = limits.take(other, Some(&plan));
        assert_eq!((left.map(|left| left.remaining), taken.is_ok()), (Some(1), true));
        for plan in [None, Some(&Plan::UNLIMITED)] {
            let (left, taken) = limits.take(key, plan);
            assert_eq!((left, taken.is_ok()), (None, true));
        }
    }

    #[test]
    fn an_address_is_counted_with_its_network_and_blocked_when_it_fails_too_often() {
        let limits = Limits::new([].into_iter(), 0, 1);
        let attacker = ip("2001:db8::1");
        limits.failed(attacker);
        assert!(limits.admit(attacker).is_ok());
        limits.failed(attacker);
        for address in ["2001:db8::1", "2001:db8::ffff:2"] {
            let refused = limits.admit(ip(address)).expect_err("blocked");
            assert_eq!(refused.code(), ErrorCode::RateLimited);
        }
        assert!(limits.admit(ip("2001:db8:0:1::1")).is_ok());
        assert!(limits.admit(ip("203.0.113.7")).is_ok());
        limits.tidy();
        assert!(
            limits.admit(attacker).is_err(),
            "what is not full is not forgotten"
        );

        let limits = Limits::new([].into_iter(), 1, 0);
        assert!(limits.admit(attacker).is_ok() && limits.admit(attacker).is_err());
        limits.failed(attacker);
    }

    #[test]
    fn a_million_addresses_leave_memory_bounded() {
        let limits = Limits::new([].into_iter(), 1, 1);
        for number in 0..1_000_000_u32 {
            let address = IpAddr::from(number.to_be_bytes());
            drop(limits.admit(address));
            limits.failed(address);
            drop(limits.register(address));
        }
        for buckets in [&limits.requests, &limits.failures, &limits.registrations] {
            let buckets = buckets.as_ref().expect("a limit");
            assert!(
                buckets.limiter.len() <= MOST_ADDRESSES + 1,
                "{}",
                buckets.limiter.len()
            );
        }
        let blocked = limits.blocked.lock().expect("no panic").len();
        assert!((1..=MOST_ADDRESSES).contains(&blocked), "{blocked}");
    }

    #[test]
    fn a_key_that_is_not_used_costs_nothing() {
        let plan = Plan {
            requests_per_minute: Some(60_000),
            ..Plan::UNLIMITED
        };
        let limits = Limits::new([&plan].into_iter(), 0, 0);
        for _ in 0..1_000 {
            assert!(limits.take(ApiKeyId::generate(), Some(&plan)).1.is_ok());
        }
        // Each bucket is full again after a millisecond, and then nobody needs it.
        let begun = Instant::now();
        while !limits.keys.values().all(|buckets| buckets.limiter.is_empty()) {
            assert!(begun.elapsed() < Duration::from_secs(180), "buckets stay");
            limits.tidy();
        }
    }

    #[test]
    fn waits_are_rounded_up() {
        for (millis, seconds) in [(0, 1), (1, 1), (1_000, 1), (1_001, 2)] {
            assert_eq!(whole_seconds(Duration::from_millis(millis)).as_secs(), seconds);
        }
    }
}
