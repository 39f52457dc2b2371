//! A real, headless Chromium, driven over the WebDriver protocol.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use base64::Engine as _;
use fantoccini::elements::Element;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use postern_testkit::eventually;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use url::Url;

/// How a page is looked at.
const LOOKS: [(&str, u32, u32, &str); 4] = [
    ("light", 1280, 800, "light"),
    ("dark", 1280, 800, "dark"),
    ("phone", 390, 844, "light"),
    ("phone-dark", 390, 844, "dark"),
];

/// A browser with its driver.
pub(crate) struct Browser {
    client: Client,
    screenshots: PathBuf,
    _driver: Child,
}

impl Browser {
    /// Starts one; `None`, with a word about it, where there is none.
    pub(crate) async fn start() -> anyhow::Result<Option<Self>> {
        let driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn();
        let Ok(mut driver) = driver else {
            println!("SKIPPED: there is no chromedriver, so the dashboard is not tested in a browser");
            return Ok(None);
        };
        let mut lines = BufReader::new(driver.stdout.take().context("no output")?).lines();
        let port = loop {
            let line = lines.next_line().await?.context("the driver ended")?;
            if let Some((_, port)) = line.split_once("started successfully on port ") {
                break port.trim_end_matches('.').to_owned();
            }
        };
        let capabilities = json!({
            "goog:chromeOptions": { "args": [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
                "--lang=en", "--no-first-run", "--disable-background-networking", "--window-size=1280,800",
            ] },
            "goog:loggingPrefs": { "browser": "ALL" },
        });
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(serde_json::from_value(capabilities)?)
            .connect(&format!("http://127.0.0.1:{port}"))
            .await?;
        let screenshots = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/screenshots");
        std::fs::create_dir_all(&screenshots)?;
        Ok(Some(Self {
            client,
            screenshots,
            _driver: driver,
        }))
    }

    pub(crate) async fn open(&self, url: &str) -> anyhow::Result<()> {
        Ok(self.client.goto(url).await?)
    }

    /// The first element that is there, once it is.
    pub(crate) async fn find(&self, css: &str) -> anyhow::Result<Element> {
        eventually(&format!("the page has {css}"), || async {
            let found = self.client.find_all(Locator::Css(css)).await?;
            Ok(found.into_iter().next())
        })
        .await
    }

    /// Waits until something is there; says what was instead when it does not come.
    pub(crate) async fn sees(&self, css: &str) -> anyhow::Result<()> {
        let found = self.find(css).await;
        if found.is_err() {
            self.shoot_once("failure").await?;
            let page = self.client.find(Locator::Css("main")).await?.text().await?;
            return found.map(drop).with_context(|| page);
        }
        Ok(())
    }

    pub(crate) async fn click(&self, css: &str) -> anyhow::Result<()> {
        // What a stream replaces between finding and clicking is found again.
        eventually(&format!("{css} can be clicked"), || async {
            let Ok(element) = self.client.find(Locator::Css(css)).await else {
                return Ok(None);
            };
            Ok(element.click().await.ok())
        })
        .await
    }

    pub(crate) async fn write(&self, css: &str, text: &str) -> anyhow::Result<()> {
        let field = self.find(css).await?;
        field.clear().await?;
        Ok(field.send_keys(text).await?)
    }

    /// How many there are.
    pub(crate) async fn count(&self, css: &str) -> anyhow::Result<usize> {
        Ok(self.client.find_all(Locator::Css(css)).await?.len())
    }

    pub(crate) async fn path(&self) -> anyhow::Result<String> {
        Ok(self.client.current_url().await?.path().to_owned())
    }

    /// Marks the page, so that it can be told whether it was loaded anew.
    pub(crate) async fn mark(&self) -> anyhow::Result<()> {
        self.client.execute("window.marked = true", vec![]).await?;
        Ok(())
    }

    /// Whether the page is the one that was marked.
    pub(crate) async fn is_marked(&self) -> anyhow::Result<bool> {
        Ok(self
            .client
            .execute("return window.marked === true", vec![])
            .await?
            == true)
    }

    /// The text in the QR code on the page, as a camera would see it.
    pub(crate) async fn scan(&self) -> anyhow::Result<String> {
        eventually("the QR code can be read", || async {
            let code = self.find("svg.qr").await?;
            let Ok(picture) = code.screenshot().await else {
                return Ok(None);
            };
            let picture = image::load_from_memory(&picture)?.to_luma8();
            let (width, height) = picture.dimensions();
            let (width, height) = (usize::try_from(width)?, usize::try_from(height)?);
            let pixels = picture.as_raw();
            let at = |x: usize, y: usize| pixels.get(y * width + x).copied().unwrap_or(255);
            let mut prepared = rqrr::PreparedImage::prepare_from_greyscale(width, height, at);
            let read = prepared.detect_grids().first().map(rqrr::Grid::decode);
            Ok(read.and_then(Result::ok).map(|(_, text)| text))
        })
        .await
    }

    /// Pictures of the whole page as it looks in light and dark, in a window and on a phone.
    pub(crate) async fn shoot(&self, name: &str) -> anyhow::Result<()> {
        for (look, width, height, scheme) in LOOKS {
            let phone = width < 500;
            let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": if phone { 2 } else { 1 }, "mobile": phone });
            self.devtools("Emulation.setDeviceMetricsOverride", metrics)
                .await?;
            let scheme = json!({ "features": [
                { "name": "prefers-color-scheme", "value": scheme },
                { "name": "prefers-reduced-motion", "value": "reduce" },
            ] });
            self.devtools("Emulation.setEmulatedMedia", scheme).await?;
            self.shoot_once(&format!("{name}-{look}")).await?;
            let wider = self
                .client
                .execute(
                    "return document.documentElement.scrollWidth > window.innerWidth",
                    vec![],
                )
                .await?;
            anyhow::ensure!(wider == false, "{name} is wider than its window: {look}");
        }
        self.devtools("Emulation.clearDeviceMetricsOverride", json!({}))
            .await?;
        self.devtools("Emulation.setEmulatedMedia", json!({ "features": [] }))
            .await?;
        Ok(())
    }

    async fn shoot_once(&self, name: &str) -> anyhow::Result<()> {
        let picture = self.devtools("Page.captureScreenshot", json!({})).await?;
        let picture = picture["data"].as_str().context("no picture")?;
        let picture = base64::engine::general_purpose::STANDARD.decode(picture)?;
        std::fs::write(self.screenshots.join(format!("{name}.png")), picture)?;
        Ok(())
    }

    /// What went wrong in the page, by the browser's own log: scripts that failed, and what the policy refused.
    pub(crate) async fn errors(&self) -> anyhow::Result<Vec<String>> {
        let log = self.client.issue_cmd(Extension::log()).await?;
        let lines = log.as_array().cloned().unwrap_or_default();
        let severe = lines.iter().filter(|line| line["level"] == "SEVERE");
        Ok(severe
            .filter_map(|line| line["message"].as_str().map(str::to_owned))
            .collect())
    }

    async fn devtools(&self, command: &str, parameters: Value) -> anyhow::Result<Value> {
        Ok(self
            .client
            .issue_cmd(Extension::devtools(command, &parameters))
            .await?)
    }

    pub(crate) async fn close(self) -> anyhow::Result<()> {
        Ok(tokio::time::timeout(Duration::from_secs(20), self.client.close()).await??)
    }
}

/// A command that only this browser knows.
#[derive(Debug)]
struct Extension {
    path: &'static str,
    body: String,
}

impl Extension {
    fn devtools(command: &str, parameters: &Value) -> Self {
        Self {
            path: "goog/cdp/execute",
            body: json!({ "cmd": command, "params": parameters }).to_string(),
        }
    }

    fn log() -> Self {
        Self {
            path: "se/log",
            body: json!({ "type": "browser" }).to_string(),
        }
    }
}

impl WebDriverCompatibleCommand for Extension {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, url::ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _url: &Url) -> (reqwest::Method, Option<String>) {
        (reqwest::Method::POST, Some(self.body.clone()))
    }
}
