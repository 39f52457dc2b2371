//! Chromium's driver in a process of its own, with everything that it starts.

use std::process::Stdio;

use anyhow::Context as _;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// A running driver. It ends with its browser when it is dropped, whatever became of the test.
pub(crate) struct Driver {
    process: Child,
    url: String,
}

impl Driver {
    /// Starts one on a free port; `None` where there is none.
    pub(crate) async fn start() -> anyhow::Result<Option<Self>> {
        let process = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .kill_on_drop(true)
            .spawn();
        let Ok(mut process) = process else {
            return Ok(None);
        };
        let mut lines = BufReader::new(process.stdout.take().context("no output")?).lines();
        let port = loop {
            let line = lines.next_line().await?.context("the driver ended")?;
            if let Some((_, port)) = line.split_once("started successfully on port ") {
                break port.trim_end_matches('.').to_owned();
            }
        };
        let url = format!("http://127.0.0.1:{port}");
        Ok(Some(Self { process, url }))
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
