//! The JSON of events, as webhooks, streams and the documentation show it.
//!
//! Everywhere it is `{"type", "timestamp", "data": {…, "deviceId", "seq"}}`; where the transport does not carry the id of
//! the event ([`LoggedEvent`]), `id` and `number` stand before it. Every field is always present; what does not apply is
//! `null`.

mod data;
mod examples;

use postern_domain::Event;
use serde::Serialize;
use utoipa::ToSchema;

pub use self::data::*;
pub use self::examples::{example, fresh_example};

/// The JSON of an event: the body of a webhook, byte for byte what is signed, and of a stream's event.
#[must_use]
pub fn body(event: &Event) -> String {
    // Strings and numbers are written into memory: nothing of it fails.
    serde_json::to_string(&EventBody::new(event)).unwrap_or_default()
}

/// What webhooks and streams carry of an event.
#[derive(Serialize, ToSchema)]
pub struct EventBody {
    /// What kind of change it tells of.
    #[serde(rename = "type")]
    #[schema(example = "message.delivered")]
    kind: &'static str,
    /// When the change was made.
    #[schema(format = DateTime)]
    timestamp: String,
    /// What changed.
    data: EventData,
}

impl EventBody {
    /// Of this event.
    #[must_use]
    pub fn new(event: &Event) -> Self {
        Self {
            kind: event.kind.name(),
            timestamp: event.at.to_rfc3339(),
            data: EventData::new(event),
        }
    }
}

/// An event as lists show it.
#[derive(Serialize, ToSchema)]
pub struct LoggedEvent {
    /// Its id: the `webhook-id` of its deliveries, and the `id` in streams.
    #[schema(example = "evt_01KBCS1XG00000000000000001")]
    id: String,
    /// Its place among the events of the workspace, growing. A number is missing where an event was deleted.
    #[schema(example = 1207)]
    number: u64,
    /// What webhooks and streams carry of it.
    #[serde(flatten)]
    body: EventBody,
}

impl LoggedEvent {
    /// Of this event.
    #[must_use]
    pub fn new(event: &Event) -> Self {
        Self {
            id: event.id.to_string(),
            number: event.workspace_seq,
            body: EventBody::new(event),
        }
    }
}

#[cfg(test)]
mod tests {
    use postern_domain::EventType;

    use super::*;

    fn json(kind: EventType) -> serde_json::Value {
        serde_json::from_str(&body(&example(kind))).expect("JSON")
    }

    #[test]
    fn there_is_an_example_of_every_type_and_all_have_one_shape() {
        for kind in EventType::ALL {
            assert_eq!(example(kind).kind, kind);
            let json = json(kind);
            let object = json.as_object().expect("an object");
            assert_eq!(
                object.keys().collect::<Vec<_>>(),
                ["data", "timestamp", "type"],
                "{kind}"
            );
            assert_eq!(json["type"], kind.name());
            let data = json["data"].as_object().expect("an object");
            assert!(
                data.contains_key("deviceId") && data.contains_key("seq"),
                "{kind}"
            );
            let of_a_device = kind != EventType::WebhookDisabled && kind != EventType::QuotaWarning;
            assert_eq!(json["data"]["deviceId"].is_string(), of_a_device, "{kind}");
            assert_eq!(json["data"]["seq"].is_number(), of_a_device, "{kind}");
            assert_eq!(body(&example(kind)), body(&example(kind)), "the same every time");
        }
    }

    #[test]
    fn what_the_caller_sent_along_comes_back_as_it_came() {
        let text = body(&example(EventType::MessageFailed));
        assert!(text.contains(r#""metadata":{"orderId":"1234"}"#), "{text}");
        let json = json(EventType::MessageFailed);
        assert_eq!(json["data"]["clientReference"], "order-1234");
        assert_eq!(json["data"]["error"]["code"], "NOT_ON_WHATSAPP");
    }

    #[test]
    fn lists_say_which_event_it_is() {
        let event = example(EventType::MessageReceived);
        let json = serde_json::to_value(LoggedEvent::new(&event)).expect("JSON");
        assert_eq!(json["id"], event.id.to_string());
        assert_eq!(json["number"], event.workspace_seq);
        assert_eq!(json["data"]["text"]["body"], "Where is my order?");
    }
}
