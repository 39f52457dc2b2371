//! The state machine of a device as a pure function: what is observed next, given what happened.
//!
//! A device is `unlinked` until it is paired, `pairing` while a code is on show, then `connected` or
//! `degraded` as its socket comes and goes; `disconnected` means that waiting alone will not help.
//! Sessions feed it signals and store what comes out; nothing else decides a state.

use crate::{DeviceReason, DeviceState, DeviceStatus, Timestamp};

/// Something that happened to a device's session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// The operator asked for pairing; a client is being started for it.
    PairingStarted,
    /// A QR code is on show.
    QrShown,
    /// A pairing code is on show.
    PairingCodeShown,
    /// The last code ran out without being used.
    CodesExhausted,
    /// WhatsApp refused to link.
    PairingFailed,
    /// The pairing code ran out without being entered.
    PairingCodeExpired,
    /// The operator called pairing off.
    PairingCanceled,
    /// The phone that accepted belongs to an account that another device has.
    AccountInUse,
    /// The phone accepted; the first login follows.
    Paired,
    /// A client for a paired device is being started.
    Opening,
    /// Logged in.
    Connected,
    /// The socket closed; the client is reconnecting.
    ConnectionLost,
    /// The socket is open and nothing has come through it for too long.
    Silent,
    /// WhatsApp answers that it is out of service or wants fewer connections.
    ServerUnavailable {
        /// When the next attempt is due, where known.
        retry_at: Option<Timestamp>,
    },
    /// The session failed inside the gateway; it is started again at this time.
    Crashed {
        /// When it is started again.
        retry_at: Timestamp,
    },
    /// The operator paused it.
    Paused,
    /// The link was removed, by the phone or by the operator.
    LoggedOut {
        /// Whether messages were waiting in its outbox.
        messages_left: bool,
    },
    /// The keys of the link are not there, so it cannot be used.
    KeysMissing,
    /// The account no longer exists.
    AccountRemoved,
    /// The same link was opened elsewhere.
    StreamReplaced,
    /// WhatsApp no longer accepts this client's version.
    ClientOutdated,
    /// WhatsApp bars the account until then.
    Banned {
        /// The end of the ban.
        until: Timestamp,
    },
    /// WhatsApp refused the login for another reason.
    LoginRefused {
        /// When it is tried again, where it is.
        retry_at: Option<Timestamp>,
    },
}

/// The status that follows `current` when `signal` happens at `now`.
///
/// `since` moves only when state or reason change.
#[must_use]
pub fn next(current: DeviceStatus, signal: Signal, now: Timestamp) -> DeviceStatus {
    use DeviceReason as Reason;
    use DeviceState::{Connected, Degraded, Disconnected, Pairing, Unlinked};

    let (state, reason, retry_at) = match signal {
        Signal::PairingStarted => (Pairing, Reason::AwaitingCode, None),
        Signal::QrShown => (Pairing, Reason::QrShown, None),
        Signal::PairingCodeShown => (Pairing, Reason::PairingCodeShown, None),
        Signal::CodesExhausted => (Unlinked, Reason::QrExpired, None),
        Signal::PairingFailed => (Unlinked, Reason::PairingFailed, None),
        Signal::PairingCodeExpired => (Unlinked, Reason::PairingCodeExpired, None),
        Signal::PairingCanceled => (Unlinked, Reason::PairingCanceled, None),
        Signal::AccountInUse => (Unlinked, Reason::AccountInUse, None),
        Signal::Paired => (Pairing, Reason::LoggingIn, None),
        Signal::Opening => (Degraded, Reason::Connecting, None),
        Signal::Connected => (Connected, Reason::Healthy, None),
        // The client reconnects by design between the scan and the first login.
        Signal::ConnectionLost if current.state == Pairing => (Pairing, current.reason, current.retry_at),
        Signal::ConnectionLost => (Degraded, Reason::ConnectionLost, None),
        Signal::Silent if current.state == Connected => (Degraded, Reason::KeepaliveLate, None),
        Signal::Silent => (current.state, current.reason, current.retry_at),
        Signal::ServerUnavailable { retry_at } => (Degraded, Reason::ServerUnavailable, retry_at),
        Signal::Crashed { retry_at } => (Degraded, Reason::Restarting, Some(retry_at)),
        Signal::Paused => (Disconnected, Reason::Stopped, None),
        Signal::LoggedOut { messages_left: true } => (Disconnected, Reason::LoggedOut, None),
        Signal::LoggedOut { messages_left: false } => (Unlinked, Reason::LoggedOut, None),
        Signal::KeysMissing => (Unlinked, Reason::KeysMissing, None),
        Signal::AccountRemoved => (Unlinked, Reason::AccountRemoved, None),
        Signal::StreamReplaced => (Disconnected, Reason::StreamReplaced, None),
        Signal::ClientOutdated => (Disconnected, Reason::ClientOutdated, None),
        Signal::Banned { until } => (Disconnected, Reason::TemporaryBan, Some(until)),
        Signal::LoginRefused { retry_at } => (Disconnected, Reason::LoginRefused, retry_at),
    };
    let unchanged = state == current.state && reason == current.reason;
    DeviceStatus {
        state,
        reason,
        since: if unchanged { current.since } else { now },
        retry_at,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn signal() -> impl Strategy<Value = Signal> {
        let later = Timestamp::from_millis(9_000);
        prop_oneof![
            Just(Signal::PairingStarted),
            Just(Signal::QrShown),
            Just(Signal::PairingCodeShown),
            Just(Signal::CodesExhausted),
            Just(Signal::PairingFailed),
            Just(Signal::PairingCodeExpired),
            Just(Signal::PairingCanceled),
            Just(Signal::AccountInUse),
            Just(Signal::Paired),
            Just(Signal::Opening),
            Just(Signal::Connected),
            Just(Signal::ConnectionLost),
            Just(Signal::Silent),
            Just(Signal::ServerUnavailable {
                retry_at: Some(later)
            }),
            Just(Signal::Crashed { retry_at: later }),
            Just(Signal::Paused),
            any::<bool>().prop_map(|messages_left| Signal::LoggedOut { messages_left }),
            Just(Signal::KeysMissing),
            Just(Signal::AccountRemoved),
            Just(Signal::StreamReplaced),
            Just(Signal::ClientOutdated),
            Just(Signal::Banned { until: later }),
            Just(Signal::LoginRefused { retry_at: None }),
        ]
    }

    fn new_device() -> DeviceStatus {
        DeviceStatus {
            state: DeviceState::Unlinked,
            reason: DeviceReason::New,
            since: Timestamp::from_millis(0),
            retry_at: None,
        }
    }

    proptest! {
        #[test]
        fn any_history_ends_in_a_state_with_a_way_out(signals in prop::collection::vec(signal(), 0..40)) {
            let mut status = new_device();
            for (step, signal) in signals.into_iter().enumerate() {
                let now = Timestamp::from_millis(i64::try_from(step).expect("small") + 1);
                let following = next(status, signal, now);
                let moved = (following.state, following.reason) != (status.state, status.reason);
                prop_assert_eq!(following.since, if moved { now } else { status.since });
                let kept_for_its_messages = (DeviceState::Disconnected, DeviceReason::LoggedOut);
                prop_assert!(
                    following.reason.state() == following.state
                        || (following.state, following.reason) == kept_for_its_messages
                );
                status = following;
            }
            // Pairing again, or opening again, leads to a working device from anywhere.
            let now = Timestamp::from_millis(100);
            let paired = [Signal::PairingStarted, Signal::QrShown, Signal::Paired, Signal::Connected]
                .into_iter()
                .fold(status, |status, signal| next(status, signal, now));
            prop_assert_eq!(paired.state, DeviceState::Connected);
            let reopened = next(next(status, Signal::Opening, now), Signal::Connected, now);
            prop_assert_eq!(reopened.state, DeviceState::Connected);
            prop_assert_eq!(reopened.retry_at, None);
        }
    }

    #[test]
    fn a_lost_socket_does_not_end_pairing() {
        let pairing = next(new_device(), Signal::QrShown, Timestamp::from_millis(1));
        let after = next(pairing, Signal::ConnectionLost, Timestamp::from_millis(2));
        assert_eq!(after, pairing);
    }
}
