//! What a message carries.

use prost::Message as _;

use crate::proto;

/// The longest text that is accepted, in Unicode scalar values.
pub const MAX_TEXT_CHARS: usize = 4096;

/// The content of one message.
#[derive(Clone, PartialEq, Eq)]
pub enum Content {
    /// Plain text, 1 to [`MAX_TEXT_CHARS`] characters when sent.
    Text {
        /// The text as the recipient reads it.
        body: String,
    },
    /// Something received that this release cannot represent; kept so that nothing vanishes silently.
    Unsupported {
        /// The field name in WhatsApp's message schema, e.g. `imageMessage`.
        kind: String,
    },
    /// Something received that could not be decrypted. Its sender was asked to send it again; it becomes what it says when
    /// that arrives.
    Undecryptable,
}

/// Why a text cannot be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// There is none.
    #[error("must not be empty")]
    Empty,
    /// It has this many characters.
    #[error("has {0} characters; {MAX_TEXT_CHARS} are the most")]
    TooLong(usize),
    /// There is nothing to be read in it.
    #[error("must not be only whitespace")]
    Blank,
}

impl Content {
    /// A text to be sent.
    ///
    /// # Errors
    /// It is empty, blank, or longer than [`MAX_TEXT_CHARS`].
    pub fn text(body: String) -> Result<Self, TextError> {
        let length = body.chars().count();
        if length == 0 {
            Err(TextError::Empty)
        } else if length > MAX_TEXT_CHARS {
            Err(TextError::TooLong(length))
        } else if body.trim().is_empty() {
            Err(TextError::Blank)
        } else {
            Ok(Self::Text { body })
        }
    }

    /// The `type` the API names it by.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Text { .. } => "text",
            Self::Unsupported { .. } => "unsupported",
            Self::Undecryptable => "undecryptable",
        }
    }

    /// The stored form.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.to_proto().encode_to_vec()
    }

    /// Reads the stored form. A kind that only a newer release knows becomes [`Content::Unsupported`].
    ///
    /// # Errors
    /// The bytes are not a `Content` at all.
    pub fn decode(bytes: &[u8]) -> Result<Self, prost::DecodeError> {
        Ok(Self::from_proto(proto::Content::decode(bytes)?))
    }

    pub(crate) fn to_proto(&self) -> proto::Content {
        let kind = match self {
            Self::Text { body } => proto::content::Kind::Text(proto::Text { body: body.clone() }),
            Self::Unsupported { kind } => {
                proto::content::Kind::Unsupported(proto::Unsupported { kind: kind.clone() })
            }
            Self::Undecryptable => proto::content::Kind::Undecryptable(proto::Undecryptable {}),
        };
        proto::Content { kind: Some(kind) }
    }

    pub(crate) fn from_proto(content: proto::Content) -> Self {
        match content.kind {
            Some(proto::content::Kind::Text(text)) => Self::Text { body: text.body },
            Some(proto::content::Kind::Unsupported(unsupported)) => Self::Unsupported {
                kind: unsupported.kind,
            },
            Some(proto::content::Kind::Undecryptable(_)) => Self::Undecryptable,
            None => Self::Unsupported {
                kind: "unknown".to_owned(),
            },
        }
    }
}

/// By hand: a body must never reach a log.
impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Content({})", self.type_name())
    }
}
