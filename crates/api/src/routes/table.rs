//! The one table of routes: what there is, who may call it, what it reads, and how it may fail.

use actix_web::http::Method;
use actix_web::web;
use postern_domain::Scope::{
    Admin, AdminDaemon, DevicesManage, DevicesRead, EventsRead, MessagesRead, MessagesSend, UsageRead,
    WebhooksManage,
};

use super::Access::{Key, Open};
use super::Body::{Ignored, Json, OptionalJson};
use super::{Access, Body, Route};
use crate::errors::ErrorCode;
use crate::errors::ErrorCode::{
    EventGone, Forbidden, IdempotencyConflict, Internal, InvalidState, NotFound, Overloaded,
    PairingCodeNotReady, PartStopped, PayloadTooLarge, QrNotReady, QuotaExceeded, RateLimited,
    RequestTimeout, SessionDisconnected, Starting, Stopping, StorageStuck, StorageUnavailable,
    TooManyStreams, Unauthorized, UnsupportedMediaType, Validation, WhatsAppUnavailable,
};
use crate::{
    analytics, api_keys, audit, devices, docs, events, health, messages, openapi, webhooks, workspaces,
};

const GET: Method = Method::GET;
const POST: Method = Method::POST;
const PATCH: Method = Method::PATCH;
const DELETE: Method = Method::DELETE;
const SEND: &[ErrorCode] = &[NotFound, IdempotencyConflict, SessionDisconnected, QuotaExceeded];
const QR: &[ErrorCode] = &[Validation, QrNotReady, InvalidState];
const CODE: &[ErrorCode] = &[Validation, PairingCodeNotReady, InvalidState];
const ASK_CODE: &[ErrorCode] = &[InvalidState, WhatsAppUnavailable];
const REGISTER: &[ErrorCode] = &[Forbidden, RateLimited, Overloaded, StorageUnavailable];
const EVENTS: &[ErrorCode] = &[Validation, EventGone];
const STREAM: &[ErrorCode] = &[Validation, EventGone, TooManyStreams];
const PROBE: &[ErrorCode] = &[
    Overloaded,
    StorageUnavailable,
    StorageStuck,
    PartStopped,
    Starting,
    Stopping,
];

/// Every route of the API.
#[rustfmt::skip]
pub static ROUTES: &[Route] = &[
    route(POST,   "/v1/messages",                        Key(MessagesSend),   Json,         SEND,            || web::to(messages::send)),
    route(POST,   "/v1/messages/batch",                  Key(MessagesSend),   Json,         SEND,            || web::to(messages::send_batch)),
    route(GET,    "/v1/messages",                        Key(MessagesRead),   Ignored,      &[Validation],   || web::to(messages::list)),
    route(GET,    "/v1/messages/{id}",                   Key(MessagesRead),   Ignored,      &[],             || web::to(messages::get)),
    route(PATCH,  "/v1/messages/{id}",                   Key(MessagesSend),   Json,         &[InvalidState], || web::to(messages::reschedule)),
    route(POST,   "/v1/messages/{id}/retry",             Key(MessagesSend),   OptionalJson, &[InvalidState], || web::to(messages::retry)),
    route(POST,   "/v1/messages/{id}/cancel",            Key(MessagesSend),   OptionalJson, &[InvalidState], || web::to(messages::cancel)),
    route(POST,   "/v1/messages/{id}/release",           Key(MessagesSend),   OptionalJson, &[InvalidState], || web::to(messages::release)),

    route(GET,    "/v1/batches/{id}",                    Key(MessagesRead),   Ignored,      &[],             || web::to(messages::get_batch)),
    route(POST,   "/v1/batches/{id}/cancel",             Key(MessagesSend),   OptionalJson, &[],             || web::to(messages::cancel_batch)),

    route(POST,   "/v1/devices",                         Key(DevicesManage),  OptionalJson, &[QuotaExceeded], || web::to(devices::create)),
    route(GET,    "/v1/devices",                         Key(DevicesRead),    Ignored,      &[Validation],   || web::to(devices::list)),
    route(GET,    "/v1/devices/{id}",                    Key(DevicesRead),    Ignored,      &[],             || web::to(devices::get)),
    route(PATCH,  "/v1/devices/{id}",                    Key(DevicesManage),  Json,         &[],             || web::to(devices::change)),
    route(DELETE, "/v1/devices/{id}",                    Key(DevicesManage),  Ignored,      &[Validation],   || web::to(devices::delete)),
    route(POST,   "/v1/devices/{id}/pair",               Key(DevicesManage),  OptionalJson, &[InvalidState], || web::to(devices::pair)),
    route(GET,    "/v1/devices/{id}/qr",                 Key(DevicesManage),  Ignored,      QR,              || web::to(devices::qr)),
    route(GET,    "/v1/devices/{id}/qr.{format}",        Key(DevicesManage),  Ignored,      QR,              || web::to(devices::qr_by_extension)),
    route(POST,   "/v1/devices/{id}/pairing-code",       Key(DevicesManage),  Json,         ASK_CODE,        || web::to(devices::ask)),
    route(GET,    "/v1/devices/{id}/pairing-code",       Key(DevicesManage),  Ignored,      CODE,            || web::to(devices::show)),
    route(POST,   "/v1/devices/{id}/pause",              Key(DevicesManage),  OptionalJson, &[],             || web::to(devices::pause)),
    route(POST,   "/v1/devices/{id}/resume",             Key(DevicesManage),  OptionalJson, &[],             || web::to(devices::resume)),
    route(POST,   "/v1/devices/{id}/reconnect",          Key(DevicesManage),  OptionalJson, &[InvalidState], || web::to(devices::reconnect)),
    route(POST,   "/v1/devices/{id}/logout",             Key(DevicesManage),  OptionalJson, &[InvalidState], || web::to(devices::log_out)),
    route(POST,   "/v1/devices/{id}/parked/release",     Key(MessagesSend),   OptionalJson, &[InvalidState], || web::to(devices::release_parked)),
    route(POST,   "/v1/devices/{id}/parked/cancel",      Key(MessagesSend),   OptionalJson, &[],             || web::to(devices::cancel_parked)),

    route(GET,    "/v1/events",                          Key(EventsRead),     Ignored,      EVENTS,          || web::to(events::list)),
    route(GET,    "/v1/events/stream",                   Key(EventsRead),     Ignored,      STREAM,          || web::to(events::stream)),
    route(GET,    "/v1/events/{id}",                     Key(EventsRead),     Ignored,      &[],             || web::to(events::get)),

    route(POST,   "/v1/api-keys",                        Key(Admin),          Json,         &[],             || web::to(api_keys::create)),
    route(GET,    "/v1/api-keys",                        Key(Admin),          Ignored,      &[Validation],   || web::to(api_keys::list)),
    route(GET,    "/v1/api-keys/{id}",                   Key(Admin),          Ignored,      &[],             || web::to(api_keys::get)),
    route(PATCH,  "/v1/api-keys/{id}",                   Key(Admin),          Json,         &[InvalidState], || web::to(api_keys::change)),
    route(DELETE, "/v1/api-keys/{id}",                   Key(Admin),          Ignored,      &[],             || web::to(api_keys::revoke)),
    route(POST,   "/v1/api-keys/{id}/rotate",            Key(Admin),          OptionalJson, &[InvalidState], || web::to(api_keys::rotate)),

    route(GET,    "/v1/workspace",                       Key(UsageRead),      Ignored,      &[],             || web::to(workspaces::own)),
    route(PATCH,  "/v1/workspace",                       Key(Admin),          Json,         &[],             || web::to(workspaces::rename)),
    route(GET,    "/v1/usage",                           Key(UsageRead),      Ignored,      &[],             || web::to(workspaces::usage)),
    route(GET,    "/v1/audit",                           Key(Admin),          Ignored,      &[Validation],   || web::to(audit::list)),

    route(POST,   "/v1/admin/workspaces",                Key(AdminDaemon),    Json,         &[],             || web::to(workspaces::create)),
    route(GET,    "/v1/admin/workspaces",                Key(AdminDaemon),    Ignored,      &[Validation],   || web::to(workspaces::list)),
    route(GET,    "/v1/admin/workspaces/{id}",           Key(AdminDaemon),    Ignored,      &[],             || web::to(workspaces::get)),
    route(PATCH,  "/v1/admin/workspaces/{id}",           Key(AdminDaemon),    Json,         &[],             || web::to(workspaces::change)),
    route(POST,   "/v1/admin/workspaces/{id}/deactivate", Key(AdminDaemon),   Json,         &[],             || web::to(workspaces::deactivate)),
    route(POST,   "/v1/admin/workspaces/{id}/activate",  Key(AdminDaemon),    OptionalJson, &[],             || web::to(workspaces::activate)),
    route(POST,   "/v1/admin/workspaces/{id}/api-keys",  Key(AdminDaemon),    Json,         &[],             || web::to(workspaces::add_key)),

    route(GET,    "/v1/analytics/summary",               Key(UsageRead),      Ignored,      &[Validation],   || web::to(analytics::summary)),

    route(POST,   "/v1/webhooks",                        Key(WebhooksManage), Json,         &[InvalidState], || web::to(webhooks::create)),
    route(GET,    "/v1/webhooks",                        Key(WebhooksManage), Ignored,      &[Validation],   || web::to(webhooks::list)),
    route(GET,    "/v1/webhooks/{id}",                   Key(WebhooksManage), Ignored,      &[],             || web::to(webhooks::get)),
    route(PATCH,  "/v1/webhooks/{id}",                   Key(WebhooksManage), Json,         &[],             || web::to(webhooks::change)),
    route(DELETE, "/v1/webhooks/{id}",                   Key(WebhooksManage), Ignored,      &[],             || web::to(webhooks::delete)),
    route(POST,   "/v1/webhooks/{id}/rotate-secret",     Key(WebhooksManage), OptionalJson, &[],             || web::to(webhooks::rotate_secret)),
    route(POST,   "/v1/webhooks/{id}/test",              Key(WebhooksManage), Json,         &[],             || web::to(webhooks::test)),
    route(GET,    "/v1/webhooks/{id}/attempts",          Key(WebhooksManage), Ignored,      &[Validation],   || web::to(webhooks::attempts)),
    route(POST,   "/v1/webhooks/{id}/replay",            Key(WebhooksManage), Json,         &[InvalidState], || web::to(webhooks::replay)),
    route(GET,    "/v1/webhooks/{id}/replays/{replayId}", Key(WebhooksManage), Ignored,      &[],             || web::to(webhooks::show_replay)),
    route(POST,   "/v1/events/{id}/redeliver",           Key(WebhooksManage), OptionalJson, &[InvalidState], || web::to(webhooks::redeliver)),

    route(POST,   "/v1/register",                        Open,                Json,         REGISTER,        || web::to(workspaces::register)),

    route(GET,    "/healthz",                            Open,                Ignored,      &[],             || web::to(health::healthz)),
    route(GET,    "/readyz",                             Open,                Ignored,      PROBE,           || web::to(health::readyz)),
    route(GET,    "/openapi.json",                       Open,                Ignored,      &[],             || web::to(openapi::get)),
    route(GET,    "/docs",                               Open,                Ignored,      &[],             || web::to(docs::explorer)),
    route(GET,    "/docs/{page}",                        Open,                Ignored,      &[NotFound],     || web::to(docs::page)),
    route(GET,    "/llms.txt",                           Open,                Ignored,      &[],             || web::to(docs::llms)),
    route(GET,    "/llms-full.txt",                      Open,                Ignored,      &[],             || web::to(docs::llms_full)),
];

impl Route {
    /// Every error it answers, in the order of the table of codes.
    pub fn all_errors(&self) -> impl Iterator<Item = ErrorCode> + '_ {
        ErrorCode::ALL.iter().copied().filter(|code| {
            self.errors.contains(code)
                || match code {
                    Unauthorized | Forbidden | RateLimited | Overloaded | StorageUnavailable => {
                        matches!(self.access, Key(_))
                    }
                    Validation | PayloadTooLarge | UnsupportedMediaType | RequestTimeout => {
                        self.body != Ignored
                    }
                    NotFound => self.path.contains("{id}"),
                    Internal => true,
                    _ => false,
                }
        })
    }
}

const fn route(
    method: Method,
    path: &'static str,
    access: Access,
    body: Body,
    errors: &'static [ErrorCode],
    handler: fn() -> actix_web::Route,
) -> Route {
    Route {
        method,
        path,
        access,
        body,
        errors,
        handler,
    }
}
