//! What every page has to pass: readable for everybody in each look, quiet, and at home.

use std::path::Path;
use std::sync::LazyLock;

use anyhow::Context as _;
use base64::Engine as _;
use serde_json::json;

use super::browser::Browser;

/// How a page is looked at: the look's name, the width and height of its window, and the colours that are preferred.
const LOOKS: [(&str, u32, u32, &str); 4] = [
    ("light", 1280, 800, "light"),
    ("dark", 1280, 800, "dark"),
    ("phone", 390, 844, "light"),
    ("phone-dark", 390, 844, "dark"),
];

/// axe, as `npm ci` in `tests/axe` installs it; none where it is not.
static AXE: LazyLock<Option<String>> = LazyLock::new(|| {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/axe/node_modules/axe-core/axe.min.js");
    let script = std::fs::read_to_string(file).ok();
    if script.is_none() {
        println!("SKIPPED: pages are not held to the rules of axe: run `npm ci` in tests/axe");
    }
    script
});

/// What is cut off, and every rule of axe that has something to say.
const EXAMINE: &str = include_str!("examine.js");

/// Two frames: then a look has settled.
const SETTLED: &str = "
    const done = arguments[arguments.length - 1];
    requestAnimationFrame(() => requestAnimationFrame(() => done(null)));";

impl Browser {
    /// Fails where [`Browser::findings`] has something to say.
    pub(crate) async fn examine(&self, name: &str) -> anyhow::Result<()> {
        let findings = self.findings(name).await?;
        anyhow::ensure!(findings.is_empty(), "{findings:#?}");
        Ok(())
    }

    /// Looks at the page as it is now, in light and dark, in a window and on a phone: leaves a picture of each, and
    /// answers what is cut off or breaks a rule of accessibility. Then it looks at what the page did all the while.
    pub(crate) async fn findings(&self, name: &str) -> anyhow::Result<Vec<String>> {
        let mut findings = Vec::new();
        for (look, width, height, scheme) in LOOKS {
            self.look(width, height, scheme).await?;
            self.photograph(&format!("{name}-{look}")).await?;
            self.bring_axe().await?;
            let mut found = self.look_closely().await?;
            if !found.is_empty() {
                // What a stream replaced while it was looked at is not there any more.
                let again = self.look_closely().await?;
                found.retain(|finding| again.contains(finding));
            }
            findings.extend(found.iter().map(|what| format!("{name} in {look}: {what}")));
        }
        self.look_as_usual().await?;
        findings.extend(self.noise(name).await?);
        Ok(findings)
    }

    /// What failed on the page, what the policy refused, and what was asked of anybody but the gateway.
    pub(crate) async fn noise(&self, name: &str) -> anyhow::Result<Vec<String>> {
        let elsewhere = self
            .requests()
            .await?
            .into_iter()
            // A browser draws the symbols of its own fields as `data:`; nobody is asked.
            .filter(|url| !url.starts_with("http://127.0.0.1:") && !url.starts_with("data:"))
            .map(|url| format!("{name} asked {url}"));
        let errors = self.errors().await?.into_iter();
        Ok(errors
            .map(|error| format!("{name} failed: {error}"))
            .chain(elsewhere)
            .collect())
    }

    async fn look(&self, width: u32, height: u32, scheme: &str) -> anyhow::Result<()> {
        let phone = width < 500;
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": if phone { 2 } else { 1 }, "mobile": phone });
        self.devtools("Emulation.setDeviceMetricsOverride", metrics)
            .await?;
        let scheme = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.devtools("Emulation.setEmulatedMedia", scheme).await?;
        self.execute_async(SETTLED, vec![]).await.map(drop)
    }

    async fn look_as_usual(&self) -> anyhow::Result<()> {
        self.devtools("Emulation.clearDeviceMetricsOverride", json!({}))
            .await?;
        let features = json!({ "features": [] });
        self.devtools("Emulation.setEmulatedMedia", features)
            .await
            .map(drop)
    }

    async fn look_closely(&self) -> anyhow::Result<Vec<String>> {
        let found = self.execute_async(EXAMINE, vec![]).await?;
        Ok(serde_json::from_value(found)?)
    }

    async fn bring_axe(&self) -> anyhow::Result<()> {
        let is_there = self.execute("return typeof axe === 'object'", vec![]).await?;
        match AXE.as_deref() {
            Some(axe) if is_there != true => self.execute(axe, vec![]).await.map(drop),
            _ => Ok(()),
        }
    }

    /// A picture of what is in the window, in `target/screenshots`.
    pub(crate) async fn photograph(&self, name: &str) -> anyhow::Result<()> {
        let picture = self.devtools("Page.captureScreenshot", json!({})).await?;
        let picture = picture["data"].as_str().context("no picture")?;
        let picture = base64::engine::general_purpose::STANDARD.decode(picture)?;
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/screenshots");
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join(format!("{name}.png")), picture)?;
        Ok(())
    }
}
