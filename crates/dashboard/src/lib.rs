//! The dashboard: where an operator links a device by QR code, and sees how everything is.
//!
//! Pages are rendered here and read well without JavaScript; htmx swaps in what changed. Every page that shows
//! something alive has a stream: it is woken as the API's are, looks into the store, and sends the part of the
//! page that differs. Nothing is kept in the browser but a cookie with a random token and one with the chosen workspace.
//!
//! A request passes the guard of its route, which is a line in the one table: the session and its role, and for
//! everything that changes something where the request comes from and the session's token against forgery. Acts
//! are written through [`postern_store::Store::acting`], so that each is in the audit trail with its commit.
//!
//! The dashboard writes what is wanted and rings, like the API; it talks to no session and to no browser-side
//! state. With an owner's password lost, `docs/dashboard.md` has the way back.

mod answer;
mod assets;
mod dashboard;
mod failure;
mod fields;
mod guard;
mod pages;
mod routes;
mod sandbox;
mod security;
mod settings;
mod stream;
mod view;

pub use dashboard::{Dashboard, DashboardConfig, DashboardParts};
pub use routes::{Need, ROUTES, Route, configure};
pub use sandbox::{SandboxControl, SandboxError, SandboxMethod};
pub use security::{NotAPassword, password_hash};
pub use settings::Setting;
