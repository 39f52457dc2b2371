//! `/openapi.json`: the description of every route, made from the handlers and the route table.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use actix_web::HttpResponse;
use bytes::Bytes;
use serde_json::{Value, json};
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::Operation;
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{ContentBuilder, Ref, RefOr};
use utoipa::{Modify, OpenApi as _};

use crate::errors::{ErrorCode, ErrorEnvelope};
use crate::messages::{AcceptedMessage, Message};
use crate::routes::{Access, ROUTES, Route};
use crate::{analytics, api_keys, devices, events, health, messages, webhooks, workspaces};

/// The name of the one way to authenticate.
const SCHEME: &str = "apiKey";
const JSON: &str = "application/json";

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Postern",
        description = "A self-hosted WhatsApp gateway: link an account by QR code, send and receive over HTTP.\n\n\
            First steps: `POST /v1/devices`, `POST /v1/devices/{id}/pair`, scan `GET /v1/devices/{id}/qr`, wait until \
            the device is `connected`, then `POST /v1/messages` with an `Idempotency-Key`.\n\n\
            Bodies are JSON in camelCase, times are RFC 3339 in UTC. Unknown fields and parameters are refused. \
            Every answer carries `X-Request-Id`; send one of your own (1 to 64 letters, digits, `_` or `-`) to find \
            a request again in your logs and the gateway's.\n\n\
            Errors come in one envelope, `{\"error\":{\"code\",\"message\",\"details\",\"requestId\"}}`. Retry 503 \
            after `Retry-After` and connection failures at once, with the same `Idempotency-Key`.",
    ),
    tags(
        (name = "Messages", description = "Send messages, follow what became of them, read what came in."),
        (name = "Batches", description = "Send many messages in one request, follow them, take them back."),
        (name = "Devices", description = "Linked-device sessions: create, pair by QR or pairing code, pause, reconnect, log out, remove."),
        (name = "Events", description = "Everything that happened, as webhooks tell it: listed, read one by one, or followed live."),
        (name = "Analytics", description = "What became of the messages of some days, in numbers."),
        (name = "Webhooks", description = "Have events sent to your HTTP endpoint: register it, see how its deliveries go, send again."),
        (name = "API keys", description = "Make keys for those who call this API, and take them back."),
        (name = "Workspace", description = "Your workspace, what its plan allows, and what is used of that."),
        (name = "Administration", description = "For whoever runs the gateway: its workspaces."),
        (name = "Operations", description = "For probes and tools; no API key needed."),
    ),
    paths(
        messages::send, messages::list, messages::get, messages::reschedule, messages::cancel, messages::retry,
        messages::release, messages::send_batch, messages::get_batch, messages::cancel_batch,
        devices::create, devices::list, devices::get, devices::change, devices::delete, devices::pair,
        devices::qr, devices::qr_by_extension, devices::ask, devices::show, devices::pause, devices::resume,
        devices::reconnect, devices::log_out, devices::release_parked, devices::cancel_parked,
        events::list, events::stream, events::get,
        api_keys::create, api_keys::list, api_keys::get, api_keys::change, api_keys::revoke, api_keys::rotate,
        workspaces::own, workspaces::rename, workspaces::usage, workspaces::register, workspaces::create,
        workspaces::list, workspaces::get, workspaces::change, workspaces::deactivate, workspaces::activate, workspaces::add_key,
        webhooks::create, webhooks::list, webhooks::get, webhooks::change, webhooks::delete, webhooks::rotate_secret,
        webhooks::test, webhooks::attempts, webhooks::replay, webhooks::show_replay, webhooks::redeliver,
        analytics::summary, health::healthz, health::readyz, get,
    ),
    components(schemas(AcceptedMessage, Message, ErrorEnvelope, ErrorCode)),
    modifiers(&FromTheTables),
)]
struct Document;

static TEXT: LazyLock<Bytes> = LazyLock::new(|| Bytes::from(document()));

/// The OpenAPI document, as `/openapi.json` answers it.
#[must_use]
pub fn document() -> String {
    // A document that was built is a tree of texts: it cannot fail to be written.
    Document::openapi().to_pretty_json().unwrap_or_default()
}

/// This document
#[utoipa::path(get, path = "/openapi.json", tag = "Operations", operation_id = "getOpenApi", responses(
    (status = 200, description = "The description of this API in OpenAPI 3.1.", content_type = "application/json"),
))]
pub(crate) async fn get() -> HttpResponse {
    HttpResponse::Ok().content_type(JSON).body(TEXT.clone())
}

/// Adds what the route table and the table of error codes know.
struct FromTheTables;

impl Modify for FromTheTables {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let mut scheme = Http::new(HttpAuthScheme::Bearer);
        scheme.description = Some("An API key: `sk_live_` (`sk_test_` from a gateway that talks to a sandbox) and 48 hexadecimal digits.".to_owned());
        components.add_security_scheme(SCHEME, SecurityScheme::Http(scheme));
        for code in ErrorCode::ALL {
            let answer = RefOr::T(error_answer(&[*code]));
            components.responses.insert(code.name().to_owned(), answer);
        }
        for route in ROUTES {
            if let Some(operation) = operation(document, route) {
                complete(operation, route);
                if let Some(answer) = success(operation) {
                    events::add_examples(route.path, answer);
                }
            }
        }
    }
}

fn operation<'a>(document: &'a mut utoipa::openapi::OpenApi, route: &Route) -> Option<&'a mut Operation> {
    let item = document.paths.paths.get_mut(route.path)?;
    match route.method.as_str() {
        "GET" => item.get.as_mut(),
        "POST" => item.post.as_mut(),
        "PATCH" => item.patch.as_mut(),
        "DELETE" => item.delete.as_mut(),
        _ => None,
    }
}

/// The errors an operation answers, and the key it needs.
fn complete(operation: &mut Operation, route: &Route) {
    if let Access::Key(scope) = route.access {
        let key = SecurityRequirement::new(SCHEME, [scope.name()]);
        operation.security = Some(vec![key]);
        let text = operation.description.get_or_insert_default();
        let gap = if text.is_empty() { "" } else { "\n\n" };
        *text += &format!("{gap}Needs an API key with the scope `{scope}`.");
    }
    let mut by_status: BTreeMap<u16, Vec<ErrorCode>> = BTreeMap::new();
    for code in route.all_errors() {
        by_status.entry(code.status().as_u16()).or_default().push(code);
    }
    for (status, codes) in by_status {
        let answer = RefOr::T(error_answer(&codes));
        operation.responses.responses.insert(status.to_string(), answer);
    }
}

fn success(operation: &mut Operation) -> Option<&mut Response> {
    match operation.responses.responses.get_mut("200")? {
        RefOr::T(answer) => Some(answer),
        RefOr::Ref(_) => None,
    }
}

fn error_answer(codes: &[ErrorCode]) -> Response {
    let meanings = codes
        .iter()
        .map(|code| format!("`{}`: {}", code.name(), code.meaning()));
    let examples = codes.iter().map(|code| {
        (
            code.name(),
            RefOr::T(ExampleBuilder::new().value(Some(example(*code))).build()),
        )
    });
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("ErrorEnvelope")))
        .examples_from_iter(examples)
        .build();
    let answer = ResponseBuilder::new()
        .description(meanings.collect::<Vec<_>>().join("\n\n"))
        .content(JSON, content);
    if codes.iter().any(|code| code.may_be_retried()) {
        let seconds = ObjectBuilder::new().schema_type(Type::Integer).build();
        let header = HeaderBuilder::new()
            .schema(seconds)
            .description(Some("How many seconds to wait before asking again."));
        return answer.header("Retry-After", header.build()).build();
    }
    answer.build()
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
