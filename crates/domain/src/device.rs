//! A device: what the operator wants of it, and what is observed of it.

use std::fmt;

use crate::{Lid, PhoneNumber, Timestamp};

/// What the operator wants. Written by the API, never by the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Intent {
    /// It should be linked and connected, once paired.
    Linked = 1,
    /// It should keep its keys and stay offline.
    Paused = 2,
    /// It should be logged out, wiped and forgotten.
    Removed = 3,
    /// It should be logged out and wiped, and stay, to be paired again when that is asked for.
    Unlinked = 4,
}

/// What is observed. The numbers are stored; they are never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum DeviceState {
    /// Never paired, or logged out.
    Unlinked = 1,
    /// A QR or pairing code is on show, or about to be.
    Pairing = 2,
    /// Logged in, socket healthy.
    Connected = 3,
    /// Not usable right now; it heals by itself.
    Degraded = 4,
    /// Not usable; it does not heal by itself, or not soon.
    Disconnected = 5,
}

macro_rules! device_reasons {
    ($($variant:ident = $number:literal, $name:literal, $state:ident, $meaning:literal;)*) => {
        /// Why a device is in its state. The names are part of the API; the numbers are stored.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum DeviceReason {
            $(
                #[doc = $meaning]
                $variant = $number,
            )*
        }

        impl DeviceReason {
            /// Every reason.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The name the API uses.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// The state it explains.
            #[must_use]
            pub const fn state(self) -> DeviceState {
                match self { $(Self::$variant => DeviceState::$state),* }
            }

            /// What it means and what to do, in a sentence or two for the operator.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning),* }
            }
        }
    };
}

device_reasons! {
    New = 1, "new", Unlinked,
        "It was never paired. Pair it.";
    LoggedOut = 2, "logged_out", Unlinked,
        "The phone or the operator removed the link. Pair it again. The state is `disconnected` instead when messages \
         were waiting: they are parked until they are released or canceled.";
    AccountRemoved = 3, "account_removed", Unlinked,
        "The WhatsApp account no longer exists or was banned for good. Pair another one.";
    QrExpired = 4, "qr_expired", Unlinked,
        "All QR codes were shown and none was scanned. Ask for pairing again.";
    PairingFailed = 5, "pairing_failed", Unlinked,
        "WhatsApp refused to link. Ask for pairing again.";
    AccountInUse = 21, "account_in_use", Unlinked,
        "The phone that accepted belongs to an account that another device of the workspace is linked to; the new link \
         was taken back. Use that device, or log it out first.";
    PairingCanceled = 22, "pairing_canceled", Unlinked,
        "Pairing was called off by a pause or a logout. Ask for pairing again.";
    PairingCodeExpired = 23, "pairing_code_expired", Unlinked,
        "The pairing code was not entered in time. Ask for another one.";
    KeysMissing = 24, "keys_missing", Unlinked,
        "The keys of its link are gone, as after the restore of a backup without them. Remove the linked device on the \
         phone, if it is still there, and pair it again.";
    AwaitingCode = 6, "awaiting_code", Pairing,
        "A client is being started; there is no code yet.";
    QrShown = 7, "qr_shown", Pairing,
        "A QR code is on show. Scan it on the phone.";
    PairingCodeShown = 8, "pairing_code_shown", Pairing,
        "A pairing code is on show. Enter it on the phone.";
    LoggingIn = 9, "logging_in", Pairing,
        "The phone accepted; the account is logging in for the first time.";
    Healthy = 10, "healthy", Connected,
        "Logged in, and the link is alive.";
    Connecting = 11, "connecting", Degraded,
        "It is logging in, after a start of the daemon or because it was asked to.";
    ConnectionLost = 12, "connection_lost", Degraded,
        "The socket closed; a new one is being opened.";
    KeepaliveLate = 13, "keepalive_late", Degraded,
        "The socket is open and nothing comes through it. It is opened anew if that lasts.";
    ServerUnavailable = 14, "server_unavailable", Degraded,
        "WhatsApp is out of service or asked to slow down; the next login is tried with growing pauses.";
    Restarting = 15, "restarting", Degraded,
        "The session failed inside the gateway and is started again at `retryAt`.";
    Stopped = 16, "stopped", Disconnected,
        "It is paused. Resume it.";
    StreamReplaced = 17, "stream_replaced", Disconnected,
        "The same link was opened elsewhere. Make sure that only one gateway holds its keys, then reconnect.";
    ClientOutdated = 18, "client_outdated", Disconnected,
        "WhatsApp no longer accepts this client's version. Update the gateway, or reconnect to try the newest version.";
    TemporaryBan = 19, "temporary_ban", Disconnected,
        "WhatsApp bars the account until `retryAt`, when the gateway logs in again.";
    LoginRefused = 20, "login_refused", Disconnected,
        "WhatsApp refused the login for another reason. It is tried again at `retryAt`, or when asked to reconnect.";
}

impl Intent {
    /// Every intent.
    pub const ALL: [Self; 4] = [Self::Linked, Self::Paused, Self::Removed, Self::Unlinked];

    /// The number that is stored.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The inverse of [`Self::number`].
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|intent| intent.number() == number)
    }

    /// The name the API uses.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Linked => "linked",
            Self::Paused => "paused",
            Self::Removed => "removed",
            Self::Unlinked => "unlinked",
        }
    }
}

impl DeviceState {
    /// Every state.
    pub const ALL: [Self; 5] = [
        Self::Unlinked,
        Self::Pairing,
        Self::Connected,
        Self::Degraded,
        Self::Disconnected,
    ];

    /// The number that is stored.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The inverse of [`Self::number`].
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.number() == number)
    }

    /// The name the API uses.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unlinked => "unlinked",
            Self::Pairing => "pairing",
            Self::Connected => "connected",
            Self::Degraded => "degraded",
            Self::Disconnected => "disconnected",
        }
    }

    /// What it means, in a sentence.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Unlinked => "Linked to no account: never paired, or logged out. Pair it.",
            Self::Pairing => "A QR or pairing code is on show, or about to be, or was just used.",
            Self::Connected => "Logged in, and the link is alive. Messages leave at once.",
            Self::Degraded => "It cannot send right now and heals by itself. Messages are accepted and wait.",
            Self::Disconnected => {
                "It cannot send and does not heal by itself, or not before `retryAt`. The reason says what to do."
            }
        }
    }

    /// Whether a message for it is accepted without `"ifDisconnected": "queue"`.
    #[must_use]
    pub const fn accepts_messages(self) -> bool {
        matches!(self, Self::Connected | Self::Degraded)
    }
}

impl fmt::Display for DeviceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl DeviceReason {
    /// The number that is stored.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The inverse of [`Self::number`].
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.iter().copied().find(|reason| reason.number() == number)
    }
}

impl fmt::Display for DeviceReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What is counted for a device since it was created.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DeviceCounters {
    /// Logins after the first one of a link.
    pub reconnects: u64,
    /// Messages that reached WhatsApp's server.
    pub sent: u64,
    /// Messages that came in.
    pub received: u64,
    /// Messages that are parked now.
    pub parked: u64,
}

/// The observed state of a device, as stored and as the API shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceStatus {
    /// What it is.
    pub state: DeviceState,
    /// Why.
    pub reason: DeviceReason,
    /// Since when state and reason are these.
    pub since: Timestamp,
    /// When the gateway tries again by itself, where that is known.
    pub retry_at: Option<Timestamp>,
}

/// The WhatsApp account a device is linked to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its phone number.
    pub phone: PhoneNumber,
    /// Its number in the hidden-number space.
    pub lid: Option<Lid>,
    /// The number of this companion device within the account, 1 or more.
    pub companion: u16,
    /// The name its owner shows to others.
    pub push_name: Option<String>,
    /// The phone's platform as WhatsApp names it, e.g. `android`.
    pub platform: Option<String>,
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn numbers_come_back_and_names_differ() {
        for state in DeviceState::ALL {
            assert_eq!(DeviceState::from_number(state.number()), Some(state));
        }
        for reason in DeviceReason::ALL.iter().copied() {
            assert_eq!(DeviceReason::from_number(reason.number()), Some(reason));
        }
        let names: HashSet<_> = DeviceReason::ALL.iter().map(|reason| reason.name()).collect();
        assert_eq!(names.len(), DeviceReason::ALL.len());
    }
}
