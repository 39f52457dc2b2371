//! What a message goes through, and what is remembered of it.
//!
//! `scheduled → queued → processing → sent → delivered → read (→ played)`, with `retrying` between
//! attempts; `failed` and `canceled` end it. Receipts may overtake each other and the server's ack, so a
//! message only ever moves forward: see [`MessageStatus::may_become`].

use std::fmt;
use std::str::FromStr;

use crate::Timestamp;

/// Which way a message went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Accepted over the API, sent by us.
    Outbound,
    /// Received from WhatsApp.
    Inbound,
}

/// Where a message stands. The numbers are stored; they are never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum MessageStatus {
    /// Accepted, to be sent at a later time.
    Scheduled = 1,
    /// Accepted, waiting for its turn.
    Queued = 2,
    /// Handed to WhatsApp; the server has not acknowledged it yet.
    Processing = 3,
    /// An attempt failed or went unanswered; the next one is due.
    Retrying = 4,
    /// WhatsApp's server has it.
    Sent = 5,
    /// It reached a device of the recipient.
    Delivered = 6,
    /// The recipient opened it.
    Read = 7,
    /// The recipient played it (voice and video notes).
    Played = 8,
    /// It will not be sent; the code says why.
    Failed = 9,
    /// Withdrawn before it was handed to WhatsApp.
    Canceled = 10,
    /// An inbound message.
    Received = 11,
}

impl MessageStatus {
    /// Every status, in the order of their numbers.
    pub const ALL: [Self; 11] = [
        Self::Scheduled,
        Self::Queued,
        Self::Processing,
        Self::Retrying,
        Self::Sent,
        Self::Delivered,
        Self::Read,
        Self::Played,
        Self::Failed,
        Self::Canceled,
        Self::Received,
    ];

    /// The number that is stored.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The inverse of [`Self::number`].
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.number() == number)
    }

    /// The name the API uses.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Queued => "queued",
            Self::Processing => "processing",
            Self::Retrying => "retrying",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Played => "played",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
            Self::Received => "received",
        }
    }

    /// Whether the message still has to be sent: it is in the outbox.
    #[must_use]
    pub const fn is_in_outbox(self) -> bool {
        matches!(
            self,
            Self::Scheduled | Self::Queued | Self::Processing | Self::Retrying
        )
    }

    /// Whether WhatsApp's server is known to have the message.
    #[must_use]
    pub const fn reached_server(self) -> bool {
        matches!(self, Self::Sent | Self::Delivered | Self::Read | Self::Played)
    }

    /// Whether a device of the recipient is known to have the message.
    #[must_use]
    pub const fn reached_recipient(self) -> bool {
        matches!(self, Self::Delivered | Self::Read | Self::Played)
    }

    /// Whether a message in this status may take on `next`.
    ///
    /// Receipts prove what they say even when the ack before them was lost, or when we gave the message
    /// up in the meantime: they move any outbound message forward, and nothing moves it back.
    #[must_use]
    pub const fn may_become(self, next: Self) -> bool {
        match next {
            Self::Scheduled => matches!(self, Self::Scheduled),
            // From `retrying` when it was parked and is released.
            Self::Queued => matches!(self, Self::Scheduled | Self::Failed | Self::Retrying),
            Self::Processing => matches!(self, Self::Queued | Self::Retrying),
            Self::Retrying => matches!(self, Self::Processing),
            Self::Sent => matches!(
                self,
                Self::Queued | Self::Processing | Self::Retrying | Self::Failed
            ),
            Self::Delivered | Self::Read | Self::Played => match self {
                Self::Received | Self::Canceled | Self::Scheduled => false,
                Self::Sent | Self::Delivered | Self::Read | Self::Played => next.number() > self.number(),
                Self::Queued | Self::Processing | Self::Retrying | Self::Failed => true,
            },
            Self::Failed => matches!(
                self,
                Self::Scheduled | Self::Queued | Self::Processing | Self::Retrying
            ),
            Self::Canceled => matches!(self, Self::Scheduled | Self::Queued | Self::Retrying),
            Self::Received => false,
        }
    }
}

impl fmt::Display for MessageStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for MessageStatus {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL
            .into_iter()
            .find(|status| status.name() == name)
            .ok_or(())
    }
}

/// One step in the life of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimelineEntry {
    /// What it became.
    pub status: MessageStatus,
    /// When.
    pub at: Timestamp,
    /// Why, where the status alone does not say it; never a body or a number.
    pub detail: Option<String>,
}

/// Why a message is parked: it will not move until somebody releases or cancels it. The names are part of the API;
/// the numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ParkReason {
    /// The device was logged out while the message waited.
    LoggedOut = 1,
    /// The device is linked to another account than the one the message was accepted for.
    OtherAccount = 2,
    /// The account was removed while the message waited.
    AccountRemoved = 3,
}

impl ParkReason {
    /// Every reason.
    pub const ALL: [Self; 3] = [Self::LoggedOut, Self::OtherAccount, Self::AccountRemoved];

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
            Self::LoggedOut => "logged_out",
            Self::OtherAccount => "other_account",
            Self::AccountRemoved => "account_removed",
        }
    }
}

/// Why a message failed for good. The names are part of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum FailureCode {
    /// The recipient has no WhatsApp account.
    NotOnWhatsApp = 1,
    /// WhatsApp's server refused the message.
    RejectedByWhatsApp = 2,
    /// No attempt succeeded within the configured age.
    Expired = 3,
    /// The client could not build the message.
    NotSendable = 4,
}

impl FailureCode {
    /// Every code.
    pub const ALL: [Self; 4] = [
        Self::NotOnWhatsApp,
        Self::RejectedByWhatsApp,
        Self::Expired,
        Self::NotSendable,
    ];

    /// The number that is stored.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The inverse of [`Self::number`].
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.number() == number)
    }

    /// The name the API uses.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotOnWhatsApp => "NOT_ON_WHATSAPP",
            Self::RejectedByWhatsApp => "REJECTED_BY_WHATSAPP",
            Self::Expired => "EXPIRED",
            Self::NotSendable => "NOT_SENDABLE",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_come_back() {
        for status in MessageStatus::ALL {
            assert_eq!(MessageStatus::from_number(status.number()), Some(status));
            assert_eq!(status.name().parse(), Ok(status));
        }
    }

    #[test]
    fn no_status_is_taken_twice_and_receipts_never_go_back() {
        use MessageStatus::{
            Canceled, Delivered, Failed, Played, Processing, Read, Received, Scheduled, Sent,
        };
        for status in MessageStatus::ALL {
            if status != Scheduled {
                assert!(!status.may_become(status), "{status}");
            }
            assert!(
                !Received.may_become(status) && !Canceled.may_become(status),
                "{status}"
            );
        }
        assert!(Processing.may_become(Read), "a receipt may overtake the ack");
        assert!(!Read.may_become(Delivered) && !Delivered.may_become(Sent) && !Played.may_become(Read));
        assert!(Failed.may_become(Delivered), "a receipt proves it after all");
        assert!(!Sent.may_become(Failed) && !Processing.may_become(Canceled));
    }
}
