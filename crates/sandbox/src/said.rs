//! What a contact says in a message: a text, or something that is not one.

use buffa::{Message as _, MessageField};
use serde::{Deserialize, Serialize};
use waproto::whatsapp::message::poll_creation_message;
use waproto::whatsapp::message::{
    ExtendedTextMessage, ImageMessage, LocationMessage, PollCreationMessage, StickerMessage,
};
use waproto::whatsapp::{ContextInfo, Message};

/// A field that no release of WhatsApp's schema has, with nothing in it: number 18000.
const UNKNOWN_FIELD: [u8; 4] = [0x82, 0xe5, 0x08, 0x00];

/// What a contact says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Said {
    /// The text, the caption of an image, the question of a poll.
    pub(crate) text: String,
    #[serde(default)]
    pub(crate) kind: Kind,
    /// The stanza id of the message it answers.
    #[serde(default)]
    pub(crate) quoted: Option<String>,
}

/// What kind of thing a contact sends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    #[default]
    Text,
    Image,
    Sticker,
    Poll,
    Location,
    /// Something that only a later WhatsApp knows.
    Unknown,
}

impl Said {
    /// WhatsApp's word for it on the stanza.
    pub(crate) fn stanza_type(&self) -> &'static str {
        match self.kind {
            Kind::Text | Kind::Unknown => "text",
            Kind::Image | Kind::Sticker | Kind::Location => "media",
            Kind::Poll => "poll",
        }
    }

    /// The encoded message, with what `message` has in it already.
    pub(crate) fn encode(&self, mut message: Message) -> Vec<u8> {
        let context_info = self.quoted.as_ref().map_or_else(MessageField::none, |id| {
            MessageField::some(ContextInfo {
                stanza_id: Some(id.clone()),
                ..Default::default()
            })
        });
        let text = Some(self.text.clone()).filter(|text| !text.is_empty());
        match self.kind {
            Kind::Text if self.quoted.is_none() => message.conversation = text,
            Kind::Text => {
                message.extended_text_message = MessageField::some(ExtendedTextMessage {
                    text,
                    context_info,
                    ..Default::default()
                });
            }
            Kind::Image => {
                message.image_message = MessageField::some(ImageMessage {
                    caption: text,
                    context_info,
                    ..Default::default()
                });
            }
            Kind::Sticker => {
                message.sticker_message = MessageField::some(StickerMessage {
                    context_info,
                    ..Default::default()
                });
            }
            Kind::Poll => {
                let option = |name: &str| poll_creation_message::Option {
                    option_name: Some(name.to_owned()),
                    ..Default::default()
                };
                message.poll_creation_message = MessageField::some(PollCreationMessage {
                    name: text,
                    options: vec![option("yes"), option("no")],
                    context_info,
                    ..Default::default()
                });
            }
            Kind::Location => {
                message.location_message = MessageField::some(LocationMessage {
                    degrees_latitude: Some(52.52),
                    degrees_longitude: Some(13.405),
                    name: text,
                    context_info,
                    ..Default::default()
                });
            }
            Kind::Unknown => {}
        }
        let mut bytes = message.encode_to_vec();
        if self.kind == Kind::Unknown {
            bytes.extend_from_slice(&UNKNOWN_FIELD);
        }
        bytes
    }
}
