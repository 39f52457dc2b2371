//! The REST API: what `/v1` answers, and how a request becomes a call to the store.
//!
//! A request passes the edge (request id, access log, panics), the route table, the check of its API key
//! and of the scope that the table asks for, and its handler's extractors; the handler makes one call to the store and
//! turns the result into a DTO. Every failure on that way is an [`ApiError`] and leaves in one envelope.
//!
//! The API writes what is wanted (a message, an intent, a request to pair) and rings; it never talks to a
//! session. An answer that promises something is sent after the store committed it.

mod acts;
mod analytics;
mod api;
mod api_keys;
mod audit;
mod auth;
mod devices;
mod docs;
mod edge;
mod errors;
mod events;
mod extract;
mod health;
mod limits;
mod messages;
mod meters;
mod openapi;
mod page;
mod places;
pub mod qr;
mod routes;
mod server;
mod texts;
mod webhooks;
mod workspaces;

pub use api::{Api, ApiConfig};
pub use auth::Caller;
pub use errors::{ApiError, ErrorCode, FieldError};
pub use meters::{RequestMeters, Requests};
pub use openapi::document;
pub use postern_domain::{ApiKeySecret, KeyKind, Network, NotANetwork, NotAnApiKey};
pub use routes::{Access, Body, ROUTES, Route};
pub use server::{ServerOptions, server, server_with, starting};
