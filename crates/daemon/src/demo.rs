//! `postern demo`: the whole way from QR code to read message, each step shown as it happens.
//!
//! Everything is real but the network: a daemon in a temporary folder, its REST API over HTTP, WhatsApp's
//! protocol underneath. The demo only does what an operator, a backend and two people with phones would do.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::Context as _;
use postern_api::{ApiKeySecret, KeyKind};
use postern_sandbox::{Sandbox, SandboxConfig};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::cli::Demo;
use crate::config::{Config, LogConfig, Overrides};
use crate::logging;
use crate::serve::{Daemon, asked_to_stop};

/// The operator's phone, whose account is linked.
const OWNER: &str = "+4915112345678";
/// The contact that is written to and answers.
const CONTACT: &str = "+15551234567";
/// How long any one step may take.
const STEP: Duration = Duration::from_secs(60);

/// Runs the demonstration; with `--once` it ends with its outcome, otherwise everything stays up to be tried.
pub(crate) async fn command(flags: Demo) -> anyhow::Result<()> {
    let once = flags.once || !flags.behind_dashes.is_empty();
    logging::start(&LogConfig::plain(flags.log_format, "warn"), None)?;
    let folder = tempfile::tempdir()?;
    let network = Sandbox::start(SandboxConfig {
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        state_dir: None,
    })
    .await?;
    let overrides = Overrides::default()
        .with("server.listen", Some(flags.listen))
        .with("data.dir", Some(folder.path().display()))
        .with("whatsapp.url", Some(network.websocket_url()));
    let config = Config::load(None, [], overrides)?;
    let key = ApiKeySecret::generate(KeyKind::Test);
    let daemon = Daemon::start(config, Some(key.expose()), false).await?;

    let stage = Stage::new(&daemon, &network, key.expose())?;
    let outcome = match stage.play().await {
        Ok(device) if !once => {
            stage.invite(&device);
            daemon.announce_dashboard().await?;
            asked_to_stop().await
        }
        outcome => outcome.map(drop),
    };
    daemon.stop().await;
    network.stop().await;
    if outcome.is_ok() && once {
        println!("\nThe message was read and the answer arrived.");
    }
    outcome
}

/// The two servers as their users reach them.
struct Stage {
    client: Client,
    api: String,
    sandbox: String,
    key: String,
}

impl Stage {
    fn new(daemon: &Daemon, network: &Sandbox, key: &str) -> anyhow::Result<Self> {
        // Fails only when the process has a provider already, which serves as well.
        drop(rustls::crypto::ring::default_provider().install_default());
        Ok(Self {
            client: Client::builder().no_proxy().timeout(STEP).build()?,
            api: daemon.url(),
            sandbox: network.control_url(),
            key: key.to_owned(),
        })
    }

    /// The whole way; answers the device.
    async fn play(&self) -> anyhow::Result<String> {
        println!("A simulated WhatsApp network runs at  {}", self.sandbox);
        println!("The REST API runs at                  {}\n", self.api);

        println!("1. The operator creates a device and asks for its QR code.");
        let device = self.post("/v1/devices", &json!({ "name": "demo" })).await?;
        let device = device["id"].as_str().context("the device has no id")?.to_owned();
        self.post(&format!("/v1/devices/{device}/pair"), &json!({}))
            .await?;
        let picture = self.text(&format!("/v1/devices/{device}/qr.txt?wait=30")).await?;
        println!("\n{picture}\n");

        println!("2. The operator's phone ({OWNER}) scans it.");
        let qr = self.get(&format!("/v1/devices/{device}/qr.json")).await?;
        self.act(&format!("/phones/{OWNER}/scan"), &json!({ "qr": qr["code"] }))
            .await?;
        self.follow(&format!("/v1/devices/{device}"), "state", "connected")
            .await?;

        println!("\n3. A backend posts a message to {CONTACT}.");
        let body = json!({
            "deviceId": device, "to": CONTACT, "type": "text", "text": { "body": "Hello from Postern 👋" },
        });
        let message = self.post("/v1/messages", &body).await?;
        let message = message["id"]
            .as_str()
            .context("the message has no id")?
            .to_owned();
        self.timeline(&message, "read").await?;
        let received = self.received().await?;
        println!("   the contact's phone decrypted: {received}");

        println!("\n4. The contact answers.");
        self.act(
            &format!("/contacts/{CONTACT}/messages"),
            &json!({ "to": OWNER, "text": "Got it!" }),
        )
        .await?;
        let answer = self.answer().await?;
        println!(
            "   received from {}: {}",
            answer["from"].as_str().unwrap_or_default(),
            answer["text"]["body"]
        );
        Ok(device)
    }

    /// What to try next, with everything filled in.
    fn invite(&self, device: &str) {
        let Self {
            api, sandbox, key, ..
        } = self;
        println!(
            "
It stays up; press Ctrl-C to end it. Try, in another terminal:

  export KEY={key}

  # send a message, and send it again: the same answer, one message
  curl -i {api}/v1/messages -H \"Authorization: Bearer $KEY\" -H 'Idempotency-Key: first-try' \\
    --json '{{\"deviceId\":\"{device}\",\"to\":\"{CONTACT}\",\"type\":\"text\",\"text\":{{\"body\":\"Hi!\"}}}}'

  # what the contact's phone shows
  curl {sandbox}/contacts/{CONTACT}/messages

  # let the contact write, and list what came in
  curl {sandbox}/contacts/{CONTACT}/messages --json '{{\"to\":\"{OWNER}\",\"text\":\"Hello back\"}}'
  curl \"{api}/v1/messages?direction=inbound\" -H \"Authorization: Bearer $KEY\"

  # break the link and watch it heal
  curl {sandbox}/faults --json '{{\"phone\":\"{OWNER}\",\"kind\":\"close\"}}'
  curl {api}/v1/devices/{device} -H \"Authorization: Bearer $KEY\"
"
        );
    }

    /// Prints each value that `field` takes until it is `wanted`.
    async fn follow(&self, path: &str, field: &str, wanted: &str) -> anyhow::Result<()> {
        let deadline = Instant::now() + STEP;
        let mut shown = String::new();
        loop {
            let answer = self.get(path).await?;
            let value = answer[field].as_str().unwrap_or_default().to_owned();
            if value != shown {
                println!("   {value} ({})", answer["reason"].as_str().unwrap_or_default());
                shown = value;
            }
            if shown == wanted {
                return Ok(());
            }
            pause(deadline, wanted, &shown).await?;
        }
    }

    /// Prints each step of a message as it is recorded, until it is `wanted`.
    async fn timeline(&self, message: &str, wanted: &str) -> anyhow::Result<()> {
        let deadline = Instant::now() + STEP;
        let mut shown = 0;
        loop {
            let answer = self.get(&format!("/v1/messages/{message}")).await?;
            let steps = answer["timeline"].as_array().cloned().unwrap_or_default();
            for step in steps.iter().skip(shown) {
                println!(
                    "   {} {}",
                    step["at"].as_str().unwrap_or_default(),
                    step["status"].as_str().unwrap_or_default()
                );
            }
            shown = steps.len();
            let status = answer["status"].as_str().unwrap_or_default();
            if status == wanted {
                return Ok(());
            }
            anyhow::ensure!(status != "failed", "the message failed: {}", answer["error"]);
            pause(deadline, wanted, status).await?;
        }
    }

    /// The first text the contact has.
    async fn received(&self) -> anyhow::Result<String> {
        let request = self
            .client
            .get(format!("{}/contacts/{CONTACT}/messages", self.sandbox));
        let list = answer(request).await?;
        let list = list.get("data").unwrap_or(&list);
        Ok(list[0]["text"]
            .as_str()
            .context("the contact has no message")?
            .to_owned())
    }

    /// Waits for the first message that came in.
    async fn answer(&self) -> anyhow::Result<Value> {
        let deadline = Instant::now() + STEP;
        loop {
            let page = self.get("/v1/messages?direction=inbound").await?;
            if let Some(first) = page["data"].as_array().and_then(|rows| rows.first()) {
                return Ok(first.clone());
            }
            pause(deadline, "received", "nothing").await?;
        }
    }

    async fn get(&self, path: &str) -> anyhow::Result<Value> {
        answer(self.request(Method::GET, path)).await
    }

    async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        answer(self.request(Method::POST, path).json(body)).await
    }

    async fn text(&self, path: &str) -> anyhow::Result<String> {
        let response = self.request(Method::GET, path).send().await?;
        anyhow::ensure!(
            response.status().is_success(),
            "{path}: {}",
            response.text().await?
        );
        Ok(response.text().await?)
    }

    /// Plays one of the two people with phones.
    async fn act(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        answer(self.client.post(format!("{}{path}", self.sandbox)).json(body)).await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("{}{path}", self.api))
            .bearer_auth(&self.key)
    }
}

/// The JSON of a 2xx answer; anything else is the error it describes.
async fn answer(request: RequestBuilder) -> anyhow::Result<Value> {
    let response = request.send().await?;
    let (status, url) = (response.status(), response.url().clone());
    let body = response.text().await?;
    anyhow::ensure!(status.is_success(), "{url} answered {status}: {body}");
    Ok(serde_json::from_str(&body).unwrap_or_default())
}

/// Waits a moment, or says what did not happen in time.
async fn pause(deadline: Instant, wanted: &str, seen: &str) -> anyhow::Result<()> {
    anyhow::ensure!(
        Instant::now() < deadline,
        "waited {STEP:?} for \"{wanted}\", still \"{seen}\""
    );
    tokio::time::sleep(Duration::from_millis(25)).await;
    Ok(())
}
