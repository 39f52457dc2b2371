//! Chromium's driver in a process of its own, with everything that it starts.

use std::io::ErrorKind;
use std::process::Stdio;

use anyhow::Context as _;
use postern_testkit::eventually;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// A running driver. It ends with its browser when it is dropped, whatever became of the test.
pub(crate) struct Driver {
    process: Child,
    url: String,
    /// Kept open: whoever writes where nobody reads any more is ended.
    _output: Lines<BufReader<ChildStdout>>,
}

impl Driver {
    /// Starts one on a free port; `None` where there is none.
    pub(crate) async fn start() -> anyhow::Result<Option<Self>> {
        let version = Command::new("chromedriver").arg("--version").output().await;
        if version.is_err_and(|error| error.kind() == ErrorKind::NotFound) {
            return Ok(None);
        }
        let driver = eventually("the driver listens", Self::listening).await?;
        Ok(Some(driver))
    }

    /// `None` when it ended before: it wants a port for both kinds of addresses, takes one that is free for the first, and
    /// gives up when somebody has it for the other.
    async fn listening() -> anyhow::Result<Option<Self>> {
        let mut process = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let mut lines = BufReader::new(process.stdout.take().context("no output")?).lines();
        while let Some(line) = lines.next_line().await? {
            if let Some((_, port)) = line.split_once("started successfully on port ") {
                let url = format!("http://127.0.0.1:{}", port.trim_end_matches('.'));
                return Ok(Some(Self {
                    process,
                    url,
                    _output: lines,
                }));
            }
        }
        Ok(None)
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Driver {
    /// The browser would outlive a driver that is killed; it is in the driver's process group.
    fn drop(&mut self) {
        if let Some(group) = self.process.id() {
            let mut kill = std::process::Command::new("kill");
            kill.args(["-KILL", "--", &format!("-{group}")]);
            kill.stdout(Stdio::null()).stderr(Stdio::null()).status().ok();
        }
    }
}
