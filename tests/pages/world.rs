//! What a reader of a page has, and how they go through it.

use std::fs;
use std::process::Stdio;

use anyhow::Context as _;
use postern_testkit::{TestDaemon, TestSandbox, WebhookSink};
use tokio::process::Command;

use super::addresses::Addresses;
use super::blocks::blocks;
use super::image::Container;
use super::machine::{Machine, built, plain};
use super::shell::{Shell, Terminal};
use super::{past, text};
use crate::dashboard::visitor::Visitor;
use crate::postern;
use crate::webhook_commands::loopback_allowed;

/// Who opens the link that a first start prints.
const OWNER: (&str, &str) = ("ada", "a gate with one tower");
/// What Prometheus would say.
const METRICS_TOKEN: &str = "0123456789abcdef-nobody-guesses";
/// What ends errors with an exit code, where a reader would see them.
const CURL: &str =
    "curl() { command curl -sS --fail-with-body \"$@\" || { echo \" from: curl $*\" >&2; return 1; }; }\n";
/// What a reader copies of what is printed: how it begins, how many characters follow, and how pages write it.
const COPIED: [(&str, usize, &str); 5] = [
    ("sk_live_", 48, "sk_live_…"),
    ("sk_test_", 48, "sk_live_…"),
    ("dev_", 26, "dev_…"),
    ("msg_", 26, "msg_…"),
    ("whk_", 26, "whk_…"),
];

/// A network, somebody to post webhooks to, a machine, and a daemon or what it takes to start one.
pub(super) struct World {
    pub(super) network: TestSandbox,
    pub(super) sink: WebhookSink,
    pub(super) machine: Machine,
    addresses: Addresses,
    /// A daemon with a past. Without one the page starts its own, and what that prints is copied.
    daemon: Option<TestDaemon>,
    /// What stands on the pages, and what this reader has instead.
    known: Vec<(&'static str, String)>,
    environment: Vec<(String, String)>,
    /// What goes on running.
    terminal: Option<Terminal>,
}

impl World {
    /// A daemon that has a linked device, messages of every kind, and the settings of the page.
    pub(super) async fn settled(page: &str) -> anyhow::Result<Self> {
        let mut world = Self::bare().await?;
        let settings = world.machine.temporary().join("settings.toml");
        fs::write(&settings, world.filled(&settings_of(page)?))?;
        let settings = ("POSTERN_CONFIG".to_owned(), plain(&settings)?);
        let mut options = loopback_allowed()
            .set("REGISTRATION__ENABLED", "true")
            .set("METRICS__TOKEN", METRICS_TOKEN)
            .listening(&world.addresses.api);
        options.environment.push(settings);
        let daemon = TestDaemon::start_with(&postern(), &world.network, options).await?;
        world.machine.install(&daemon)?;
        world.known.extend(past::of(&daemon, &world.network).await?);
        let control = world.network.http().base().trim_end_matches("/sandbox/v1");
        let control = control.to_owned();
        world.know("http://127.0.0.1:8490", control.clone());
        world.set("SANDBOX_URL", &control);
        world.set("POSTERN_API_KEY", daemon.key());
        world.set("POSTERN_METRICS__TOKEN", METRICS_TOKEN);
        world.set("auth", &format!("Authorization: Bearer {}", daemon.key()));
        world.daemon = Some(daemon);
        Ok(world)
    }

    /// Nothing runs yet but WhatsApp: the page builds and starts what it needs.
    pub(super) async fn empty(_page: &str) -> anyhow::Result<Self> {
        let mut world = Self::bare().await?;
        let sandbox = world.addresses.sandbox.clone();
        world.know("http://127.0.0.1:8490", format!("http://{sandbox}"));
        let container = world.filled(&Container::read().await?.as_script());
        fs::write(world.machine.root().join("container"), container)?;
        Ok(world)
    }

    async fn bare() -> anyhow::Result<Self> {
        let mut world = Self {
            network: TestSandbox::start(&postern()).await?,
            sink: WebhookSink::start().await?,
            machine: Machine::new()?,
            addresses: Addresses::reserve()?,
            daemon: None,
            known: Vec::new(),
            environment: loopback_allowed().environment,
            terminal: None,
        };
        let (machine, addresses) = (&world.machine, &world.addresses);
        let whatsapp = world.network.websocket_url();
        for (name, value) in [
            ("PATH", machine.path()?),
            ("HOME", plain(&machine.clone_folder())?),
            ("TMPDIR", plain(&machine.temporary())?),
            // What the played tools need to know.
            ("BUILT", plain(&built()?)?),
            ("MACHINE", plain(&machine.root())?),
            ("CONTAINER", addresses.container.clone()),
            // A daemon takes these instead of what is usual; a build with a sandbox reaches nothing else.
            ("POSTERN_SERVER__LISTEN", addresses.api.clone()),
            ("POSTERN_SANDBOX__LISTEN", addresses.sandbox.clone()),
            ("POSTERN_WHATSAPP__URL", whatsapp.to_owned()),
            ("POSTERN_URL", format!("http://{}", addresses.api)),
        ] {
            world.environment.push((name.to_owned(), value));
        }
        let consumer = world.sink.url("");
        world.known.extend([
            ("https://example.com", consumer.clone()),
            ("http://127.0.0.1:3000", consumer.clone()),
            ("http://127.0.0.1:4318", consumer),
            ("127.0.0.1:8480", addresses.api.clone()),
            ("127.0.0.1:9480", addresses.metrics.clone()),
        ]);
        world.known.extend(machine.rooted()?);
        Ok(world)
    }

    fn set(&mut self, name: &str, value: &str) {
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// From now on this is what a reader has where `name` stands on a page.
    fn know(&mut self, name: &'static str, value: String) {
        self.known.retain(|(known, _)| *known != name);
        self.known.push((name, value));
    }

    /// What a reader makes of what stands on a page.
    fn filled(&self, written: &str) -> String {
        let known = self.known.iter();
        known.fold(written.to_owned(), |text, (name, value)| {
            text.replace(name, value)
        })
    }

    fn command(&self) -> Command {
        let mut command = Command::new("bash");
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("POSTERN_")) {
            command.env_remove(name);
        }
        command
            .current_dir(self.machine.clone_folder())
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command
    }

    /// Runs the blocks of the page in their order.
    pub(super) async fn run(&mut self, page: &str) -> anyhow::Result<()> {
        self.run_all(page).await.with_context(|| page.to_owned())
    }

    async fn run_all(&mut self, page: &str) -> anyhow::Result<()> {
        let text = text(page)?;
        // Errors of the API end a page, but the one that is about them.
        let mut shell = self.shell(page != "docs/errors.md").await?;
        for block in blocks(&text) {
            let Some(script) = block.script().map(|script| self.filled(&script)) else {
                continue;
            };
            if block.stays() {
                // It may need the address that the one before it has.
                self.stop().await?;
                self.terminal = Some(self.start(&script).await?);
            } else {
                let said = shell.run(&script, &self.network).await?;
                self.note(&said).await?;
            }
        }
        Ok(())
    }

    /// Stops what goes on running.
    pub(super) async fn stop(&mut self) -> anyhow::Result<()> {
        match self.terminal.take() {
            Some(terminal) => terminal.stop().await,
            None => Ok(()),
        }
    }

    async fn shell(&self, errors_end_it: bool) -> anyhow::Result<Shell> {
        let mut shell = Shell::start(self.command(), &self.machine.note_folder()?)?;
        shell.run("set -euo pipefail; set -x", &self.network).await?;
        if errors_end_it {
            shell.run(CURL, &self.network).await?;
        }
        Ok(shell)
    }

    /// Starts what stays, and tries what it says is to be tried.
    async fn start(&mut self, script: &str) -> anyhow::Result<Terminal> {
        let terminal = Terminal::start(self.command(), script, &self.machine.note_folder()?).await?;
        let said = terminal.said()?;
        self.note(&said).await?;
        if let Some((_, lines)) = said.split_once("in another terminal:") {
            let lines: Vec<_> = lines.lines().filter_map(|line| line.strip_prefix("  ")).collect();
            let mut shell = self.shell(true).await?;
            shell.run(&lines.join("\n"), &self.network).await?;
        }
        Ok(terminal)
    }

    /// Copies what a first daemon says of itself, and opens the dashboard.
    async fn note(&mut self, said: &str) -> anyhow::Result<()> {
        if self.daemon.is_some() {
            return Ok(());
        }
        for word in said.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_') {
            let copied = COPIED.iter().find(|(start, length, _)| {
                word.strip_prefix(start).is_some_and(|rest| rest.len() == *length)
            });
            if let Some((_, _, name)) = copied {
                self.know(name, word.to_owned());
            }
        }
        for line in said.lines().filter_map(|line| line.strip_prefix("dashboard at ")) {
            become_owner(line.split_whitespace().next().context("a link")?).await?;
        }
        Ok(())
    }
}

/// Opens the link of a first start.
async fn become_owner(link: &str) -> anyhow::Result<()> {
    let mut visitor = Visitor::of(link)?;
    let path = link
        .strip_prefix(&visitor.base)
        .context("a link to the dashboard")?;
    let page = visitor.get(path).await?;
    anyhow::ensure!(
        page.status == 200 && page.body.contains("name=\"password\""),
        "{link}: {page:?}"
    );
    visitor.set_up(link, OWNER.0, OWNER.1).await
}

/// The settings that a page shows.
fn settings_of(page: &str) -> anyhow::Result<String> {
    let text = text(page)?;
    let settings = blocks(&text).into_iter().filter(|block| block.language == "toml");
    Ok(settings.map(|block| format!("{}\n", block.code)).collect())
}
