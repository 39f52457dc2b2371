//! Ids of everything that has one: a prefix that says what it names, and a ULID.

use std::fmt;
use std::str::FromStr;

use ulid::{ULID_LEN, Ulid};

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// The text names another kind of thing, or none.
    #[error("expected an id that starts with \"{expected}\"")]
    Prefix {
        /// The prefix that was expected, with its underscore.
        expected: &'static str,
    },
    /// What follows the prefix is not a ULID (26 characters of Crockford base 32).
    #[error("expected \"{expected}\" and 26 letters and digits after it")]
    Ulid {
        /// The prefix that was expected, with its underscore.
        expected: &'static str,
    },
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Ulid);

        impl $name {
            /// What every id of this kind starts with.
            pub const PREFIX: &'static str = $prefix;

            /// A new id, ordered after those made in earlier milliseconds.
            #[must_use]
            pub fn generate() -> Self {
                Self(Ulid::new())
            }

            /// The 16 bytes that are stored; their order is the order of the ids.
            #[must_use]
            pub fn to_bytes(self) -> [u8; 16] {
                self.0.to_bytes()
            }

            /// The inverse of [`Self::to_bytes`].
            #[must_use]
            pub fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Ulid::from_bytes(bytes))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}{}", $prefix, self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let rest = text.strip_prefix($prefix).ok_or(IdError::Prefix { expected: $prefix })?;
                let ulid = Ulid::from_string(rest).map_err(|_not_a_ulid| IdError::Ulid { expected: $prefix })?;
                // It also takes small letters, and drops what is too large: one id would have many texts.
                let mut canonical = [0; ULID_LEN];
                if ulid.array_to_str(&mut canonical) != rest {
                    return Err(IdError::Ulid { expected: $prefix });
                }
                Ok(Self(ulid))
            }
        }
    )*};
}

ids! {
    /// A workspace, the tenant.
    WorkspaceId = "ws_";
    /// An API key (its name, not its secret).
    ApiKeyId = "key_";
    /// A device: one linked-device session.
    DeviceId = "dev_";
    /// A message, sent or received.
    MessageId = "msg_";
    /// A batch of messages accepted together.
    BatchId = "bat_";
    /// A row of the event log.
    EventId = "evt_";
    /// A webhook endpoint.
    WebhookId = "whk_";
    /// A request to send events to an endpoint again.
    ReplayId = "rpl_";
    /// A stored media object.
    MediaId = "med_";
    /// A contact of a workspace.
    ContactId = "con_";
    /// Somebody who uses the dashboard.
    OperatorId = "opr_";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_bytes_come_back() {
        let id = MessageId::generate();
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(MessageId::from_bytes(id.to_bytes()), id);
    }

    #[test]
    fn the_prefix_is_checked() {
        let device = DeviceId::generate().to_string();
        assert_eq!(
            device.parse::<MessageId>(),
            Err(IdError::Prefix { expected: "msg_" })
        );
        assert_eq!(
            "msg_short".parse::<MessageId>(),
            Err(IdError::Ulid { expected: "msg_" })
        );
        assert_eq!("".parse::<MessageId>(), Err(IdError::Prefix { expected: "msg_" }));
    }

    #[test]
    fn an_id_has_one_text() {
        let not_a_ulid = Err(IdError::Ulid { expected: "msg_" });
        assert!("msg_01JDXW7C9H3E5R2T8Y6V4J0P1A".parse::<MessageId>().is_ok());
        assert_eq!("msg_01jdxw7c9h3e5r2t8y6v4j0p1a".parse::<MessageId>(), not_a_ulid);
        assert_eq!("msg_81JDXW7C9H3E5R2T8Y6V4J0P1A".parse::<MessageId>(), not_a_ulid);
    }
}
