//! The image and the compose file, as far as they can be looked at without Docker: what they start, and with which settings.

use anyhow::Context as _;
use serde_json::Value;

use super::settings::yaml;
use super::{root, text};

/// What a container of the compose file is.
#[derive(Debug)]
pub(super) struct Container {
    /// Names and values; the shell that starts it replaces variables in them, as Docker does.
    pub(super) settings: Vec<(String, String)>,
    /// What it runs.
    pub(super) command: String,
    /// What says that it is healthy.
    pub(super) check: String,
    /// Where the data is kept.
    pub(super) volume: String,
    /// At which port of its own it is reached.
    pub(super) port: String,
}

impl Container {
    /// Reads both files. Where nothing reads YAML, the settings are those of the image alone.
    pub(super) async fn read() -> anyhow::Result<Self> {
        let image = text("deploy/Dockerfile")?.replace("\\\n", " ");
        let of = |name: &str| -> Vec<&str> {
            let lines = image.lines().map(str::trim);
            lines
                .filter_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
                .collect()
        };
        let last = |name: &str| of(name).last().copied().with_context(|| format!("no {name}"));
        let list = |json: &str| -> anyhow::Result<String> {
            Ok(serde_json::from_str::<Vec<String>>(json)?.join(" "))
        };
        let settings = of("ENV").into_iter().flat_map(str::split_whitespace);
        let settings = settings.filter_map(|setting| setting.split_once('='));
        let check = last("HEALTHCHECK")?.split_once("CMD ").context("no command")?.1;
        let mut container = Self {
            settings: settings
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            command: format!("{} {}", list(last("ENTRYPOINT")?)?, list(last("CMD")?)?),
            check: list(check)?,
            volume: last("VOLUME")?.to_owned(),
            port: last("EXPOSE")?.to_owned(),
        };
        if let Some(compose) = yaml(&text("deploy/compose.yaml")?).await? {
            container.compose(&compose["services"]["postern"])?;
        }
        Ok(container)
    }

    /// What the compose file adds, and that it fits the image.
    fn compose(&mut self, service: &Value) -> anyhow::Result<()> {
        let context = root()
            .join("deploy")
            .join(service["build"]["context"].as_str().context("a context")?);
        let file = service["build"]["dockerfile"].as_str().context("a file")?;
        anyhow::ensure!(context.join(file).exists(), "there is no {file}");
        let published = service["ports"][0].as_str().context("a port")?;
        anyhow::ensure!(published.ends_with(&format!(":{}", self.port)), "{published}");
        let mounted = service["volumes"][0].as_str().context("a volume")?;
        anyhow::ensure!(mounted.ends_with(&format!(":{}", self.volume)), "{mounted}");
        for (name, value) in service["environment"].as_object().context("settings")? {
            self.settings
                .push((name.clone(), value.as_str().context("a text")?.to_owned()));
        }
        Ok(())
    }

    /// The same for a shell to read.
    pub(super) fn as_script(&self) -> String {
        let Self {
            command,
            check,
            volume,
            port,
            ..
        } = self;
        let settings = self
            .settings
            .iter()
            .map(|(name, value)| format!("export {name}=\"{value}\"\n"));
        let rest = format!("COMMAND=\"{command}\" CHECK=\"{check}\" VOLUME={volume} PORT={port}\n");
        settings.chain([rest]).collect()
    }
}
