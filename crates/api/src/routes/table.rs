//! The one table of routes: what there is, who may call it, what it reads, and how it may fail.

use actix_web::http::Method;
use actix_web::web;

use super::Access::{Key, Open};
use super::Body::{Ignored, Json, OptionalJson};
use super::{Access, Body, Route};
use crate::errors::ErrorCode;
use crate::errors::ErrorCode::{
    EventGone, IdempotencyConflict, Internal, InvalidState, NotFound, Overloaded, PairingCodeNotReady,
    PayloadTooLarge, QrNotReady, SessionDisconnected, StorageUnavailable, TooManyStreams, Unauthorized,
    UnsupportedMediaType, Validation, WhatsAppUnavailable,
};
use crate::{analytics, devices, events, health, messages, openapi, webhooks};

const GET: Method = Method::GET;
const POST: Method = Method::POST;
const PATCH: Method = Method::PATCH;
const DELETE: Method = Method::DELETE;
const SEND: &[ErrorCode] = &[NotFound, IdempotencyConflict, SessionDisconnected];
const QR: &[ErrorCode] = &[Validation, QrNotReady, InvalidState];
const CODE: &[ErrorCode] = &[Validation, PairingCodeNotReady, InvalidState];
const ASK_CODE: &[ErrorCode] = &[InvalidState, WhatsAppUnavailable];
const EVENTS: &[ErrorCode] = &[Validation, EventGone];
const STREAM: &[ErrorCode] = &[Validation, EventGone, TooManyStreams];
const PROBE: &[ErrorCode] = &[Overloaded, StorageUnavailable];

/// Every route of the API.
#[rustfmt::skip]
pub static ROUTES: &[Route] = &[
    route(POST,   "/v1/messages",                        Key,  Json,         SEND,            || web::to(messages::send)),
    route(POST,   "/v1/messages/batch",                  Key,  Json,         SEND,            || web::to(messages::send_batch)),
    route(GET,    "/v1/messages",                        Key,  Ignored,      &[Validation],   || web::to(messages::list)),
    route(GET,    "/v1/messages/{id}",                   Key,  Ignored,      &[],             || web::to(messages::get)),
    route(PATCH,  "/v1/messages/{id}",                   Key,  Json,         &[InvalidState], || web::to(messages::reschedule)),
    route(POST,   "/v1/messages/{id}/retry",             Key,  OptionalJson, &[InvalidState], || web::to(messages::retry)),
    route(POST,   "/v1/messages/{id}/cancel",            Key,  OptionalJson, &[InvalidState], || web::to(messages::cancel)),
    route(POST,   "/v1/messages/{id}/release",           Key,  OptionalJson, &[InvalidState], || web::to(messages::release)),

    route(GET,    "/v1/batches/{id}",                    Key,  Ignored,      &[],             || web::to(messages::get_batch)),
    route(POST,   "/v1/batches/{id}/cancel",             Key,  OptionalJson, &[],             || web::to(messages::cancel_batch)),

    route(POST,   "/v1/devices",                         Key,  OptionalJson, &[],             || web::to(devices::create)),
    route(GET,    "/v1/devices",                         Key,  Ignored,      &[Validation],   || web::to(devices::list)),
    route(GET,    "/v1/devices/{id}",                    Key,  Ignored,      &[],             || web::to(devices::get)),
    route(PATCH,  "/v1/devices/{id}",                    Key,  Json,         &[],             || web::to(devices::change)),
    route(DELETE, "/v1/devices/{id}",                    Key,  Ignored,      &[Validation],   || web::to(devices::delete)),
    route(POST,   "/v1/devices/{id}/pair",               Key,  OptionalJson, &[InvalidState], || web::to(devices::pair)),
    route(GET,    "/v1/devices/{id}/qr",                 Key,  Ignored,      QR,              || web::to(devices::qr)),
    route(GET,    "/v1/devices/{id}/qr.{format}",        Key,  Ignored,      QR,              || web::to(devices::qr_by_extension)),
    route(POST,   "/v1/devices/{id}/pairing-code",       Key,  Json,         ASK_CODE,         || web::to(devices::ask)),
    route(GET,    "/v1/devices/{id}/pairing-code",       Key,  Ignored,      CODE,            || web::to(devices::show)),
    route(POST,   "/v1/devices/{id}/pause",              Key,  OptionalJson, &[],             || web::to(devices::pause)),
    route(POST,   "/v1/devices/{id}/resume",             Key,  OptionalJson, &[],             || web::to(devices::resume)),
    route(POST,   "/v1/devices/{id}/reconnect",          Key,  OptionalJson, &[InvalidState], || web::to(devices::reconnect)),
    route(POST,   "/v1/devices/{id}/logout",             Key,  OptionalJson, &[InvalidState], || web::to(devices::log_out)),
    route(POST,   "/v1/devices/{id}/parked/release",     Key,  OptionalJson, &[InvalidState], || web::to(devices::release_parked)),
    route(POST,   "/v1/devices/{id}/parked/cancel",      Key,  OptionalJson, &[],             || web::to(devices::cancel_parked)),

    route(GET,    "/v1/events",                          Key,  Ignored,      EVENTS,          || web::to(events::list)),
    route(GET,    "/v1/events/stream",                   Key,  Ignored,      STREAM,          || web::to(events::stream)),
    route(GET,    "/v1/events/{id}",                     Key,  Ignored,      &[],             || web::to(events::get)),

    route(GET,    "/v1/analytics/summary",               Key,  Ignored,      &[Validation],   || web::to(analytics::summary)),

    route(POST,   "/v1/webhooks",                        Key,  Json,         &[InvalidState], || web::to(webhooks::create)),
    route(GET,    "/v1/webhooks",                        Key,  Ignored,      &[Validation],   || web::to(webhooks::list)),
    route(GET,    "/v1/webhooks/{id}",                   Key,  Ignored,      &[],             || web::to(webhooks::get)),
    route(PATCH,  "/v1/webhooks/{id}",                   Key,  Json,         &[],             || web::to(webhooks::change)),
    route(DELETE, "/v1/webhooks/{id}",                   Key,  Ignored,      &[],             || web::to(webhooks::delete)),
    route(POST,   "/v1/webhooks/{id}/rotate-secret",     Key,  OptionalJson, &[],             || web::to(webhooks::rotate_secret)),
    route(POST,   "/v1/webhooks/{id}/test",              Key,  Json,         &[],             || web::to(webhooks::test)),
    route(GET,    "/v1/webhooks/{id}/attempts",          Key,  Ignored,      &[Validation],   || web::to(webhooks::attempts)),
    route(POST,   "/v1/webhooks/{id}/replay",            Key,  Json,         &[InvalidState], || web::to(webhooks::replay)),
    route(GET,    "/v1/webhooks/{id}/replays/{replayId}", Key, Ignored,      &[],             || web::to(webhooks::show_replay)),
    route(POST,   "/v1/events/{id}/redeliver",           Key,  OptionalJson, &[InvalidState], || web::to(webhooks::redeliver)),

    route(GET,    "/healthz",                            Open, Ignored,      &[],             || web::to(health::healthz)),
    route(GET,    "/readyz",                             Open, Ignored,      PROBE,           || web::to(health::readyz)),
    route(GET,    "/openapi.json",                       Open, Ignored,      &[],             || web::to(openapi::get)),
];

impl Route {
    /// Every error it answers, in the order of the table of codes.
    pub fn all_errors(&self) -> impl Iterator<Item = ErrorCode> + '_ {
        ErrorCode::ALL.iter().copied().filter(|code| {
            self.errors.contains(code)
                || match code {
                    Unauthorized | Overloaded | StorageUnavailable => self.access == Key,
                    Validation | PayloadTooLarge | UnsupportedMediaType => self.body != Ignored,
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
