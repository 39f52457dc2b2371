//! A gateway in which every page has something to show, and where each of its pages is.

use anyhow::Context as _;
use postern_dashboard::{ROUTES, Route};
use postern_testkit::{DaemonOptions, Reply, TestDaemon, TestSandbox, WebhookSink, eventually};
use serde_json::{Value, json};

use super::browser::Browser;
use super::visitor::Visitor;
use super::{OWNER_NAME, PASSWORD, with_owner_and};
use crate::{CONTACT, OWNER};

/// The account of the device that is paused.
const SECOND: &str = "+4915187654321";
/// A number without WhatsApp.
const NOBODY: &str = "+15550000001";

/// The gateway and its surroundings.
pub(crate) struct LivedIn {
    pub(crate) network: TestSandbox,
    _daemon: TestDaemon,
    pub(crate) owner: Visitor,
    pub(crate) sink: WebhookSink,
    /// Linked and connected.
    pub(crate) device: String,
    /// Linked and paused.
    paused: String,
    /// A code is on show.
    pairing: String,
    /// Was never linked.
    fresh: String,
    /// Was read.
    pub(crate) message: String,
    failed: String,
    scheduled: String,
    pub(crate) webhook: String,
    /// Was delivered to the webhook.
    pub(crate) event: String,
}

impl LivedIn {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let options = DaemonOptions::default()
            .set("WEBHOOKS__ALLOW", "127.0.0.0/8")
            .set("WEBHOOKS__ALLOW_HTTP", "true")
            // The next try is on another day at any time of the day: that takes more room than a time alone.
            .set("WEBHOOKS__RETRY_SECONDS", "0,200000");
        let (network, daemon, owner) = with_owner_and(options).await?;
        for (name, role) in [("otto", "operator"), ("vera@example.com", "viewer")] {
            let fields = [("name", name), ("password", PASSWORD), ("role", role)];
            owner.post("/people", &fields).await?;
        }
        let sink = WebhookSink::start().await?;
        sink.behave(|told| Reply::status(if told.kind() == "message.failed" { 503 } else { 204 }));
        let webhook = json!({ "url": sink.url("/hook"), "description": "The shop" });
        let webhook = created(&daemon, "/v1/webhooks", &webhook).await?;
        let [device, paused, pairing, fresh] =
            ["Support line", "Night shift", "Warehouse", "Front desk"].map(|name| json!({ "name": name }));
        let device = created(&daemon, "/v1/devices", &device).await?;
        let paused = created(&daemon, "/v1/devices", &paused).await?;
        let pairing = created(&daemon, "/v1/devices", &pairing).await?;
        let fresh = created(&daemon, "/v1/devices", &fresh).await?;
        daemon.pair(&network, &device, OWNER).await?;
        daemon.pair(&network, &paused, SECOND).await?;
        let pause = format!("/v1/devices/{paused}/pause");
        daemon.http().post(&pause, &json!({})).await?.ok()?;
        daemon.device_becomes(&paused, "disconnected").await?;
        daemon.pairing_qr(&pairing).await?;
        let (message, failed, scheduled) = correspond(&network, &daemon, &device).await?;
        let event = eventually("a message that was read is told of", || async {
            let told = sink.received();
            Ok(told
                .iter()
                .find(|told| told.kind() == "message.read")
                .map(|told| told.id().to_owned()))
        })
        .await?;
        Ok(Self {
            network,
            _daemon: daemon,
            owner,
            sink,
            device,
            paused,
            pairing,
            fresh,
            message,
            failed,
            scheduled,
            webhook,
            event,
        })
    }

    /// Every route that shows a page.
    pub(crate) fn pages() -> impl Iterator<Item = &'static Route> {
        ROUTES.iter().filter(|route| {
            route.method == "GET" && !route.path.ends_with("/stream") && !route.path.starts_with("/assets/")
        })
    }

    /// Where a page of the table has something to show.
    pub(crate) fn path(&self, route: &Route) -> anyhow::Result<String> {
        let example = match route.path.split('/').nth(1) {
            _ if !route.path.contains('{') => "",
            Some("devices") if route.path.ends_with("/pair") => &self.pairing,
            Some("devices") => &self.device,
            Some("messages") => &self.message,
            Some("webhooks") => &self.webhook,
            _ => anyhow::bail!("{} has nothing to show: make an example of it here", route.path),
        };
        Ok(route
            .path
            .replace("{id}", example)
            .replace("{event}", &self.event))
    }

    /// Pages of the table in a state of their own, each with a name.
    pub(crate) fn others(&self) -> Vec<(&'static str, String)> {
        vec![
            ("device-paused", format!("/devices/{}", self.paused)),
            ("device-fresh", format!("/devices/{}", self.fresh)),
            ("pairing-over", format!("/devices/{}/pair", self.fresh)),
            ("pairing-linked", format!("/devices/{}/pair", self.device)),
            ("message-failed", format!("/messages/{}", self.failed)),
            ("message-scheduled", format!("/messages/{}", self.scheduled)),
            (
                "webhook-failed",
                format!("/webhooks/{}?status=failed", self.webhook),
            ),
            ("usage-week", "/usage?days=7".to_owned()),
            ("messages-refused", "/messages?to=1&q=%2B".to_owned()),
            ("messages-found", "/messages?q=order&direction=out".to_owned()),
        ]
    }

    pub(crate) async fn open(&self, browser: &Browser, path: &str) -> anyhow::Result<()> {
        browser.open(&format!("{}{path}", self.owner.base)).await
    }

    /// Opens a page and answers what is wrong with it.
    pub(crate) async fn visit(
        &self,
        browser: &Browser,
        name: &str,
        path: &str,
    ) -> anyhow::Result<Vec<String>> {
        self.open(browser, path).await?;
        browser.sees("main h1").await?;
        browser.findings(name).await
    }

    /// Logs the browser in as the owner.
    pub(crate) async fn log_in(&self, browser: &Browser) -> anyhow::Result<()> {
        self.open(browser, "/login").await?;
        browser.write("#name", OWNER_NAME).await?;
        browser.write("#password", PASSWORD).await?;
        browser.click("button[type=submit]").await?;
        browser.sees(".shell").await
    }
}

/// Something new of the API's; answers its id.
async fn created(daemon: &TestDaemon, path: &str, body: &Value) -> anyhow::Result<String> {
    let created = daemon.http().post(path, body).await?.ok()?;
    Ok(created["id"].as_str().context("no id")?.to_owned())
}

/// Answers a message that was read, one that failed and one that is to come.
async fn correspond(
    network: &TestSandbox,
    daemon: &TestDaemon,
    device: &str,
) -> anyhow::Result<(String, String, String)> {
    network
        .set_contact(NOBODY, json!({ "registered": false }))
        .await?;
    let failed = daemon.send_text(device, NOBODY, "Is anybody there?").await?;
    daemon.message_reaches(&failed, "failed").await?;
    let text = "Your order 1234 is on its way. It arrives on Thursday.";
    let message = daemon.send_text(device, CONTACT, text).await?;
    let read = daemon.message_reaches(&message, "read").await?;
    let answer = "Great, thank you! Can it be left with the neighbour?";
    network.write(CONTACT, OWNER, answer).await?;
    eventually("the answer is there", || async {
        let found = daemon.http().get("/v1/messages?direction=inbound").await?.ok()?;
        Ok(found["data"].get(0).map(drop))
    })
    .await?;
    let now = read["createdAt"].as_str().context("no time")?;
    let later = chrono::DateTime::parse_from_rfc3339(now)? + chrono::TimeDelta::days(30);
    let later = json!({
        "deviceId": device, "to": CONTACT, "type": "text", "sendAt": later.to_rfc3339(),
        "text": { "body": "Your subscription ends next week." },
    });
    let scheduled = created(daemon, "/v1/messages", &later).await?;
    Ok((message, failed, scheduled))
}
