//! Any other server as a child process, e.g. a yardstick to measure against.

use anyhow::Context as _;
use tokio::process::Command;

use crate::process::Running;

/// A running server that printed its address.
#[derive(Debug)]
pub struct TestServer {
    running: Running,
    url: String,
}

impl TestServer {
    /// Starts `command` and waits for a line with `marker` and an `http://` address.
    ///
    /// # Errors
    /// It does not start.
    pub async fn start(command: Command, marker: &str) -> anyhow::Result<Self> {
        let (running, lines) = Running::start(command, marker).await?;
        let line = lines.last().context("no line")?;
        let url = line
            .split_whitespace()
            .find(|word| word.starts_with("http://"))
            .context("no address")?
            .to_owned();
        Ok(Self { running, url })
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.running.pid()
    }

    /// Where it answers.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}
