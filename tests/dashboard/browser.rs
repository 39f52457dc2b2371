//! A real, headless Chromium, driven over the WebDriver protocol.

use fantoccini::elements::Element;
use fantoccini::error::{CmdError, ErrorStatus};
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use postern_testkit::{DEADLINE, eventually};
use serde_json::{Value, json};
use url::Url;

use super::driver::Driver;

/// Whether pages may run scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scripts {
    Run,
    Blocked,
}

/// A browser with its driver.
pub(crate) struct Browser {
    client: Client,
    _driver: Driver,
}

/// Does something with a browser of its own, which is closed whatever comes of it; nothing, with a word about it, where
/// there is none. What goes wrong on a page leaves a picture of it.
pub(crate) async fn in_browser(
    scripts: Scripts,
    walk: impl AsyncFnOnce(&Browser) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let Some(driver) = Driver::start().await? else {
        println!("SKIPPED: there is no chromedriver, so the dashboard is not tested in a browser");
        return Ok(());
    };
    let browser = Browser::open_with(driver, scripts).await?;
    let walked = walk(&browser).await;
    let walked = match walked {
        Ok(()) => Ok(()),
        Err(error) => Err(error.context(browser.what_was_shown().await)),
    };
    // The driver ends it as well, with all that belongs to it.
    tokio::time::timeout(DEADLINE, browser.client.close()).await.ok();
    walked
}

impl Browser {
    async fn open_with(driver: Driver, scripts: Scripts) -> anyhow::Result<Self> {
        let preferences = match scripts {
            Scripts::Run => json!({}),
            Scripts::Blocked => json!({ "profile.managed_default_content_settings.javascript": 2 }),
        };
        let patience = DEADLINE.as_millis();
        let capabilities = json!({
            "goog:chromeOptions": { "prefs": preferences, "args": [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
                "--lang=en", "--no-first-run", "--disable-background-networking", "--window-size=1280,800",
                // Nothing is photographed or measured halfway through a transition.
                "--force-prefers-reduced-motion",
            ] },
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
            "timeouts": { "script": patience, "pageLoad": patience },
        });
        let capabilities: serde_json::Map<_, _> = serde_json::from_value(capabilities)?;
        // On a busy machine a browser may be too slow for its own driver.
        let client = eventually("a browser starts", || async {
            let mut builder = ClientBuilder::new(HttpConnector::new());
            let started = builder.capabilities(capabilities.clone()).connect(driver.url());
            Ok(started.await.ok())
        })
        .await?;
        Ok(Self {
            client,
            _driver: driver,
        })
    }

    pub(crate) async fn open(&self, url: &str) -> anyhow::Result<()> {
        Ok(self.client.goto(url).await?)
    }

    /// The first element that is there, once it is.
    pub(crate) async fn find(&self, css: &str) -> anyhow::Result<Element> {
        let what = format!("the page has {css}");
        insist(&what, async || self.client.find(Locator::Css(css)).await).await
    }

    /// Waits until something is there.
    pub(crate) async fn sees(&self, css: &str) -> anyhow::Result<()> {
        self.find(css).await.map(drop)
    }

    async fn what_was_shown(&self) -> String {
        self.photograph("failure").await.ok();
        let words = async { self.client.find(Locator::Css("main")).await?.text().await };
        format!("the page said: {}", words.await.unwrap_or_default())
    }

    pub(crate) async fn click(&self, css: &str) -> anyhow::Result<()> {
        insist(&format!("{css} can be clicked"), async || {
            self.client.find(Locator::Css(css)).await?.click().await
        })
        .await
    }

    /// Writes into a field, over what was there.
    pub(crate) async fn write(&self, css: &str, text: &str) -> anyhow::Result<()> {
        insist(&format!("{css} can be written to"), async || {
            let field = self.client.find(Locator::Css(css)).await?;
            field.clear().await?;
            field.send_keys(text).await
        })
        .await
    }

    /// The words of the first element that is there, once it is.
    pub(crate) async fn text(&self, css: &str) -> anyhow::Result<String> {
        insist(&format!("{css} can be read"), async || {
            self.client.find(Locator::Css(css)).await?.text().await
        })
        .await
    }

    /// The words of everything like that on the page.
    pub(crate) async fn texts(&self, css: &str) -> anyhow::Result<Vec<String>> {
        let words =
            "return [...document.querySelectorAll(arguments[0])].map((element) => element.innerText.trim())";
        let words = self.execute(words, vec![json!(css)]).await?;
        Ok(serde_json::from_value(words)?)
    }

    /// Waits until the words of an element are these.
    pub(crate) async fn reads(&self, css: &str, wanted: &str) -> anyhow::Result<()> {
        eventually(&format!("{css} says {wanted}"), || async {
            Ok((self.text(css).await? == wanted).then_some(()))
        })
        .await
    }

    /// How many there are.
    pub(crate) async fn count(&self, css: &str) -> anyhow::Result<usize> {
        let what = format!("{css} can be counted");
        let found = insist(&what, async || self.client.find_all(Locator::Css(css)).await).await?;
        Ok(found.len())
    }

    pub(crate) async fn path(&self) -> anyhow::Result<String> {
        Ok(self.client.current_url().await?.path().to_owned())
    }

    /// Marks the page, so that it can be told whether it was loaded anew.
    pub(crate) async fn mark(&self) -> anyhow::Result<()> {
        self.execute("window.marked = true", vec![]).await.map(drop)
    }

    /// Fails when the page was loaded anew since it was marked.
    pub(crate) async fn is_still_marked(&self) -> anyhow::Result<()> {
        let marked = self.execute("return window.marked === true", vec![]).await?;
        anyhow::ensure!(marked == true, "the page was loaded anew");
        Ok(())
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

    /// What went wrong in the page, by the browser's own log: scripts that failed, and what the policy refused.
    pub(crate) async fn errors(&self) -> anyhow::Result<Vec<String>> {
        let lines = self.log("browser").await?;
        let severe = lines.iter().filter(|line| line["level"] == "SEVERE");
        Ok(severe
            .filter_map(|line| line["message"].as_str().map(str::to_owned))
            .collect())
    }

    /// What was asked for over the network since it was last looked at, wherever it is.
    pub(crate) async fn requests(&self) -> anyhow::Result<Vec<String>> {
        let mut asked = Vec::new();
        for line in self.log("performance").await? {
            let told: Value = serde_json::from_str(line["message"].as_str().unwrap_or("{}"))?;
            if told["message"]["method"] == "Network.requestWillBeSent" {
                let url = told["message"]["params"]["request"]["url"].as_str();
                asked.extend(url.map(str::to_owned));
            }
        }
        Ok(asked)
    }

    async fn log(&self, kind: &str) -> anyhow::Result<Vec<Value>> {
        let command = Extension::new("se/log", &json!({ "type": kind }));
        let log = self.client.issue_cmd(command).await?;
        Ok(log.as_array().cloned().unwrap_or_default())
    }

    /// Runs a script in the page and answers what it returns.
    pub(crate) async fn execute(&self, script: &str, arguments: Vec<Value>) -> anyhow::Result<Value> {
        insist("a script has run", async || {
            self.client.execute(script, arguments.clone()).await
        })
        .await
    }

    /// The same with a script that calls its last argument with the answer.
    pub(crate) async fn execute_async(&self, script: &str, arguments: Vec<Value>) -> anyhow::Result<Value> {
        insist("a script has called back", async || {
            self.client.execute_async(script, arguments.clone()).await
        })
        .await
    }

    pub(crate) async fn devtools(&self, command: &str, parameters: Value) -> anyhow::Result<Value> {
        let parameters = json!({ "cmd": command, "params": parameters });
        let command = Extension::new("goog/cdp/execute", &parameters);
        Ok(self.client.issue_cmd(command).await?)
    }
}

/// Tries again what failed because the page changed under it: what is replaced between finding and using is to be found
/// again, and so is what is hidden for a moment.
async fn insist<T>(what: &str, attempt: impl AsyncFn() -> Result<T, CmdError>) -> anyhow::Result<T> {
    eventually(what, || async {
        match attempt().await {
            Ok(done) => Ok(Some(done)),
            Err(CmdError::Standard(error)) if is_fleeting(&error.error) => Ok(None),
            Err(error) => Err(error.into()),
        }
    })
    .await
}

fn is_fleeting(error: &ErrorStatus) -> bool {
    matches!(
        error,
        ErrorStatus::NoSuchElement
            | ErrorStatus::StaleElementReference
            | ErrorStatus::ElementNotInteractable
            | ErrorStatus::ElementClickIntercepted
            | ErrorStatus::InvalidElementState
            // So Chromium says that the document it was asked about has just been replaced.
            | ErrorStatus::UnknownError
    )
}

/// A command that only this browser knows.
#[derive(Debug)]
struct Extension {
    path: &'static str,
    body: String,
}

impl Extension {
    fn new(path: &'static str, parameters: &Value) -> Self {
        Self {
            path,
            body: parameters.to_string(),
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
