//! The `postern` daemon: settings, wiring, subcommands, shutdown order.

pub mod config;
