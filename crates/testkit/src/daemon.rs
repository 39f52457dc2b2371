//! The built daemon in a process of its own, with a data folder that survives kills and restarts.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

use crate::process::Running;
use crate::{Http, Postern, TestSandbox, eventually};

/// The key every test daemon is started with.
const KEY: &str = "sk_live_0123456789abcdef0123456789abcdef0123456789abcdef";

/// What differs from a daemon's defaults.
#[derive(Debug, Clone, Default)]
pub struct DaemonOptions {
    /// Environment variables, e.g. `POSTERN_SESSIONS__ACK_TIMEOUT`.
    pub environment: Vec<(String, String)>,
    /// Where its data folder is made, if not where temporary files are.
    pub parent: Option<PathBuf>,
    /// Where it listens, if not on a free port.
    pub listen: Option<String>,
    /// Whether it logs JSON.
    pub logs_json: bool,
}

impl DaemonOptions {
    /// Sets a configuration key, e.g. `SESSIONS__ACK_TIMEOUT`.
    #[must_use]
    pub fn set(mut self, key: &str, value: &str) -> Self {
        self.environment
            .push((format!("POSTERN_{key}"), value.to_owned()));
        self
    }

    /// Listens at this address, e.g. the one it had before.
    #[must_use]
    pub fn listening(mut self, address: &str) -> Self {
        self.listen = Some(address.to_owned());
        self
    }

    /// Logs JSON instead of lines for people.
    #[must_use]
    pub fn logging_json(mut self) -> Self {
        self.logs_json = true;
        self
    }

    /// Makes the data folder in this one.
    #[must_use]
    pub fn inside(mut self, parent: impl Into<PathBuf>) -> Self {
        self.parent = Some(parent.into());
        self
    }
}

/// A running daemon.
#[derive(Debug)]
pub struct TestDaemon {
    postern: Postern,
    options: DaemonOptions,
    network: String,
    data: Arc<TempDir>,
    running: Running,
    http: Http,
}

impl TestDaemon {
    /// Starts one on a free port, with a fresh data folder, linked to `network`.
    ///
    /// # Errors
    /// It does not start.
    pub async fn start(postern: &Postern, network: &TestSandbox) -> anyhow::Result<Self> {
        Self::start_with(postern, network, DaemonOptions::default()).await
    }

    /// The same with other settings.
    ///
    /// # Errors
    /// It does not start.
    pub async fn start_with(
        postern: &Postern,
        network: &TestSandbox,
        options: DaemonOptions,
    ) -> anyhow::Result<Self> {
        let data = match &options.parent {
            Some(parent) => tempfile::tempdir_in(parent)?,
            None => tempfile::tempdir()?,
        };
        Self::start_in(postern, network, options, data).await
    }

    /// The same on a data folder that may hold something, and stays for as long as anybody has it.
    ///
    /// # Errors
    /// It does not start.
    pub async fn start_in(
        postern: &Postern,
        network: &TestSandbox,
        options: DaemonOptions,
        data: impl Into<Arc<TempDir>>,
    ) -> anyhow::Result<Self> {
        let data = data.into();
        let network = network.websocket_url().to_owned();
        let (running, http) = launch(postern, &options, &network, data.path()).await?;
        Ok(Self {
            postern: postern.clone(),
            options,
            network,
            data,
            running,
            http,
        })
    }

    /// The REST API, with the daemon's key.
    #[must_use]
    pub fn http(&self) -> &Http {
        &self.http
    }

    /// The API key it was started with.
    #[must_use]
    pub fn key(&self) -> &'static str {
        KEY
    }

    /// Its data folder.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        self.data.path()
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.running.pid()
    }

    /// How it ended, if it has.
    ///
    /// # Errors
    /// The system does not say.
    pub fn ended(&mut self) -> anyhow::Result<Option<std::process::ExitStatus>> {
        self.running.ended()
    }

    /// What it logged since it was last started.
    #[must_use]
    pub fn log(&self) -> Vec<String> {
        self.running.log()
    }

    /// SIGKILL; the data folder stays.
    ///
    /// # Errors
    /// The process cannot be killed.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        self.running.kill().await
    }

    /// SIGTERM; answers the exit code.
    ///
    /// # Errors
    /// It does not stop.
    pub async fn terminate(&mut self) -> anyhow::Result<Option<i32>> {
        self.running.terminate().await
    }

    /// Starts it again on the same data folder, on a new port.
    ///
    /// # Errors
    /// It does not start.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        (self.running, self.http) =
            launch(&self.postern, &self.options, &self.network, self.data.path()).await?;
        Ok(())
    }

    /// The same with other settings, which stay for later restarts.
    ///
    /// # Errors
    /// It does not start.
    pub async fn restart_with(&mut self, options: DaemonOptions) -> anyhow::Result<()> {
        self.options = options;
        self.restart().await
    }

    /// Starts it again and kills it with SIGKILL so long after its program began to run, however far it came.
    ///
    /// # Errors
    /// It does not run, or ended by itself.
    pub async fn die_while_starting(&self, after: Duration) -> anyhow::Result<()> {
        die(
            serve(&self.postern, &self.options, &self.network, self.data.path())?,
            after,
        )
        .await
    }

    /// The same with the first start on a data folder.
    ///
    /// # Errors
    /// It does not run, or ended by itself.
    pub async fn die_while_starting_in(
        postern: &Postern,
        network: &TestSandbox,
        options: &DaemonOptions,
        data: &Path,
        after: Duration,
    ) -> anyhow::Result<()> {
        die(serve(postern, options, network.websocket_url(), data)?, after).await
    }

    /// Creates a device; answers its id.
    ///
    /// # Errors
    /// It was refused.
    pub async fn create_device(&self) -> anyhow::Result<String> {
        let device = self
            .http
            .post("/v1/devices", &json!({ "name": "test" }))
            .await?
            .ok()?;
        Ok(device["id"].as_str().context("no id")?.to_owned())
    }

    /// Asks for pairing and answers the text of the QR code.
    ///
    /// # Errors
    /// No code appeared.
    pub async fn pairing_qr(&self, device: &str) -> anyhow::Result<String> {
        self.http
            .post(&format!("/v1/devices/{device}/pair"), &json!({}))
            .await?
            .ok()?;
        eventually("a QR code is on show", || async {
            let answer = self.http.get(&format!("/v1/devices/{device}/qr.json")).await?;
            Ok(if answer.status.is_success() {
                answer.json()?["code"].as_str().map(str::to_owned)
            } else {
                None
            })
        })
        .await
    }

    /// Creates a device and links it by letting the phone with this number scan its QR code; answers its id.
    ///
    /// # Errors
    /// It did not become connected.
    pub async fn link_device(&self, network: &TestSandbox, phone: &str) -> anyhow::Result<String> {
        let device = self.create_device().await?;
        self.pair(network, &device, phone).await?;
        Ok(device)
    }

    /// Links an existing device.
    ///
    /// # Errors
    /// It did not become connected.
    pub async fn pair(&self, network: &TestSandbox, device: &str, phone: &str) -> anyhow::Result<()> {
        let qr = self.pairing_qr(device).await?;
        network.scan(phone, &qr).await?;
        self.device_becomes(device, "connected").await.map(drop)
    }

    /// Waits until the device is in `state`; answers it.
    ///
    /// # Errors
    /// It did not happen.
    pub async fn device_becomes(&self, device: &str, state: &str) -> anyhow::Result<Value> {
        eventually(&format!("the device is {state}"), || async {
            let device = self.http.get(&format!("/v1/devices/{device}")).await?.ok()?;
            Ok((device["state"] == state).then_some(device))
        })
        .await
    }

    /// Posts a text; answers the message's id.
    ///
    /// # Errors
    /// It was refused.
    pub async fn send_text(&self, device: &str, to: &str, body: &str) -> anyhow::Result<String> {
        let answer = self
            .http
            .post("/v1/messages", &text(device, to, body))
            .await?
            .ok()?;
        Ok(answer["id"].as_str().context("no id")?.to_owned())
    }

    /// Waits until the message is in `status`; answers it. Fails at once when it ended otherwise.
    ///
    /// # Errors
    /// It did not happen.
    pub async fn message_reaches(&self, message: &str, status: &str) -> anyhow::Result<Value> {
        eventually(&format!("the message is {status}"), || async {
            let message = self.http.get(&format!("/v1/messages/{message}")).await?.ok()?;
            let ended = matches!(message["status"].as_str(), Some("failed" | "canceled"));
            anyhow::ensure!(
                !ended || message["status"] == status,
                "it ended otherwise: {message}"
            );
            Ok((message["status"] == status).then_some(message))
        })
        .await
    }
}

/// The body of a text message.
#[must_use]
pub fn text(device: &str, to: &str, body: &str) -> Value {
    json!({ "deviceId": device, "to": to, "type": "text", "text": { "body": body } })
}

async fn launch(
    postern: &Postern,
    options: &DaemonOptions,
    network: &str,
    data: &Path,
) -> anyhow::Result<(Running, Http)> {
    let command = serve(postern, options, network, data)?;
    let (running, lines) = Running::start(command, "listening on http://").await?;
    let line = lines.last().context("no line")?;
    let url = line
        .split_whitespace()
        .find(|word| word.starts_with("http://"))
        .context("no address")?;
    let http = Http::new(url.trim_end_matches('/'), Some(KEY))?;
    Ok((running, http))
}

fn serve(postern: &Postern, options: &DaemonOptions, network: &str, data: &Path) -> anyhow::Result<Command> {
    let data = data.to_str().context("a folder with a plain name")?;
    let listen = options.listen.as_deref().unwrap_or("127.0.0.1:0");
    let mut command = postern.command(&["serve", "--listen", listen, "--data-dir", data]);
    let format = if options.logs_json { "json" } else { "human" };
    command.args(["--sandbox-url", network, "--log-format", format]);
    command.env("POSTERN_BOOTSTRAP_API_KEY", KEY);
    command.envs(options.environment.iter().map(|(name, value)| (name, value)));
    Ok(command)
}

async fn die(mut command: Command, after: Duration) -> anyhow::Result<()> {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    tokio::time::sleep(after).await;
    let ended = child.try_wait()?;
    anyhow::ensure!(ended.is_none(), "it ended by itself: {ended:?}");
    Ok(child.kill().await?)
}
