//! The SQL of `postern.db`: one file a table, each a set of named functions that take the connection first.

pub(super) mod api_keys;
pub(super) mod attempts;
pub(super) mod audit;
pub(super) mod batches;
pub(super) mod columns;
pub(super) mod daily;
pub(super) mod deliveries;
pub(super) mod devices;
pub(super) mod endpoints;
pub(super) mod events;
pub(super) mod history;
pub(super) mod idempotency;
pub(super) mod log;
pub(super) mod messages;
pub(super) mod operators;
pub(super) mod order;
pub(super) mod outbox;
pub(super) mod reading;
pub(super) mod recipients;
pub(super) mod replays;
pub(super) mod sealed;
pub(super) mod search;
pub(super) mod shelves;
pub(super) mod timeline;
pub(super) mod webhooks;
pub(super) mod workspaces;
