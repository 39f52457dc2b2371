//! The kinds of text that requests carry, as the document of the API describes them: what the checks of the fields ask for,
//! in words that generators of clients and of tests understand.

use postern_domain::{EventType, MessageStatus};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{
    AnyOfBuilder, ArrayBuilder, ObjectBuilder, Schema, SchemaFormat, SchemaType, Type,
};
use utoipa::{PartialSchema, ToSchema};

macro_rules! texts {
    ($($name:ident { $description:expr; $($key:ident: $value:expr),+ $(,)? })*) => {
        $(
            #[doc = $description]
            pub(crate) enum $name {}

            impl PartialSchema for $name {
                fn schema() -> RefOr<Schema> {
                    let text = ObjectBuilder::new().schema_type(Type::String);
                    text.description(Some($description))$(.$key($value))+.into()
                }
            }

            impl ToSchema for $name {}
        )*

        /// Each of them under its name.
        pub(crate) fn all() -> impl Iterator<Item = (String, RefOr<Schema>)> {
            [$((stringify!($name).to_owned(), $name::schema())),*].into_iter()
        }
    };
}

/// A format that JSON Schema does not know, for people and for generators that can be taught it.
fn own(format: &str) -> Option<SchemaFormat> {
    Some(SchemaFormat::Custom(format.to_owned()))
}

macro_rules! id {
    (maybe $prefix:literal) => {
        Some(concat!("^(", $prefix, "_[0-7][0-9A-HJKMNP-TV-Z]{25})?$"))
    };
    ($prefix:literal) => {
        Some(concat!("^", $prefix, "_[0-7][0-9A-HJKMNP-TV-Z]{25}$"))
    };
}

texts! {
    DeviceId { "The id of a device."; pattern: id!("dev"), examples: ["dev_01JDXW6N4A7Q2M8Z5T9V3B1C0D"] }
    MessageId { "The id of a message."; pattern: id!("msg"), examples: ["msg_01JDXW7C9H3E5R2T8Y6V4J0P1A"] }
    BatchId { "The id of a batch."; pattern: id!("bat"), examples: ["bat_01JDXW8QK3M5V7X9Z1B3D5F7H9"] }
    EventId { "The id of an event."; pattern: id!("evt"), examples: ["evt_01KBC31ZM00000000000000003"] }
    LastEventId { "The id of an event; empty is none."; pattern: id!(maybe "evt"), examples: ["evt_01KBC31ZM00000000000000003"] }
    ApiKeyId { "The id of an API key, which is not the key."; pattern: id!("key"), examples: ["key_01JDXW6N4A7Q2M8Z5T9V3B1C0D"] }
    WorkspaceId { "The id of a workspace."; pattern: id!("ws"), examples: ["ws_01JDXW6N4A7Q2M8Z5T9V3B1C0D"] }
    WebhookId { "The id of a webhook endpoint."; pattern: id!("whk"), examples: ["whk_01JDXW6N4A7Q2M8Z5T9V3B1C0D"] }
    ReplayId { "The id of a replay."; pattern: id!("rpl"), examples: ["rpl_01JDXW6N4A7Q2M8Z5T9V3B1C0D"] }
    PhoneNumber {
        "A phone number in E.164, with or without `+`, of a length that its country has.";
        format: own("phone-number"), pattern: Some(r"^\+?[1-9][0-9]{4,14}$"), examples: ["+15551234567"],
    }
    Recipient {
        "A phone number in E.164 with or without `+`, a WhatsApp JID, or a group id (`…@g.us`).";
        format: own("recipient"),
        pattern: Some(r"^(\+?[1-9][0-9]{4,14}|[1-9][0-9]{4,14}@(s\.whatsapp\.net|c\.us)|[0-9]{1,20}@lid|[0-9]{1,20}(-[0-9]{1,19})?@g\.us)$"),
        examples: ["+15551234567"],
    }
    FutureTime {
        "A time to come: RFC 3339 with an offset.";
        format: own("date-time"), examples: ["2026-12-01T09:00:00Z"],
    }
    TimeOfDay { "`HH:MM`."; pattern: Some("^([01][0-9]|2[0-3]):[0-5][0-9]$"), examples: ["22:00"] }
    TimeZone { "The IANA name of a time zone."; format: own("time-zone"), examples: ["Europe/Berlin"] }
    Network { "An address, or a network as CIDR."; format: own("ip-network"), examples: ["203.0.113.0/24"] }
    Name {
        "1 to 100 characters, not only spaces, none of them a control character.";
        pattern: Some(LINE), min_length: Some(1), max_length: Some(100), examples: ["ACME"],
    }
    Reason {
        "1 to 200 characters, not only spaces, none of them a control character.";
        pattern: Some(LINE), min_length: Some(1), max_length: Some(200), examples: ["unpaid invoice 2026-10"],
    }
    Label {
        "Up to 100 characters, none of them a control character.";
        pattern: Some(ANY_LINE), max_length: Some(100), examples: ["Support line"],
    }
    Remark {
        "Up to 200 characters, none of them a control character.";
        pattern: Some(ANY_LINE), max_length: Some(200), examples: ["Order updates"],
    }
    Printable {
        "1 to 255 printable ASCII characters.";
        pattern: Some("^[ -~]+$"), min_length: Some(1), max_length: Some(255), examples: ["order-1234"],
    }
    IdempotencyKey {
        "1 to 255 printable ASCII characters.";
        pattern: Some("^[!-~]([ -~]*[!-~])?$"), min_length: Some(1), max_length: Some(255), examples: ["order-1234-shipped"],
    }
    Words {
        "Words, up to 16 of them.";
        format: own("words"), min_length: Some(1), max_length: Some(200), examples: ["invoice 2026"],
    }
    Plan { "The name of a plan of the gateway's configuration."; format: own("plan"), examples: ["growth"] }
    WebhookUrl {
        "An `https` address, or `http` where the configuration of the gateway allows it.";
        format: own("webhook-url"), pattern: Some("^https?://"), max_length: Some(2048),
        examples: ["https://example.com/hooks/whatsapp"],
    }
    Cursor { "`nextCursor` of the page before; opaque."; format: own("cursor") }
    EventTypeName { "A type of events."; enum_values: Some(EventType::ALL.map(EventType::name)), examples: ["message.received"] }
    EventTypeNames {
        "Types of events, with commas in between.";
        pattern: Some(comma_separated()), examples: ["message.received,message.failed"],
    }
    StatusName { "A status of messages."; enum_values: Some(MessageStatus::ALL.map(MessageStatus::name)), examples: ["delivered"] }
    DirectionName { "Which way messages go."; enum_values: Some(["outbound", "inbound"]), examples: ["inbound"] }
    OrderName { "Which end of a list comes first."; enum_values: Some(["newest", "oldest"]), examples: ["oldest"] }
    OutcomeName { "How tries ended."; enum_values: Some(["failed", "succeeded"]), examples: ["failed"] }
    Drawing { "What a code is drawn as."; enum_values: Some(["png", "svg", "txt", "json"]), examples: ["png"] }
}

/// A line of text in which something can be seen.
const LINE: &str =
    r"^[^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*$";
/// A line of text.
const ANY_LINE: &str = r"^[^\u0000-\u001f\u007f-\u009f]*$";

fn comma_separated() -> String {
    let names = EventType::ALL.map(|kind| kind.name().replace('.', r"\."));
    let one = names.join("|");
    format!("^({one})(,({one}))*$")
}

/// The types that an endpoint is to get from now on: some, or `["*"]` for all.
pub(crate) fn wanted_types() -> Schema {
    types("The types of events it gets; `[\"*\"]` is all, also those of later releases.")
}

/// The types that a new endpoint gets: all unless told.
pub(crate) fn wanted_types_or_all() -> Schema {
    types("The types of events it gets; left out, `null` or `[\"*\"]` is all, also those of later releases.")
}

fn types(description: &str) -> Schema {
    let names = EventType::ALL.map(EventType::name);
    let one = ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(names));
    let star = ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(["*"]));
    let some = ArrayBuilder::new()
        .items(one)
        .min_items(Some(1))
        .max_items(Some(EventType::ALL.len()));
    let all = ArrayBuilder::new()
        .items(star)
        .min_items(Some(1))
        .max_items(Some(1));
    AnyOfBuilder::new()
        .description(Some(description))
        .item(some)
        .item(all)
        .item(ObjectBuilder::new().schema_type(Type::Null))
        .into()
}

/// Headers of an endpoint's owner.
pub(crate) fn headers() -> Schema {
    let name = ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some("^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$"))
        .build();
    let value = ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some("^[!-~]([ -~]*[!-~])?$"))
        .min_length(Some(1))
        .max_length(Some(1024));
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::Object, Type::Null]))
        .description(Some(
            "Headers of yours that every request carries, at most 20 with values of at most 1 KiB. Those of the connection, \
             `Host` and `webhook-*` cannot be set, and none twice in letters of another size.",
        ))
        .property_names(Some(Schema::Object(name)))
        .additional_properties(Some(Schema::Object(value.build())))
        .max_properties(Some(20))
        .examples([serde_json::json!({ "Authorization": "Bearer s3cret" })])
        .into()
}
