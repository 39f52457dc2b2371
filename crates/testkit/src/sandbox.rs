//! A simulated WhatsApp network in a process of its own, so that a daemon can be killed without it.

use anyhow::Context as _;
use serde_json::{Value, json};

use crate::process::Running;
use crate::{Http, Postern, eventually};

/// A running sandbox: its phones, contacts and faults.
#[derive(Debug)]
pub struct TestSandbox {
    running: Running,
    websocket_url: String,
    http: Http,
}

impl TestSandbox {
    /// Starts one on a free port, with its state in memory.
    ///
    /// # Errors
    /// It does not start.
    pub async fn start(postern: &Postern) -> anyhow::Result<Self> {
        let command = postern.command(&["sandbox", "--listen", "127.0.0.1:0", "--log-format", "human"]);
        let (running, lines) = Running::start(command, "ws://").await?;
        let line = lines.last().context("no line")?;
        let websocket_url = line
            .split_whitespace()
            .find(|word| word.starts_with("ws://"))
            .context("no address")?
            .to_owned();
        let base = websocket_url
            .replacen("ws://", "http://", 1)
            .replacen("/ws/chat", "/sandbox/v1", 1);
        Ok(Self {
            running,
            websocket_url,
            http: Http::new(base, None)?,
        })
    }

    /// Where clients connect to.
    #[must_use]
    pub fn websocket_url(&self) -> &str {
        &self.websocket_url
    }

    /// Its control API, rooted at `/sandbox/v1`.
    #[must_use]
    pub fn http(&self) -> &Http {
        &self.http
    }

    /// The phone with this number scans a QR code.
    ///
    /// # Errors
    /// It was refused.
    pub async fn scan(&self, phone: &str, qr: &str) -> anyhow::Result<()> {
        self.http
            .post(&format!("/phones/{phone}/scan"), &json!({ "qr": qr }))
            .await?
            .ok()
            .map(drop)
    }

    /// The phone with this number has the code that a client shows for it typed in.
    ///
    /// # Errors
    /// It was refused: the code is wrong or has expired, or nobody asked for one for this number.
    pub async fn enter_code(&self, phone: &str, code: &str) -> anyhow::Result<()> {
        self.http
            .post(&format!("/phones/{phone}/enter-code"), &json!({ "code": code }))
            .await?
            .ok()
            .map(drop)
    }

    /// Makes something go wrong for the phone's account.
    ///
    /// # Errors
    /// It was refused.
    pub async fn fault(&self, phone: &str, kind: &str) -> anyhow::Result<()> {
        self.fault_with(phone, kind, json!({})).await
    }

    /// The same with parameters: `device`, `delayMs`, `count`, and those of the kind.
    ///
    /// # Errors
    /// It was refused, or the parameters are not an object.
    pub async fn fault_with(&self, phone: &str, kind: &str, parameters: Value) -> anyhow::Result<()> {
        let mut body = json!({ "phone": phone, "kind": kind });
        let parameters = parameters.as_object().context("parameters are an object")?;
        for (name, value) in parameters {
            body[name] = value.clone();
        }
        self.http.post("/faults", &body).await?.ok().map(drop)
    }

    /// Nothing is to go wrong any more, for any account; what the sandbox held back comes now.
    ///
    /// # Errors
    /// It was refused.
    pub async fn clear_faults(&self) -> anyhow::Result<()> {
        self.http.delete("/faults").await?.ok().map(drop)
    }

    /// Changes a contact: `registered`, `online`, `autoRead`.
    ///
    /// # Errors
    /// It was refused.
    pub async fn set_contact(&self, contact: &str, change: Value) -> anyhow::Result<()> {
        self.http
            .put(&format!("/contacts/{contact}"), &change)
            .await?
            .ok()
            .map(drop)
    }

    /// The contact writes to a linked account.
    ///
    /// # Errors
    /// It was refused.
    pub async fn write(&self, contact: &str, to: &str, text: &str) -> anyhow::Result<()> {
        let body = json!({ "to": to, "text": text });
        self.http
            .post(&format!("/contacts/{contact}/messages"), &body)
            .await?
            .ok()
            .map(drop)
    }

    /// Makes a group of these numbers; answers its JID.
    ///
    /// # Errors
    /// It was refused.
    pub async fn create_group(&self, subject: &str, participants: &[&str]) -> anyhow::Result<String> {
        let body = json!({ "subject": subject, "participants": participants });
        let group = self.http.post("/groups", &body).await?.ok()?;
        Ok(group["id"].as_str().context("no id")?.to_owned())
    }

    /// What the contact received and decrypted, oldest first.
    ///
    /// # Errors
    /// The answer is not a list.
    pub async fn received_by(&self, contact: &str) -> anyhow::Result<Vec<Value>> {
        let answer = self
            .http
            .get(&format!("/contacts/{contact}/messages"))
            .await?
            .ok()?;
        let list = answer.get("data").unwrap_or(&answer);
        Ok(list.as_array().context("not a list")?.clone())
    }

    /// Waits until the contact has received `count` messages; answers them.
    ///
    /// # Errors
    /// It did not happen.
    pub async fn contact_has(&self, contact: &str, count: usize) -> anyhow::Result<Vec<Value>> {
        eventually(&format!("{contact} has {count} messages"), || async {
            let messages = self.received_by(contact).await?;
            Ok((messages.len() >= count).then_some(messages))
        })
        .await
    }

    /// Stops it as a person would.
    ///
    /// # Errors
    /// It does not stop.
    pub async fn terminate(mut self) -> anyhow::Result<Option<i32>> {
        self.running.terminate().await
    }
}
