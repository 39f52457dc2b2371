//! One of the example consumers as a running process.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::Context as _;
use postern_testkit::{DEADLINE, Http};
use reqwest::Client;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

/// In which language it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Node,
    Python,
}

/// Those whose packages are installed; says which are not.
pub(super) fn installed() -> Vec<Kind> {
    let mut found = vec![Kind::Node, Kind::Python];
    found.retain(|kind| {
        let there = kind.marker().exists();
        if !there {
            println!(
                "SKIPPED: the {kind:?} consumer is not tested, because tests/run did not install its packages"
            );
        }
        there
    });
    found
}

impl Kind {
    /// What is there when its packages are.
    fn marker(self) -> PathBuf {
        match self {
            Self::Node => root().join("examples/node/node_modules/standardwebhooks"),
            Self::Python => root().join("target/webhook-python/installed"),
        }
    }

    fn command(self) -> Command {
        let (program, script) = match self {
            Self::Node => (PathBuf::from("node"), "examples/node/webhook.mjs"),
            Self::Python => (
                root().join("target/webhook-python/bin/python"),
                "examples/python/webhook.py",
            ),
        };
        let mut command = Command::new(program);
        command.arg(root().join(script));
        command
    }
}

/// A running consumer.
pub(super) struct Consumer {
    _child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    /// Where it listens.
    pub(super) url: String,
}

impl Consumer {
    /// Starts one on this port, or on a free one when it is 0.
    pub(super) async fn start(kind: Kind, secret: Option<&str>, port: u16) -> anyhow::Result<Self> {
        let mut command = kind.command();
        command.env("PORT", port.to_string()).env_remove("WEBHOOK_SECRET");
        command.envs(secret.map(|secret| ("WEBHOOK_SECRET", secret)));
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let mut said = BufReader::new(child.stderr.take().context("no standard error")?).lines();
        let line = timeout(DEADLINE, said.next_line()).await??.context("it ended")?;
        let url = line.split([' ', ',']).find(|word| word.starts_with("http://"));
        let url = url.with_context(|| line.clone())?.to_owned();
        let out = child.stdout.take().context("no standard output")?;
        Ok(Self {
            _child: child,
            lines: BufReader::new(out).lines(),
            url,
        })
    }

    /// The port it listens on.
    pub(super) fn port(&self) -> anyhow::Result<u16> {
        let (_, port) = self.url.rsplit_once(':').context("no port")?;
        Ok(port.parse()?)
    }

    /// Posts a body; answers status and text.
    pub(super) async fn post(
        &self,
        body: &str,
        headers: &[(&'static str, String)],
    ) -> anyhow::Result<(u16, String)> {
        // Installs the crypto provider that every client needs, also one without TLS.
        Http::new(&*self.url, None)?;
        let mut request = Client::builder().no_proxy().build()?.post(&self.url);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let answer = request.body(body.to_owned()).send().await?;
        Ok((answer.status().as_u16(), answer.text().await?))
    }

    /// The next event it worked on: its line.
    pub(super) async fn worked(&mut self) -> anyhow::Result<String> {
        let line = timeout(DEADLINE, self.lines.next_line())
            .await
            .context("no event")??;
        line.context("it ended")
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
