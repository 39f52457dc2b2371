//! Scopes: what an API key may be used for.

use std::fmt;
use std::str::FromStr;

/// One kind of thing a key may be used for. The numbers are stored, as bits; they are never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Scope {
    /// Send messages, and move, cancel, retry and release them.
    MessagesSend = 0,
    /// Read messages and batches, sent and received ones.
    MessagesRead = 1,
    /// Read devices and their states.
    DevicesRead = 2,
    /// Create, link, change and remove devices; see the codes that link them.
    DevicesManage = 3,
    /// Everything about webhooks.
    WebhooksManage = 4,
    /// Read and follow the event log.
    EventsRead = 5,
    /// Read the workspace, its limits, how much of them is used, and the numbers of messages.
    UsageRead = 6,
    /// Manage API keys, change the workspace, and read what operators did.
    Admin = 7,
    /// Manage all workspaces of the daemon.
    AdminDaemon = 8,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 9] = [
        Self::MessagesSend,
        Self::MessagesRead,
        Self::DevicesRead,
        Self::DevicesManage,
        Self::WebhooksManage,
        Self::EventsRead,
        Self::UsageRead,
        Self::Admin,
        Self::AdminDaemon,
    ];

    /// The name the API uses.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::MessagesSend => "messages:send",
            Self::MessagesRead => "messages:read",
            Self::DevicesRead => "devices:read",
            Self::DevicesManage => "devices:manage",
            Self::WebhooksManage => "webhooks:manage",
            Self::EventsRead => "events:read",
            Self::UsageRead => "usage:read",
            Self::Admin => "admin",
            Self::AdminDaemon => "admin:daemon",
        }
    }

    /// What it allows, in a sentence; the API's documentation shows it.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::MessagesSend => "Send messages, and move, cancel, retry and release them.",
            Self::MessagesRead => "Read messages and batches, sent and received ones.",
            Self::DevicesRead => "Read devices and their states.",
            Self::DevicesManage => "Create, link, change and remove devices; see the codes that link them.",
            Self::WebhooksManage => "Everything about webhooks.",
            Self::EventsRead => "Read and follow the event log.",
            Self::UsageRead => {
                "Read the workspace, its limits, how much of them is used, and the numbers of messages."
            }
            Self::Admin => "Manage API keys, change the workspace, and read what operators did.",
            Self::AdminDaemon => "Manage all workspaces of the daemon.",
        }
    }

    const fn bit(self) -> u64 {
        1 << self as u8
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text names no scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "is not a scope; there are messages:send, messages:read, devices:read, devices:manage, webhooks:manage, \
         events:read, usage:read, admin and admin:daemon"
)]
pub struct NotAScope;

impl FromStr for Scope {
    type Err = NotAScope;

    fn from_str(name: &str) -> Result<Self, NotAScope> {
        Self::ALL
            .into_iter()
            .find(|scope| scope.name() == name)
            .ok_or(NotAScope)
    }
}

/// A set of scopes.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Scopes(u64);

impl Scopes {
    /// Every scope there is.
    #[must_use]
    pub fn all() -> Self {
        Scope::ALL.into_iter().collect()
    }

    /// Every scope within a workspace: all but [`Scope::AdminDaemon`].
    #[must_use]
    pub fn of_a_workspace() -> Self {
        Self(Self::all().0 & !Scope::AdminDaemon.bit())
    }

    /// Whether `scope` is in the set.
    #[must_use]
    pub const fn has(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The first scope of this set that `other` has not.
    #[must_use]
    pub fn first_beyond(self, other: Self) -> Option<Scope> {
        self.iter().find(|scope| !other.has(*scope))
    }

    /// The scopes in the set, in the order of [`Scope::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().filter(move |scope| self.has(*scope))
    }

    /// The bits that are stored.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// The inverse of [`Self::bits`]. Bits of a later release stay, and allow nothing in this one.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | scope.bit()))
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back_and_are_listed_where_one_is_wrong() {
        for scope in Scope::ALL {
            assert_eq!(scope.name().parse(), Ok(scope));
            assert!(NotAScope.to_string().contains(scope.name()), "{scope}");
        }
        assert_eq!("messages".parse::<Scope>(), Err(NotAScope));
    }

    #[test]
    fn a_set_has_what_was_put_in_and_bits_come_back() {
        let set: Scopes = [Scope::Admin, Scope::MessagesSend].into_iter().collect();
        assert_eq!(Scopes::from_bits(set.bits()), set);
        assert_eq!(
            set.iter().collect::<Vec<_>>(),
            [Scope::MessagesSend, Scope::Admin]
        );
        assert!(!set.has(Scope::AdminDaemon));
        assert_eq!(set.first_beyond(Scopes::all()), None);
        assert_eq!(Scopes::all().first_beyond(set), Some(Scope::MessagesRead));
        assert_eq!(
            Scopes::all().first_beyond(Scopes::of_a_workspace()),
            Some(Scope::AdminDaemon)
        );
    }

    /// What keys of earlier releases are given by the migration.
    #[test]
    fn all_scopes_are_the_number_in_the_migration() {
        assert_eq!(Scopes::all().bits(), 511);
    }
}
