//! The commands on the pages run, as a reader would type them: every block marked `sh`, in the order of its page, in one shell.
//!
//! What a reader has in their hands stands on the pages as `dev_…`, `sk_live_…` or the daemon's usual address; here it is
//! replaced by what this daemon has. A block that cannot be run says so in its info string: `sh ignore`, or `sh elsewhere`
//! when another test runs it.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::Context as _;
use postern_runtime::{Clock as _, SystemClock};
use postern_testkit::{DEADLINE, TestDaemon, TestSandbox, WebhookSink, eventually};
use serde_json::json;
use tempfile::TempDir;
use tokio::process::Command;

use crate::webhook_commands::loopback_allowed;
use crate::{CONTACT, OWNER, postern};

/// How many blocks of each page run.
const RUN: [(&str, usize); 13] = [
    ("README.md", 1),
    ("docs/backup.md", 1),
    ("docs/ci.md", 1),
    ("docs/errors.md", 1),
    ("docs/events.md", 1),
    ("docs/limits.md", 3),
    ("docs/quickstart.md", 2),
    ("docs/reading.md", 1),
    ("docs/sandbox.md", 3),
    ("docs/security.md", 3),
    ("docs/sending.md", 5),
    ("docs/sessions.md", 2),
    ("docs/webhooks.md", 5),
];
/// Pages of which no block runs here, and why.
const NOTHING: [(&str, &str); 5] = [
    ("docs/README.md", "a list"),
    (
        "docs/performance.md",
        "its commands build the benchmark, and look at a daemon under load",
    ),
    (
        "docs/dashboard.md",
        "its command builds the daemon; tests/dashboard walks its pages in a browser",
    ),
    (
        "docs/deployment.md",
        "its commands install services and images; tests/shell.rs runs what they say of operators and health",
    ),
    (
        "docs/observability.md",
        "its commands ask addresses that its settings open; tests/metrics.rs and tests/telemetry.rs do",
    ),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn text(page: &str) -> anyhow::Result<String> {
    fs::read_to_string(root().join(page)).with_context(|| page.to_owned())
}

/// The blocks of a page that are marked so.
fn blocks<'a>(page: &'a str, info: &str) -> Vec<&'a str> {
    let mut blocks = Vec::new();
    let mut rest = page;
    while let Some((_, after)) = rest.split_once("\n```") {
        let Some((block, after)) = after.split_once("\n```") else {
            break;
        };
        let (language, body) = block.split_once('\n').unwrap_or((block, ""));
        if language == info {
            blocks.push(body);
        }
        rest = after;
    }
    blocks
}

#[test]
fn every_page_runs_or_says_why_not() -> anyhow::Result<()> {
    let docs = fs::read_dir(root().join("docs"))?;
    let names = docs.map(|file| Ok(file?.file_name().to_string_lossy().into_owned()));
    let names: Vec<String> = names.collect::<std::io::Result<_>>()?;
    let pages = names.iter().filter(|name| name.ends_with(".md"));
    let pages = pages.map(|name| format!("docs/{name}"));
    for page in pages.chain(["README.md".to_owned()]) {
        let run = RUN
            .iter()
            .find(|(name, _)| *name == page)
            .map_or(0, |(_, count)| *count);
        let excused = NOTHING.iter().any(|(name, _)| *name == page);
        assert_eq!(run == 0, excused, "{page}");
        if !excused {
            assert_eq!(blocks(&text(&page)?, "sh").len(), run, "{page}");
        }
        for language in ["bash", "shell"] {
            assert!(blocks(&text(&page)?, language).is_empty(), "{page}: call it sh");
        }
    }
    Ok(())
}

/// What a reader of a page has.
struct World {
    network: TestSandbox,
    daemon: TestDaemon,
    sink: WebhookSink,
    folder: TempDir,
    /// What stands on the pages, and what this reader has instead.
    known: Vec<(&'static str, String)>,
}

impl World {
    async fn new() -> anyhow::Result<Self> {
        let network = TestSandbox::start(&postern()).await?;
        let options = loopback_allowed().set("REGISTRATION__ENABLED", "true");
        let daemon = TestDaemon::start_with(&postern(), &network, options).await?;
        let sink = WebhookSink::start().await?;
        let folder = tempfile::tempdir()?;
        symlink(
            root().join("examples").canonicalize()?,
            folder.path().join("examples"),
        )?;
        let mut world = Self {
            network,
            daemon,
            sink,
            folder,
            known: Vec::new(),
        };
        world.known = world.know().await?;
        Ok(world)
    }

    async fn know(&self) -> anyhow::Result<Vec<(&'static str, String)>> {
        let http = self.daemon.http();
        let id = |answer: serde_json::Value| answer["id"].as_str().map(str::to_owned).context("an id");
        let device = id(http
            .post("/v1/devices", &json!({ "name": "support" }))
            .await?
            .ok()?)?;
        self.daemon.pair(&self.network, &device, OWNER).await?;
        let sent = self
            .daemon
            .send_text(&device, CONTACT, "Your invoice 2026")
            .await?;
        self.daemon.message_reaches(&sent, "read").await?;
        let later = SystemClock
            .now()
            .after(std::time::Duration::from_hours(10 * 24))
            .to_rfc3339();
        let day = later.split('T').next().context("a day")?.to_owned();
        let waiting = json!({
            "deviceId": device, "to": CONTACT, "type": "text", "text": { "body": "later" }, "sendAt": later,
        });
        let waiting = id(http.post("/v1/messages", &waiting).await?.ok()?)?;
        let batch = json!({ "to": CONTACT, "type": "text", "text": { "body": "one" } });
        let batch = json!({ "deviceId": device, "messages": [batch] });
        let batch = http.post("/v1/messages/batch", &batch).await?.ok()?;
        let events = http.get("/v1/events?type=message.read&limit=1").await?.ok()?;
        let event = events["data"][0]["id"].as_str().context("an event")?.to_owned();
        let workspace = id(http.get("/v1/workspace").await?.ok()?)?;
        let here = self.folder.path().to_str().context("a plain name")?.to_owned();
        let data = self
            .daemon
            .data_dir()
            .to_str()
            .context("a plain name")?
            .to_owned();
        let control = self.network.http().base();
        let control = control.strip_suffix("/sandbox/v1").context("the sandbox")?;
        Ok(vec![
            ("dev_…", device),
            ("msg_…", waiting),
            ("bat_…", batch["batchId"].as_str().context("a batch")?.to_owned()),
            ("evt_…", event.clone()),
            ("evt_01KBC31ZM0000000000000000A", event),
            ("ws_…", workspace),
            ("sk_live_…", self.daemon.key().to_owned()),
            ("http://127.0.0.1:8480", self.daemon.http().base().to_owned()),
            ("http://127.0.0.1:8490", control.to_owned()),
            ("https://example.com", self.sink.url("")),
            ("http://127.0.0.1:3000", self.sink.url("")),
            ("/backups/today", format!("{here}/backup")),
            ("/var/lib/postern", data),
            ("/srv/postern", format!("{here}/restored")),
            ("2026-12-01", day),
        ])
    }

    /// The script of a page. Errors of the API end it, but on the page that is about them.
    fn script(&self, page: &str) -> anyhow::Result<String> {
        let text = text(page)?;
        let mut script = String::from("set -euo pipefail\n");
        if page != "docs/errors.md" {
            script += "curl() { command curl -sS --fail-with-body \"$@\" || { echo \" from: curl $*\" >&2; return 1; }; }\n";
        }
        script += "set -x\n";
        script += &blocks(&text, "sh").join("\n");
        for (name, value) in &self.known {
            script = script.replace(name, value);
        }
        Ok(script)
    }

    async fn run(&self, page: &str) -> anyhow::Result<()> {
        let program = Path::new(env!("CARGO_BIN_EXE_postern"));
        let programs = program.parent().context("a folder")?.display();
        let path = format!("{programs}:{}", inherited_path());
        let mut shell = Command::new("bash");
        shell
            .args(["-c", &self.script(page)?])
            .current_dir(self.folder.path())
            .env("PATH", path)
            .env("POSTERN_URL", self.daemon.http().base())
            .env("POSTERN_API_KEY", self.daemon.key())
            .env(
                "SANDBOX_URL",
                self.network.http().base().trim_end_matches("/sandbox/v1"),
            )
            .env("auth", format!("Authorization: Bearer {}", self.daemon.key()))
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let output = tokio::time::timeout(DEADLINE, shell.output()).await??;
        let said = String::from_utf8_lossy(&output.stdout);
        let complaint = String::from_utf8_lossy(&output.stderr);
        anyhow::ensure!(
            output.status.success(),
            "{page}: {}\n{said}\n{complaint}",
            output.status
        );
        Ok(())
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the tools of the machine are found by it"
)]
fn inherited_path() -> String {
    std::env::var("PATH").unwrap_or_default()
}

/// Runs the page in a world of its own.
async fn runs(page: &str) -> anyhow::Result<World> {
    let world = World::new().await?;
    world.run(page).await?;
    Ok(world)
}

#[tokio::test]
async fn the_readme_runs() -> anyhow::Result<()> {
    runs("README.md").await.map(drop)
}

#[tokio::test]
async fn the_page_on_backup_runs() -> anyhow::Result<()> {
    runs("docs/backup.md").await.map(drop)
}

#[tokio::test]
async fn the_page_on_continuous_integration_runs() -> anyhow::Result<()> {
    runs("docs/ci.md").await.map(drop)
}

#[tokio::test]
async fn the_page_on_errors_runs() -> anyhow::Result<()> {
    runs("docs/errors.md").await.map(drop)
}

#[tokio::test]
async fn the_page_on_events_runs() -> anyhow::Result<()> {
    runs("docs/events.md").await.map(drop)
}

#[tokio::test]
async fn the_page_on_limits_runs() -> anyhow::Result<()> {
    runs("docs/limits.md").await.map(drop)
}

#[tokio::test]
async fn the_page_on_reading_runs() -> anyhow::Result<()> {
    runs("docs/reading.md").await.map(drop)
}

#[tokio::test]
async fn the_page_on_sandbox_runs() -> anyhow::Result<()> {
    runs("docs/sandbox.md").await.map(drop)
}

#[tokio::test]
async fn the_page_on_security_runs() -> anyhow::Result<()> {
    runs("docs/security.md").await.map(drop)
}

#[tokio::test]
async fn the_page_on_sending_runs() -> anyhow::Result<()> {
    runs("docs/sending.md").await.map(drop)
}

#[tokio::test]
async fn the_page_on_sessions_runs() -> anyhow::Result<()> {
    runs("docs/sessions.md").await.map(drop)
}

#[tokio::test]
async fn the_quickstart_goes_from_nothing_to_an_answer() -> anyhow::Result<()> {
    let world = runs("docs/quickstart.md").await?;
    let messages = world.network.received_by(CONTACT).await?;
    assert!(
        messages.iter().any(|message| message["text"] == "Hello"),
        "{messages:?}"
    );
    Ok(())
}

#[tokio::test]
async fn the_page_on_webhooks_runs() -> anyhow::Result<()> {
    let world = runs("docs/webhooks.md").await?;
    eventually("something was posted", || async {
        Ok((world.sink.count() > 0).then_some(()))
    })
    .await
}
