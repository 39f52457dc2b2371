//! What a reader of a page has, and where they sit.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::Context as _;
use postern_testkit::{TestDaemon, TestSandbox, WebhookSink};
use tempfile::TempDir;
use tokio::process::Command;

use super::addresses::Addresses;
use super::blocks::blocks;
use super::image::Container;
use super::past;
use super::shell::{Shell, Terminal};
use super::{root, text};
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

/// A network, somebody to post webhooks to, a clone of the repository, and a daemon or what it takes to start one.
pub(super) struct World {
    pub(super) network: TestSandbox,
    pub(super) sink: WebhookSink,
    folder: TempDir,
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
        let settings = world.folder.path().join("settings.toml");
        fs::write(&settings, world.filled(&settings_of(page)?))?;
        let mut options = loopback_allowed()
            .set("REGISTRATION__ENABLED", "true")
            .set("METRICS__TOKEN", METRICS_TOKEN);
        let settings = ("POSTERN_CONFIG".to_owned(), plain(&settings)?);
        options.environment.push(settings);
        let daemon = TestDaemon::start_with(&postern(), &world.network, options).await?;
        let here = daemon.http().base().to_owned();
        let control = world.network.http().base().trim_end_matches("/sandbox/v1");
        let control = control.to_owned();
        let host = |url: &str| url.trim_start_matches("http://").to_owned();
        world.know("127.0.0.1:8480", host(&here));
        world.know("127.0.0.1:8490", host(&control));
        world.known.extend(past::of(&daemon, &world.network).await?);
        world.set("POSTERN_URL", &here);
        world.set("POSTERN_API_KEY", daemon.key());
        world.set("POSTERN_METRICS__TOKEN", METRICS_TOKEN);
        world.set("SANDBOX_URL", &control);
        world.set("auth", &format!("Authorization: Bearer {}", daemon.key()));
        world.install(&daemon)?;
        world.daemon = Some(daemon);
        Ok(world)
    }

    /// Nothing runs yet but WhatsApp: the page builds and starts what it needs.
    pub(super) async fn empty(_page: &str) -> anyhow::Result<Self> {
        let world = Self::bare().await?;
        let container = Container::read().await?.as_script();
        fs::write(world.machine().join("container"), world.filled(&container))?;
        Ok(world)
    }

    async fn bare() -> anyhow::Result<Self> {
        let mut world = Self {
            network: TestSandbox::start(&postern()).await?,
            sink: WebhookSink::start().await?,
            folder: tempfile::tempdir()?,
            daemon: None,
            known: Vec::new(),
            environment: Vec::new(),
            terminal: None,
        };
        world.lay_out()?;
        let addresses = Addresses::reserve()?;
        let whatsapp = world.network.websocket_url().to_owned();
        let machine = plain(&world.machine())?;
        let stand_ins = plain(&root().join("tests/pages/machine").canonicalize()?)?;
        let path = format!("{stand_ins}:{machine}/usr/local/bin:{}", inherited_path());
        for (name, value) in [
            ("PATH", path.as_str()),
            ("HOME", &plain(&world.clone_folder())?),
            ("TMPDIR", &plain(&world.folder.path().join("temporary"))?),
            ("BUILT", &plain(&built()?)?),
            ("MACHINE", &machine),
            ("CONTAINER", &addresses.container),
            ("POSTERN_WHATSAPP__URL", &whatsapp),
            ("POSTERN_SERVER__LISTEN", &addresses.api),
            ("POSTERN_SANDBOX__LISTEN", &addresses.sandbox),
            ("POSTERN_URL", &format!("http://{}", addresses.api)),
        ] {
            world.set(name, value);
        }
        world.environment.extend(loopback_allowed().environment);
        let sink = world.sink.url("");
        for elsewhere in [
            "https://example.com",
            "http://127.0.0.1:3000",
            "http://127.0.0.1:4318",
        ] {
            world.know(elsewhere, sink.clone());
        }
        world.know("127.0.0.1:8480", addresses.api);
        world.know("127.0.0.1:8490", addresses.sandbox);
        world.know("127.0.0.1:9480", addresses.metrics);
        for folder in ["/backups", "/etc/", "/srv/", "/usr/local/", "/var/lib/"] {
            world.know(folder, format!("{machine}{folder}"));
        }
        Ok(world)
    }

    /// Makes the folders: a clone of the repository, and what a new machine has.
    fn lay_out(&self) -> anyhow::Result<()> {
        for folder in ["etc/systemd/system", "srv", "usr/local/bin", "var/lib"] {
            fs::create_dir_all(self.machine().join(folder))?;
        }
        for folder in ["clone", "notes", "temporary"] {
            fs::create_dir(self.folder.path().join(folder))?;
        }
        for entry in fs::read_dir(root())? {
            let (name, path) = entry.map(|entry| (entry.file_name(), entry.path()))?;
            if !matches!(name.to_str(), Some("target" | "data" | ".git")) {
                symlink(path.canonicalize()?, self.clone_folder().join(name))?;
            }
        }
        Ok(())
    }

    /// Makes this daemon the service of the machine.
    fn install(&self, daemon: &TestDaemon) -> anyhow::Result<()> {
        let machine = self.machine();
        symlink(daemon.data_dir(), machine.join("var/lib/postern"))?;
        symlink(built()?.join("postern"), machine.join("usr/local/bin/postern"))?;
        let unit = root().join("deploy/postern.service");
        fs::copy(unit, machine.join("etc/systemd/system/postern.service"))?;
        fs::create_dir(machine.join("etc/postern"))?;
        fs::write(machine.join("etc/postern/postern.toml"), "")?;
        let process = daemon.pid().context("it runs")?;
        Ok(fs::write(machine.join("postern.pid"), process.to_string())?)
    }

    /// The root of the machine that the page is about.
    pub(super) fn machine(&self) -> PathBuf {
        self.folder.path().join("machine")
    }

    /// The reader's clone of the repository, where they are.
    pub(super) fn clone_folder(&self) -> PathBuf {
        self.folder.path().join("clone")
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
        command
            .current_dir(self.clone_folder())
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
        let mut shell = self.shell().await?;
        // Errors of the API end a page, but the one that is about them.
        if page != "docs/errors.md" {
            shell.run(CURL, &self.network).await?;
        }
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

    async fn shell(&self) -> anyhow::Result<Shell> {
        let mut shell = Shell::start(self.command(), &self.notes("shell")?)?;
        shell.run("set -euo pipefail; set -x", &self.network).await?;
        Ok(shell)
    }

    /// Starts what stays, and tries what it says is to be tried.
    async fn start(&mut self, script: &str) -> anyhow::Result<Terminal> {
        let terminal = Terminal::start(self.command(), script, &self.notes("terminal")?).await?;
        let said = terminal.said()?;
        self.note(&said).await?;
        if let Some((_, lines)) = said.split_once("in another terminal:") {
            let lines: Vec<_> = lines.lines().filter_map(|line| line.strip_prefix("  ")).collect();
            let mut shell = self.shell().await?;
            shell.run(CURL, &self.network).await?;
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

    /// A new folder for what is said.
    fn notes(&self, of: &str) -> anyhow::Result<PathBuf> {
        let folder = self.folder.path().join("notes");
        let number = fs::read_dir(&folder)?.count();
        let folder = folder.join(format!("{of}-{number}"));
        fs::create_dir(&folder)?;
        Ok(folder)
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

/// Where the programs are that were built for the tests.
fn built() -> anyhow::Result<PathBuf> {
    let folder = Path::new(env!("CARGO_BIN_EXE_postern")).parent();
    Ok(folder.context("a folder")?.to_owned())
}

fn plain(path: &Path) -> anyhow::Result<String> {
    Ok(path.to_str().context("a plain name")?.to_owned())
}

#[expect(
    clippy::disallowed_methods,
    reason = "the tools of the machine are found by it"
)]
fn inherited_path() -> String {
    std::env::var("PATH").unwrap_or_default()
}
