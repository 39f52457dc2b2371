//! The API over a real server and a real store: what it answers, and what it never answers.

mod abuse;
mod acts;
mod analytics;
mod api_keys;
mod audit;
mod bad_batches;
mod bad_input;
mod batches;
mod devices;
mod document;
mod edge;
mod events;
mod harness;
mod health;
mod idempotency;
mod isolation;
mod limits;
mod lists;
mod messages;
mod privileges;
mod probe;
mod qr;
mod stream_ends;
mod tenancy;
mod webhooks;
mod workspaces;
