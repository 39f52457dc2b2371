//! The test harness: the built daemon and a sandbox as real processes, spoken to over HTTP only.
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! # use postern_testkit::{Postern, TestDaemon, TestSandbox};
//! let postern = Postern::at("target/debug/postern");
//! let network = TestSandbox::start(&postern).await?;
//! let daemon = TestDaemon::start(&postern, &network).await?;
//! let device = daemon.link_device(&network, "+4915112345678").await?;
//! let message = daemon.send_text(&device, "+15551234567", "hello").await?;
//! daemon.message_reaches(&message, "read").await?;
//! # Ok(()) }
//! ```

mod daemon;
mod http;
mod older;
mod process;
mod sandbox;
mod server;
mod sink;
mod wait;

pub use daemon::{DaemonOptions, TestDaemon, text};
pub use http::{Answer, Http};
pub use older::{OlderFolder, OlderMessage};
pub use process::Postern;
pub use sandbox::TestSandbox;
pub use server::TestServer;
pub use sink::{Received, Reply, WebhookSink};
pub use wait::{DEADLINE, eventually};
