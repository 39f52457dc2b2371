//! `postern.db`: workspaces, devices, messages, the outbox and the event log.
//!
//! A message is accepted ([`Store::accept`]) into `messages` and the outbox in one transaction with its
//! event and its idempotency record. Its device's session takes it from there ([`Store::claim`]), hands it
//! to WhatsApp, and records what comes back ([`Store::record`]); the outbox row goes when the server has
//! the message or nothing will help. Whatever was claimed and not answered comes again with the same
//! stanza id: after its deadline, after a lost connection ([`Store::release_claims`]), after a restart.
//! Messages may be accepted together ([`Store::accept_batch`]); from then on each goes its own way.
//!
//! Messages are found by their words through an index that is written behind them ([`Store::index_messages`]).
//!
//! How many messages stand where is counted with every write that moves them ([`Store::summary`]).
//!
//! Statuses only move forward, whoever reports what in which order: every change asks
//! [`postern_domain::MessageStatus::may_become`] first. Every change that matters appends its event in the
//! transaction of the change, numbered without gaps for its workspace and its device.

mod accept;
mod analytics;
mod api_keys;
mod audit;
mod batches;
mod checks;
mod claim;
mod deliveries;
mod devices;
mod events;
mod forget;
mod index;
mod levels;
mod meters;
mod observe;
mod operators;
mod overview;
mod parked;
mod quota;
mod receive;
mod record;
mod records;
mod replays;
mod revise;
mod sealing;
mod store;
mod sweep;
mod tables;
mod tally;
#[cfg(test)]
mod tests;
mod webhooks;
mod words;
mod workspaces;

pub use api_keys::{ApiKey, ApiKeyChange, ApiKeyError, Credentials, NewApiKey};
pub use audit::{Act, Actor, AuditEntry, Author};
pub(crate) use checks::{CHECKS, links};
pub use devices::CreateDeviceError;
pub use levels::{EndpointLevels, Levels};
pub use meters::StoreMeters;
pub use operators::{NewOperator, Operator, OperatorError, OperatorSession};
pub use overview::{Queue, Traffic};
pub use quota::QuotaExceeded;
pub use records::*;
pub use replays::{Redelivery, ReplayError};
pub use revise::MoveError;
pub(crate) use store::SCHEMA;
pub use store::{AcceptBatchError, AcceptError, LinkError, PairingError, RequestError, Store, StoreOptions};
pub use sweep::Swept;
pub use webhooks::{MOST_WEBHOOKS, WebhookError};
pub use words::{TextQuery, TextQueryError};
pub use workspaces::{Deactivation, Usage, Workspace, WorkspaceChange};
