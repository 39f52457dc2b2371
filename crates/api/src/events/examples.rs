//! Examples of every type of event, for the document of the API.

use postern_domain::EventType;
use postern_payloads::{LoggedEvent, example};
use serde_json::{Value, json};
use utoipa::openapi::RefOr;
use utoipa::openapi::example::{Example, ExampleBuilder};
use utoipa::openapi::response::Response;

/// Adds the examples to the answer of a route, if it answers events.
pub(crate) fn add_examples(path: &str, answer: &mut Response) {
    let (media, write): (&str, fn(EventType) -> Value) = match path {
        "/v1/events/{id}" => ("application/json", one),
        "/v1/events" => ("application/json", page),
        "/v1/events/stream" => ("text/event-stream", piece),
        _ => return,
    };
    if let Some(content) = answer.content.get_mut(media) {
        content.examples = EventType::ALL
            .into_iter()
            .map(|kind| (kind.name().to_owned(), written(write(kind))))
            .collect();
    }
}

fn written(value: Value) -> RefOr<Example> {
    RefOr::T(ExampleBuilder::new().value(Some(value)).build())
}

fn one(kind: EventType) -> Value {
    json!(LoggedEvent::new(&example(kind)))
}

fn page(kind: EventType) -> Value {
    json!({ "data": [one(kind)], "nextCursor": null })
}

fn piece(kind: EventType) -> Value {
    let event = example(kind);
    json!({ "id": event.id.to_string(), "event": kind.name(), "data": postern_payloads::body(&event) })
}
