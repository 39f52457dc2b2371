//! The port against the simulated network: linking, messages both ways, and every end it can play.
#![cfg(feature = "sandbox")]

mod ending;
mod linking;
mod messaging;
mod support;
