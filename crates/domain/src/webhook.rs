//! Webhook endpoints: what the gateway asks of them, and how a try to reach one ends.

mod checks;
mod secret;

use std::time::Duration;

use async_trait::async_trait;

pub use self::checks::{EVERY_TYPE, WebhookChecks, not_a_type};
pub use self::secret::WebhookSecret;
use crate::{Event, EventType, Timestamp};

/// How many characters of an endpoint's answer are repeated.
const REPEATED: usize = 200;

/// Which types of events an endpoint wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventTypes(Option<u64>);

impl EventTypes {
    /// Every type, also those of later releases.
    pub const ALL: Self = Self(None);

    /// These types.
    pub fn only(types: impl IntoIterator<Item = EventType>) -> Self {
        Self(Some(types.into_iter().fold(0, |bits, kind| bits | bit(kind))))
    }

    /// Whether events of this type are wanted.
    #[must_use]
    pub fn include(self, kind: EventType) -> bool {
        self.0.is_none_or(|bits| bits & bit(kind) != 0)
    }

    /// The stored form: a bit for the number of each type, nothing when all are wanted.
    #[must_use]
    pub const fn bits(self) -> Option<u64> {
        self.0
    }

    /// The inverse of [`Self::bits`].
    #[must_use]
    pub const fn from_bits(bits: Option<u64>) -> Self {
        Self(bits)
    }
}

fn bit(kind: EventType) -> u64 {
    1 << kind.number()
}

/// Where and how an endpoint is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookTarget {
    /// An absolute `https` or `http` URL.
    pub url: String,
    /// Sent with every request, after the gateway's own.
    pub headers: Vec<(String, String)>,
    /// The live secrets, newest first: one, or two while the secret is being rotated.
    pub secrets: Vec<WebhookSecret>,
}

macro_rules! attempt_failures {
    ($($variant:ident = $number:literal, $name:literal, $meaning:literal;)*) => {
        /// Why a try to reach an endpoint was no success. The names are part of the API; the numbers are stored.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum AttemptFailure {
            $(
                #[doc = $meaning]
                $variant = $number,
            )*
        }

        impl AttemptFailure {
            /// Every failure.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The name the API uses.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// What it means and what to do, in a sentence or two for the operator.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning),* }
            }

            /// The number that is stored.
            #[must_use]
            pub const fn number(self) -> u8 {
                self as u8
            }

            /// The inverse of [`Self::number`].
            #[must_use]
            pub fn from_number(number: u8) -> Option<Self> {
                Self::ALL.iter().copied().find(|failure| failure.number() == number)
            }
        }
    };
}

attempt_failures! {
    Status = 1, "status", "The endpoint answered with another status than 2xx.";
    Redirect = 2, "redirect", "The endpoint answered with a redirect, which is not followed. Register the final URL.";
    Timeout = 3, "timeout", "No complete answer came in time. Answer first and work afterwards.";
    Dns = 4, "dns", "The host's name could not be looked up.";
    Connect = 5, "connect", "No connection could be made.";
    Tls = 6, "tls", "The endpoint's certificate or its TLS is not acceptable.";
    Blocked = 7, "blocked", "The target is an address that the configuration does not allow.";
    Broken = 8, "broken", "The connection ended in the middle, or the answer was not HTTP.";
    Challenge = 9, "challenge", "The endpoint did not echo the token of the challenge.";
}

/// Why nothing is delivered to an endpoint. The numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum DisableReason {
    /// Somebody disabled it.
    Operator = 1,
    /// It answered 410.
    Gone = 2,
    /// Every try failed for too long.
    Failing = 3,
}

impl DisableReason {
    /// Every reason.
    pub const ALL: [Self; 3] = [Self::Operator, Self::Gone, Self::Failing];

    /// The name the API and the event use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Gone => "gone",
            Self::Failing => "failing",
        }
    }

    /// What it means and what to do, in a sentence or two for the operator.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Operator => "It was disabled by request.",
            Self::Gone => "The endpoint answered 410 Gone: it wants no more events.",
            Self::Failing => {
                "Nothing but failures for days. Repair the endpoint, then enable it: it goes on where it stood."
            }
        }
    }

    /// The number that is stored.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The inverse of [`Self::number`].
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.number() == number)
    }
}

/// How a try to reach an endpoint ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptOutcome {
    /// When it began.
    pub at: Timestamp,
    /// How long it took.
    pub duration: Duration,
    /// The status of the answer, when one came.
    pub status: Option<u16>,
    /// Why it was no success; `None` when it was.
    pub failure: Option<AttemptFailure>,
    /// The beginning of the answer's body when it was no success, at most 4 KiB.
    pub excerpt: Vec<u8>,
    /// For how long the endpoint asked to be left alone.
    pub retry_after: Option<Duration>,
}

impl AttemptOutcome {
    /// Why an endpoint that was challenged is not to be used, and how it has to answer; `None` when it passed.
    #[must_use]
    pub fn refusal(&self) -> Option<String> {
        let failure = self.failure?;
        let mut text = format!(
            "the endpoint did not pass the challenge ({}): {}",
            failure.name(),
            failure.meaning()
        );
        if let Some(status) = self.status {
            text += &format!(" It answered {status}");
            let said: String = String::from_utf8_lossy(&self.excerpt)
                .chars()
                .take(REPEATED)
                .map(|letter| if letter.is_control() { ' ' } else { letter })
                .collect();
            text += &match said.trim() {
                "" => ".".to_owned(),
                said => format!(": {said}."),
            };
        }
        Some(
            text + " The gateway posts {\"type\":\"webhook.challenge\",\"data\":{\"token\":\"…\"}}; answer it with a 2xx \
                    status and {\"token\":\"…\"}, the same token.",
        )
    }
}

/// Why a URL cannot be an endpoint's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Not an absolute URL.
    #[error("is not an absolute URL")]
    Malformed,
    /// Neither `https` nor, where the configuration allows it, `http`.
    #[error("must start with https:// (plain http only where the configuration of the gateway allows it)")]
    Scheme,
    /// It carries a user name or a password.
    #[error("must not carry a user name or password; use a header")]
    Credentials,
    /// It names an address that the configuration does not allow.
    #[error("names an address that the configuration of the gateway does not allow")]
    Blocked,
}

/// What the API asks of the part that talks to endpoints, while a caller waits.
#[async_trait]
pub trait WebhookProbe: Send + Sync + 'static {
    /// Whether the configuration allows an endpoint with this URL. Looks no names up.
    ///
    /// # Errors
    /// What is wrong with it.
    fn check(&self, url: &str) -> Result<(), TargetError>;

    /// Sends a signed `webhook.challenge` and expects its token back; within 15 s.
    async fn challenge(&self, target: &WebhookTarget) -> AttemptOutcome;

    /// Delivers one event outside of any queue; within 15 s.
    async fn deliver(&self, target: &WebhookTarget, event: &Event) -> AttemptOutcome;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_of_types_comes_back_and_all_means_later_ones_too() {
        let some = EventTypes::only([EventType::MessageAccepted, EventType::DeviceUnlinked]);
        assert_eq!(EventTypes::from_bits(some.bits()), some);
        for kind in EventType::ALL {
            let chosen = matches!(kind, EventType::MessageAccepted | EventType::DeviceUnlinked);
            assert_eq!(some.include(kind), chosen, "{kind}");
            assert!(EventTypes::ALL.include(kind));
            assert!(!EventTypes::only([]).include(kind));
        }
    }
}
