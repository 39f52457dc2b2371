//! `/openapi.json`: the description of every route, made from the handlers and the route table.

mod answers;
mod table;

use std::sync::LazyLock;

use actix_web::HttpResponse;
use bytes::Bytes;
use serde_json::Value;
use utoipa::OpenApi as _;

use self::table::FromTheTables;
use crate::errors::{ErrorCode, ErrorEnvelope};
use crate::messages::{AcceptedMessage, Message};
use crate::{analytics, api_keys, audit, devices, docs, events, health, messages, webhooks, workspaces};

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
    servers((url = "/", description = "The gateway that answered this document.")),
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
        (name = "Documentation", description = "What you are reading, and the pages beside it; no API key needed."),
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
        audit::list, analytics::summary, health::healthz, health::readyz, get, docs::explorer, docs::page,
        docs::llms, docs::llms_full,
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
    let mut document = serde_json::to_value(Document::openapi()).unwrap_or_default();
    // utoipa knows no examples of components.
    document["components"]["examples"] = answers::examples();
    Value::to_string(&document)
}

/// This document
#[utoipa::path(get, path = "/openapi.json", tag = "Operations", operation_id = "getOpenApi", responses(
    (status = 200, description = "The description of this API in OpenAPI 3.1.", content_type = "application/json"),
))]
pub(crate) async fn get() -> HttpResponse {
    HttpResponse::Ok().content_type(JSON).body(TEXT.clone())
}
