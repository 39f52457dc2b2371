//! What a received message carries, in the gateway's words.

use postern_domain::{Content, StanzaId};
use waproto::whatsapp::Message;
use waproto::whatsapp::message::protocol_message::Type;

/// Wrappers nest by design (a disappearing view-once document); more than this is no honest message.
const DEEPEST_WRAPPING: usize = 8;

/// The message as `WhatsApp` wants it sent, or nothing where this release cannot send it.
pub(crate) fn outgoing(content: &Content) -> Option<Message> {
    match content {
        Content::Text { body } => Some(Message {
            conversation: Some(body.clone()),
            ..Default::default()
        }),
        Content::Unsupported { .. } | Content::Undecryptable => None,
    }
}

/// What a person sent, or nothing where it is only traffic between devices.
///
/// What this release cannot represent is named, never dropped: a reaction, an edit and a deletion too.
pub(crate) fn received(message: &Message) -> Option<Content> {
    let message = unwrap(message);
    if let Some(body) = text(message) {
        return Some(Content::Text {
            body: body.to_owned(),
        });
    }
    let kind = match message.protocol_message.as_option() {
        Some(protocol) => match protocol.r#type {
            // Absent is how the first value of an enumeration is written.
            None | Some(Type::REVOKE) => "protocolMessage.revoke".to_owned(),
            Some(Type::MESSAGE_EDIT) => "editedMessage".to_owned(),
            Some(_) => return None,
        },
        None => match field(message) {
            Some(name) => camel_case(name),
            None if is_between_devices(message) => return None,
            // A field that only a newer schema has.
            None => "unknown".to_owned(),
        },
    };
    Some(Content::Unsupported { kind })
}

macro_rules! quoting {
    ($($name:ident)*) => {
        /// The id of the message that this one answers.
        pub(crate) fn quoted(message: &Message) -> Option<StanzaId> {
            let message = unwrap(message);
            let contexts = [$(message.$name.as_option().and_then(|content| content.context_info.as_option())),*];
            let id = contexts.into_iter().flatten().find_map(|context| context.stanza_id.clone());
            id.filter(|id| !id.is_empty()).map(StanzaId::from)
        }
    };
}

quoting! {
    extended_text_message image_message video_message audio_message document_message sticker_message contact_message
    contacts_array_message location_message live_location_message poll_creation_message poll_creation_message_v3
}

/// An empty text is how some clients fill the field beside another one.
fn text(message: &Message) -> Option<&str> {
    let extended = message.extended_text_message.as_option();
    message
        .conversation
        .as_deref()
        .into_iter()
        .chain(extended.and_then(|extended| extended.text.as_deref()))
        .find(|text| !text.is_empty())
}

/// What is inside the wrappers that change how a message is kept, not what it says.
fn unwrap(mut message: &Message) -> &Message {
    for _ in 0..DEEPEST_WRAPPING {
        let wrapped = message
            .device_sent_message
            .as_option()
            .and_then(|wrapper| wrapper.message.as_option());
        let wrapped = wrapped.or_else(|| {
            [
                &message.ephemeral_message,
                &message.view_once_message,
                &message.view_once_message_v2,
                &message.view_once_message_v2_extension,
                &message.document_with_caption_message,
                &message.group_mentioned_message,
                &message.bot_invoke_message,
            ]
            .into_iter()
            .find_map(|wrapper| wrapper.as_option())
            .and_then(|wrapper| wrapper.message.as_option())
        });
        match wrapped {
            Some(inner) => message = inner,
            None => break,
        }
    }
    message
}

/// Keys for reading group messages, alone or with notes about the message, are for the client only.
fn is_between_devices(message: &Message) -> bool {
    message.sender_key_distribution_message.is_set()
        || message.fast_ratchet_key_sender_key_distribution_message.is_set()
        || message.message_context_info.is_set()
}

macro_rules! fields {
    ($($name:ident)*) => {
        /// The field that is set, of all that a person can cause.
        fn field(message: &Message) -> Option<&'static str> {
            $(if message.$name.is_set() {
                return Some(stringify!($name));
            })*
            None
        }
    };
}

fields! {
    image_message video_message audio_message document_message sticker_message contact_message
    location_message live_location_message reaction_message extended_text_message contacts_array_message
    ptv_message album_message edited_message poll_creation_message poll_creation_message_v2
    poll_creation_message_v3 poll_creation_message_v4 poll_creation_message_v5 poll_creation_message_v6
    poll_update_message poll_add_option_message poll_creation_option_image_message
    poll_result_snapshot_message poll_result_snapshot_message_v3 event_message event_invite_message
    event_cover_image enc_event_response_message enc_reaction_message enc_comment_message comment_message
    secret_encrypted_message pin_in_chat_message keep_in_chat_message group_invite_message
    template_message template_button_reply_message buttons_message buttons_response_message list_message
    list_response_message interactive_message interactive_response_message highly_structured_message
    product_message order_message invoice_message send_payment_message request_payment_message
    decline_payment_request_message cancel_payment_request_message payment_invite_message
    payment_reminder_message split_payment_message request_phone_number_message
    newsletter_admin_invite_message newsletter_follower_invite_message_v2 newsletter_admin_profile_message
    newsletter_admin_profile_message_v2 newsletter_admin_profile_status_message call call_log_messsage
    bcall_message scheduled_call_creation_message scheduled_call_edit_message sticker_pack_message
    lottie_sticker_message associated_child_message rich_response_message conditional_reveal_message
    spoiler_message status_mention_message group_status_mention_message group_status_message
    group_status_message_v2 status_add_yours status_notification_message status_quoted_message
    status_question_answer_message status_sticker_interaction_message question_message
    question_reply_message question_response_message limit_sharing_message bot_task_message
    bot_forwarded_message placeholder_message message_history_bundle message_history_notice chat
    ephemeral_message view_once_message view_once_message_v2 view_once_message_v2_extension
    document_with_caption_message group_mentioned_message bot_invoke_message device_sent_message
}

/// The name as the schema writes it.
fn camel_case(snake_case: &str) -> String {
    let mut words = snake_case.split('_');
    let mut name = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        name.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        name.push_str(letters.as_str());
    }
    name
}

#[cfg(test)]
mod tests {
    use buffa::MessageField;
    use waproto::whatsapp::message::{
        DeviceSentMessage, ExtendedTextMessage, FutureProofMessage, ImageMessage, ProtocolMessage,
        ReactionMessage, SenderKeyDistributionMessage,
    };
    use waproto::whatsapp::{ContextInfo, MessageContextInfo};

    use super::*;

    fn plain(text: &str) -> Message {
        Message {
            conversation: Some(text.to_owned()),
            ..Default::default()
        }
    }

    fn wrapper(message: Message) -> MessageField<FutureProofMessage> {
        MessageField::some(FutureProofMessage {
            message: MessageField::some(message),
        })
    }

    fn protocol(kind: Option<Type>) -> Message {
        Message {
            protocol_message: MessageField::some(ProtocolMessage {
                r#type: kind,
                ..Default::default()
            }),
            ..Default::default()
        }
    }

    fn image() -> Message {
        Message {
            image_message: MessageField::some(ImageMessage::default()),
            ..Default::default()
        }
    }

    fn group_key() -> Message {
        Message {
            sender_key_distribution_message: MessageField::some(SenderKeyDistributionMessage::default()),
            ..Default::default()
        }
    }

    fn body(message: &Message) -> Option<String> {
        match received(message) {
            Some(Content::Text { body }) => Some(body),
            _ => None,
        }
    }

    fn unsupported(message: &Message) -> Option<String> {
        match received(message) {
            Some(Content::Unsupported { kind }) => Some(kind),
            _ => None,
        }
    }

    #[test]
    fn texts_are_found_in_all_their_forms() {
        let extended = Message {
            extended_text_message: MessageField::some(ExtendedTextMessage {
                text: Some("hello".to_owned()),
                ..Default::default()
            }),
            ..Default::default()
        };
        let ephemeral = Message {
            ephemeral_message: wrapper(extended.clone()),
            ..Default::default()
        };
        let view_once = Message {
            view_once_message_v2: wrapper(ephemeral.clone()),
            ..Default::default()
        };
        let device_sent = Message {
            device_sent_message: MessageField::some(DeviceSentMessage {
                message: MessageField::some(view_once.clone()),
                ..Default::default()
            }),
            ..Default::default()
        };
        let with_group_key = Message {
            conversation: Some("hello".to_owned()),
            ..group_key()
        };
        for message in [
            plain("hello"),
            extended,
            ephemeral,
            view_once,
            device_sent,
            with_group_key,
        ] {
            assert_eq!(body(&message).as_deref(), Some("hello"));
        }
    }

    #[test]
    fn an_answer_names_what_it_answers() {
        let context = MessageField::some(ContextInfo {
            stanza_id: Some("3EB0AA".to_owned()),
            ..Default::default()
        });
        let answer = Message {
            extended_text_message: MessageField::some(ExtendedTextMessage {
                text: Some("hello".to_owned()),
                context_info: context.clone(),
                ..Default::default()
            }),
            ..Default::default()
        };
        let picture = Message {
            image_message: MessageField::some(ImageMessage {
                context_info: context,
                ..Default::default()
            }),
            ..Default::default()
        };
        let wrapped = Message {
            ephemeral_message: wrapper(answer.clone()),
            ..Default::default()
        };
        for message in [answer, picture, wrapped] {
            assert_eq!(quoted(&message), Some("3EB0AA".to_owned().into()));
        }
        assert_eq!(quoted(&plain("hello")), None);
        assert_eq!(quoted(&image()), None);
    }

    #[test]
    fn everything_else_a_person_does_is_named() {
        let reaction = Message {
            reaction_message: MessageField::some(ReactionMessage::default()),
            ..Default::default()
        };
        let image_beside_empty_text = Message {
            conversation: Some(String::new()),
            ..image()
        };
        let image_once = Message {
            view_once_message: wrapper(image()),
            ..Default::default()
        };
        let image_with_group_key = Message {
            image_message: MessageField::some(ImageMessage::default()),
            ..group_key()
        };
        let edit = Message {
            edited_message: wrapper(protocol(Some(Type::MESSAGE_EDIT))),
            ..Default::default()
        };
        for (message, kind) in [
            (image(), "imageMessage"),
            (image_beside_empty_text, "imageMessage"),
            (image_once, "imageMessage"),
            (image_with_group_key, "imageMessage"),
            (reaction, "reactionMessage"),
            (edit, "editedMessage"),
            (protocol(Some(Type::MESSAGE_EDIT)), "editedMessage"),
            (protocol(Some(Type::REVOKE)), "protocolMessage.revoke"),
            (protocol(None), "protocolMessage.revoke"),
            (Message::default(), "unknown"),
        ] {
            assert_eq!(unsupported(&message).as_deref(), Some(kind));
        }
    }

    #[test]
    fn traffic_between_devices_is_nobodys_message() {
        let context_only = Message {
            message_context_info: MessageField::some(MessageContextInfo::default()),
            ..Default::default()
        };
        for message in [
            group_key(),
            context_only,
            protocol(Some(Type::APP_STATE_SYNC_KEY_SHARE)),
            protocol(Some(Type::HISTORY_SYNC_NOTIFICATION)),
            protocol(Some(Type::EPHEMERAL_SETTING)),
        ] {
            assert_eq!(received(&message), None);
        }
    }

    #[test]
    fn wrappers_without_end_are_not_followed() {
        let mut message = plain("deep");
        for _ in 0..=DEEPEST_WRAPPING {
            message = Message {
                ephemeral_message: wrapper(message),
                ..Default::default()
            };
        }
        assert_eq!(unsupported(&message).as_deref(), Some("ephemeralMessage"));
    }

    #[test]
    fn names_are_written_as_in_the_schema() {
        assert_eq!(camel_case("view_once_message_v2"), "viewOnceMessageV2");
        assert_eq!(camel_case("call"), "call");
    }

    #[test]
    fn only_texts_can_be_sent() {
        let text = Content::Text {
            body: "hello".to_owned(),
        };
        assert_eq!(
            outgoing(&text)
                .and_then(|message| message.conversation)
                .as_deref(),
            Some("hello")
        );
        let kind = "imageMessage".to_owned();
        assert!(outgoing(&Content::Unsupported { kind }).is_none());
    }
}
