//! A Baileys client in a Node process, spoken to in lines of JSON.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::Context as _;
use postern_testkit::{DEADLINE, TestSandbox};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// Still in wide use; of a server's certificates it looks at a serial number only.
pub(super) const BAILEYS_6: &str = "baileys-6";
/// It means to verify the whole certificate chain.
pub(super) const BAILEYS_7: &str = "baileys-7";

/// What the client's package says it needs.
const NODE_MAJOR: u32 = 20;

/// The clients that can be started here: both, or none after the reason was printed.
pub(super) async fn installed() -> &'static [&'static str] {
    match why_not().await {
        None => &[BAILEYS_6, BAILEYS_7],
        Some(reason) => {
            println!("SKIPPED: nothing is tested with Baileys, because {reason}");
            &[]
        }
    }
}

async fn why_not() -> Option<String> {
    let version = Command::new("node").arg("--version").output().await.ok();
    let version = version.and_then(|output| String::from_utf8(output.stdout).ok());
    let Some(version) = version else {
        return Some("there is no Node.js".to_owned());
    };
    let major = version.trim_start_matches('v').split('.').next();
    if major.and_then(|major| major.parse().ok()) < Some(NODE_MAJOR) {
        return Some(format!(
            "it needs Node.js {NODE_MAJOR} and this is {}",
            version.trim()
        ));
    }
    // npm writes this file last.
    if !folder().join("node_modules/.package-lock.json").is_file() {
        return Some("it is not installed: run `npm ci` in tests/baileys".to_owned());
    }
    None
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/baileys")
}

/// The public key with which the sandbox signs its certificates, in hexadecimal.
pub(super) async fn root_of(network: &TestSandbox) -> anyhow::Result<String> {
    let root = network.http().get("/root-key").await?.ok()?;
    Ok(root["hex"].as_str().context("no root key")?.to_owned())
}

/// A running client.
pub(super) struct Baileys {
    child: Child,
    commands: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    seen: Vec<Value>,
}

impl Baileys {
    /// Starts one with the credentials in a folder, or new ones. It verifies signatures, from this sandbox's root on.
    pub(super) async fn start(
        client: &str,
        network: &TestSandbox,
        credentials: &TempDir,
    ) -> anyhow::Result<Self> {
        let root = root_of(network).await?;
        Self::start_with(client, network, credentials, Some(&root))
    }

    /// The same with another root of trust, or with the client just as it was published, which has none.
    pub(super) fn start_with(
        client: &str,
        network: &TestSandbox,
        credentials: &TempDir,
        root: Option<&str>,
    ) -> anyhow::Result<Self> {
        let mut child = Command::new("node")
            .arg("driver.mjs")
            .args(["--client", client, "--url", network.websocket_url(), "--auth"])
            .arg(credentials.path())
            .args(root.map(|root| format!("--root={root}")))
            .current_dir(folder())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let stdout = child.stdout.take().context("no standard output")?;
        Ok(Self {
            commands: child.stdin.take().context("no standard input")?,
            lines: BufReader::new(stdout).lines(),
            child,
            seen: Vec::new(),
        })
    }

    /// Starts one with new credentials and links it to this number.
    pub(super) async fn linked(
        client: &str,
        network: &TestSandbox,
        credentials: &TempDir,
        phone: &str,
    ) -> anyhow::Result<Self> {
        let mut baileys = Self::start(client, network, credentials).await?;
        baileys.link(network, phone).await?;
        Ok(baileys)
    }

    /// Lets the phone with this number scan the client's code.
    pub(super) async fn link(&mut self, network: &TestSandbox, phone: &str) -> anyhow::Result<()> {
        let shown = self.event("qr").await?;
        network
            .scan(phone, shown["qr"].as_str().context("no code")?)
            .await?;
        self.event("open").await.map(drop)
    }

    /// The first event of this kind, past or to come.
    pub(super) async fn event(&mut self, kind: &str) -> anyhow::Result<Value> {
        self.sees(kind, |event| event["event"] == kind).await
    }

    /// The first event that is so, past or to come.
    async fn sees(&mut self, what: &str, is_it: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
        if let Some(event) = self.seen.iter().find(|event| is_it(event)) {
            return Ok(event.clone());
        }
        loop {
            let event = self
                .next()
                .await
                .with_context(|| format!("no {what:?}, but {:#?}", self.seen))?;
            if is_it(&event) {
                return Ok(event);
            }
        }
    }

    async fn next(&mut self) -> anyhow::Result<Value> {
        let line = tokio::time::timeout(DEADLINE, self.lines.next_line()).await??;
        let line = line.context("it ended")?;
        let event: Value = serde_json::from_str(&line).with_context(|| line.clone())?;
        self.seen.push(event.clone());
        anyhow::ensure!(event["event"] != "error", "it could not do as it was told");
        Ok(event)
    }

    /// Waits until this text is received, or sent by another device of the account; answers its event.
    pub(super) async fn text(&mut self, text: &str) -> anyhow::Result<Value> {
        self.sees(text, |event| event["event"] == "message" && event["text"] == text)
            .await
    }

    /// Waits until a message has this status, in Baileys' own words.
    pub(super) async fn status(&mut self, id: &str, status: &str) -> anyhow::Result<()> {
        self.sees(status, |event| event["id"] == id && event["status"] == status)
            .await
            .map(drop)
    }

    /// Whether there was an event of this kind so far.
    pub(super) fn saw(&self, kind: &str) -> bool {
        self.seen.iter().any(|event| event["event"] == kind)
    }

    /// Sends a text; answers the stanza id.
    pub(super) async fn send(&mut self, to: &str, text: &str) -> anyhow::Result<String> {
        self.command(&json!({ "command": "send", "to": to, "text": text }))
            .await?;
        let sent = self
            .sees("sent", |event| event["event"] == "sent" && event["text"] == text)
            .await?;
        Ok(sent["id"].as_str().context("no id")?.to_owned())
    }

    /// Gives any other command.
    pub(super) async fn command(&mut self, command: &Value) -> anyhow::Result<()> {
        Ok(self.commands.write_all(format!("{command}\n").as_bytes()).await?)
    }

    /// Ends it; the credentials stay.
    pub(super) async fn quit(mut self) -> anyhow::Result<()> {
        self.command(&json!({ "command": "quit" })).await?;
        self.event("close").await?;
        let status = tokio::time::timeout(DEADLINE, self.child.wait()).await??;
        anyhow::ensure!(status.success(), "it ended with {status}");
        Ok(())
    }
}
