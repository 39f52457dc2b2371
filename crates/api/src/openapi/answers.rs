//! What answers have in common: the envelope of errors, and headers.

use serde_json::{Map, Value, json};
use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{ContentBuilder, Ref, RefOr};

use super::JSON;
use crate::errors::ErrorCode;
use crate::routes::Access;

/// Headers of every answer to somebody with a key.
const LIMITS: [(&str, &str); 3] = [
    (
        "X-RateLimit-Limit",
        "How many requests a minute your plan allows this key; left out when it sets no limit.",
    ),
    ("X-RateLimit-Remaining", "How many of them are left."),
    (
        "X-RateLimit-Reset",
        "In how many seconds all of them are there again.",
    ),
];

/// An error with one of these codes, which share a status.
pub(super) fn error(codes: &[ErrorCode]) -> Response {
    let meanings = codes
        .iter()
        .map(|code| format!("`{}`: {}", code.name(), code.meaning()));
    let examples = codes.iter().map(|code| {
        let example = Ref::new(format!("#/components/examples/{}", code.name()));
        (code.name(), RefOr::Ref(example))
    });
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("ErrorEnvelope")))
        .examples_from_iter(examples)
        .build();
    let mut answer = ResponseBuilder::new()
        .description(meanings.collect::<Vec<_>>().join("\n\n"))
        .content(JSON, content)
        .build();
    for code in codes {
        for (name, header) in headers_of(*code) {
            answer.headers.insert(name.to_owned(), header);
        }
    }
    answer
}

fn headers_of(code: ErrorCode) -> Vec<(&'static str, Header)> {
    let mut headers = Vec::new();
    if code.may_be_retried() {
        headers.push((
            "Retry-After",
            number("How many seconds to wait before asking again."),
        ));
    }
    match code {
        ErrorCode::Unauthorized => headers.push(("WWW-Authenticate", text("`Bearer`."))),
        ErrorCode::EventGone => headers.push((
            "Oldest-Event-Id",
            text("The oldest event there is, if there is any."),
        )),
        _ => {}
    }
    headers
}

/// Adds the headers that every answer has, and those that say how much more the caller may ask.
pub(super) fn add_headers(answer: &mut Response, access: Access) {
    let id = text("The id of this request: yours, or a new one.");
    answer.headers.insert("X-Request-Id".to_owned(), id);
    if matches!(access, Access::Key(_)) {
        for (name, meaning) in LIMITS {
            answer.headers.insert(name.to_owned(), number(meaning));
        }
    }
}

fn number(meaning: &str) -> Header {
    header(Type::Integer, meaning)
}

fn text(meaning: &str) -> Header {
    header(Type::String, meaning)
}

fn header(kind: Type, meaning: &str) -> Header {
    let schema = ObjectBuilder::new().schema_type(kind).build();
    HeaderBuilder::new()
        .schema(schema)
        .description(Some(meaning))
        .build()
}

/// An example of every code, by its name.
pub(super) fn examples() -> Value {
    let examples = ErrorCode::ALL
        .iter()
        .map(|code| (code.name().to_owned(), json!({ "value": example(*code) })));
    Value::Object(examples.collect::<Map<_, _>>())
}

fn example(code: ErrorCode) -> Value {
    let mut error = json!({
        "code": code.name(),
        "message": code.meaning(),
        "requestId": "req_01JDXW6N4A7Q2M8Z5T9V3B1C0D",
    });
    if code == ErrorCode::Validation {
        let why =
            "no country has this calling code; write the number in international form, e.g. +15551234567";
        error["message"] = format!("to: {why}").into();
        error["details"] = json!([{ "field": "to", "message": why }]);
    }
    json!({ "error": error })
}
