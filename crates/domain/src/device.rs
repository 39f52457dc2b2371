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

/// Why a device is in its state. The names are part of the API; the numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum DeviceReason {
    /// `unlinked`: created, never paired.
    New = 1,
    /// `unlinked`: the phone or the operator removed the link. `disconnected` when messages were still queued.
    LoggedOut = 2,
    /// `unlinked`: the account no longer exists.
    AccountRemoved = 3,
    /// `unlinked`: all codes were shown and none was scanned. Ask for pairing again.
    QrExpired = 4,
    /// `unlinked`: WhatsApp or this gateway refused to link. Ask for pairing again.
    PairingFailed = 5,
    /// `pairing`: a client is being started; there is no code yet.
    AwaitingCode = 6,
    /// `pairing`: a QR code is on show.
    QrShown = 7,
    /// `pairing`: a pairing code is on show.
    PairingCodeShown = 8,
    /// `pairing`: scanned; the account is logging in for the first time.
    LoggingIn = 9,
    /// `connected`: nothing to say.
    Healthy = 10,
    /// `degraded`: the daemon started and is logging in.
    Connecting = 11,
    /// `degraded`: the socket closed; a new one is being opened.
    ConnectionLost = 12,
    /// `degraded`: the socket is open and nothing comes through it.
    KeepaliveLate = 13,
    /// `degraded`: WhatsApp asked to slow down or is out of service.
    ServerUnavailable = 14,
    /// `degraded`: the session failed inside the gateway and is being restarted.
    Restarting = 15,
    /// `disconnected`: paused by the operator.
    Stopped = 16,
    /// `disconnected`: the same link was opened elsewhere.
    StreamReplaced = 17,
    /// `disconnected`: WhatsApp no longer accepts this client's version.
    ClientOutdated = 18,
    /// `disconnected`: WhatsApp bars the account until `retryAt`.
    TemporaryBan = 19,
    /// `disconnected`: WhatsApp refused the login for another reason.
    LoginRefused = 20,
}

impl Intent {
    /// Every intent.
    pub const ALL: [Self; 3] = [Self::Linked, Self::Paused, Self::Removed];

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
    /// Every reason.
    pub const ALL: [Self; 20] = [
        Self::New,
        Self::LoggedOut,
        Self::AccountRemoved,
        Self::QrExpired,
        Self::PairingFailed,
        Self::AwaitingCode,
        Self::QrShown,
        Self::PairingCodeShown,
        Self::LoggingIn,
        Self::Healthy,
        Self::Connecting,
        Self::ConnectionLost,
        Self::KeepaliveLate,
        Self::ServerUnavailable,
        Self::Restarting,
        Self::Stopped,
        Self::StreamReplaced,
        Self::ClientOutdated,
        Self::TemporaryBan,
        Self::LoginRefused,
    ];

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

    /// The name the API uses.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::LoggedOut => "logged_out",
            Self::AccountRemoved => "account_removed",
            Self::QrExpired => "qr_expired",
            Self::PairingFailed => "pairing_failed",
            Self::AwaitingCode => "awaiting_code",
            Self::QrShown => "qr_shown",
            Self::PairingCodeShown => "pairing_code_shown",
            Self::LoggingIn => "logging_in",
            Self::Healthy => "healthy",
            Self::Connecting => "connecting",
            Self::ConnectionLost => "connection_lost",
            Self::KeepaliveLate => "keepalive_late",
            Self::ServerUnavailable => "server_unavailable",
            Self::Restarting => "restarting",
            Self::Stopped => "stopped",
            Self::StreamReplaced => "stream_replaced",
            Self::ClientOutdated => "client_outdated",
            Self::TemporaryBan => "temporary_ban",
            Self::LoginRefused => "login_refused",
        }
    }
}

impl fmt::Display for DeviceReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
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
        for reason in DeviceReason::ALL {
            assert_eq!(DeviceReason::from_number(reason.number()), Some(reason));
        }
        let names: HashSet<_> = DeviceReason::ALL.iter().map(|reason| reason.name()).collect();
        assert_eq!(names.len(), DeviceReason::ALL.len());
    }
}
