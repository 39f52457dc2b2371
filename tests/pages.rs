//! The commands on the pages run, as a reader would type them: every block marked `sh` or `cron`, in the order of its page,
//! in one shell.
//!
//! What a reader has in their hands stands on the pages as `dev_…`, `sk_live_…` or the daemon's usual address; here it is
//! replaced by what this reader has. What a block marked `sh stays` starts goes on running in another terminal until the next
//! such block. A block marked `sh elsewhere` is another test's, or cannot be run; a table says which and why.

mod addresses;
mod blocks;
mod image;
mod machine;
mod past;
mod settings;
mod shell;
mod world;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use postern_testkit::eventually;
use tokio::process::Command;

use self::blocks::blocks;
use self::world::World;
use crate::CONTACT;

/// Blocks that do not run here, by page and beginning, and what becomes of them.
const ELSEWHERE: [(&str, &str, &str); 8] = [
    ("README.md", "tests/run", "runs this test"),
    ("README.md", "cargo bench-postern", BENCHMARK),
    ("README.md", "target/release/postern-bench torture", BENCHMARK),
    (
        "docs/performance.md",
        "cargo build --release -p postern-bench",
        BENCHMARK,
    ),
    (
        "docs/performance.md",
        "perf record",
        "needs the kernel's leave, and a daemon under load",
    ),
    (
        "docs/events.md",
        "postern listen",
        "tests/listening.rs listens in each of these ways",
    ),
    (
        "docs/sessions.md",
        "postern device add",
        "tests/documents.rs compares what it prints",
    ),
    (
        "docs/webhooks.md",
        "npm ci",
        "needs the internet; tests/webhook_examples.rs runs the consumers",
    ),
];
/// Measuring takes minutes and a release build.
const BENCHMARK: &str = "crates/bench parses its arguments";
/// Pages of which nothing runs here, and why.
const NOTHING: [(&str, &str); 2] = [
    ("docs/README.md", "a list"),
    (
        "docs/performance.md",
        "what it measures with is in the table above",
    ),
];

/// A test for each page: what its reader begins with, and what is to be seen when they are through.
macro_rules! pages {
    ($($test:ident: $page:literal, $world:ident $(, then $seen:ident)?;)*) => {
        const RUN: &[&str] = &[$($page),*];
        $(
            #[tokio::test]
            async fn $test() -> anyhow::Result<()> {
                let mut world = World::$world($page).await?;
                world.run($page).await?;
                $($seen(&world).await?;)?
                world.stop().await
            }
        )*
    };
}

pages! {
    the_readme_runs: "README.md", empty;
    backup_runs: "docs/backup.md", settled;
    ci_runs: "docs/ci.md", empty;
    dashboard_runs: "docs/dashboard.md", empty;
    deployment_runs: "docs/deployment.md", empty, then installed;
    errors_runs: "docs/errors.md", settled;
    events_runs: "docs/events.md", settled;
    limits_runs: "docs/limits.md", settled;
    observability_runs: "docs/observability.md", settled;
    the_quickstart_runs: "docs/quickstart.md", empty, then greeted;
    reading_runs: "docs/reading.md", settled;
    sandbox_runs: "docs/sandbox.md", empty;
    security_runs: "docs/security.md", settled;
    sending_runs: "docs/sending.md", settled;
    sessions_runs: "docs/sessions.md", settled;
    webhooks_runs: "docs/webhooks.md", settled, then posted;
    examples_run: "examples/README.md", empty;
}

/// The last command of the quickstart has reached somebody.
async fn greeted(world: &World) -> anyhow::Result<()> {
    let messages = world.network.contact_has(CONTACT, 1).await?;
    anyhow::ensure!(messages[0]["text"] == "Hello", "{messages:?}");
    Ok(())
}

async fn posted(world: &World) -> anyhow::Result<()> {
    eventually("something was posted", || async {
        Ok((world.sink.count() > 0).then_some(()))
    })
    .await
}

/// What a machine has after it.
async fn installed(world: &World) -> anyhow::Result<()> {
    for file in [
        "usr/local/bin/postern",
        "usr/local/share/man/man1/postern-backup.1",
        "usr/local/share/bash-completion/completions/postern",
        "etc/postern/postern.toml",
        "etc/systemd/system/postern.service",
        "var/lib/postern/postern.db",
        "backups/before-upgrade/manifest.json",
    ] {
        anyhow::ensure!(world.machine.root().join(file).exists(), "no {file}");
    }
    let unit = world.machine.root().join("etc/systemd/system/postern.service");
    let here = format!("{}/usr/local/", world.machine.root().display());
    fs::write(&unit, fs::read_to_string(&unit)?.replace("/usr/local/", &here))?;
    let mut verify = Command::new("systemd-analyze");
    let Ok(output) = verify.args(["verify", "--man=no"]).arg(&unit).output().await else {
        println!("SKIPPED: there is no systemd-analyze, so systemd's opinion of the unit is not asked");
        return Ok(());
    };
    let complaint = String::from_utf8(output.stderr)?;
    // It looks at units of the machine, too.
    let ours = complaint.lines().filter(|line| line.contains("postern.service"));
    anyhow::ensure!(output.status.success() && ours.count() == 0, "{complaint}");
    Ok(())
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn text(page: &str) -> anyhow::Result<String> {
    fs::read_to_string(root().join(page)).with_context(|| page.to_owned())
}

/// Every page there is.
fn all() -> anyhow::Result<BTreeSet<String>> {
    let mut pages = BTreeSet::from(["README.md".to_owned(), "examples/README.md".to_owned()]);
    for file in fs::read_dir(root().join("docs"))? {
        let name = file?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".md") {
            pages.insert(format!("docs/{name}"));
        }
    }
    Ok(pages)
}

#[test]
fn every_page_runs_or_says_why_not() -> anyhow::Result<()> {
    let mut elsewhere = Vec::new();
    for page in all()? {
        let text = text(&page)?;
        let blocks: Vec<_> = blocks(&text)
            .into_iter()
            .filter(|block| block.is_shell())
            .collect();
        let runs = blocks.iter().any(|block| block.script().is_some());
        assert_eq!(runs, RUN.contains(&page.as_str()), "{page}");
        assert_eq!(runs, !NOTHING.iter().any(|(name, _)| *name == page), "{page}");
        for block in blocks.iter().filter(|block| block.script().is_none()) {
            let first = block
                .code
                .lines()
                .find(|line| !line.starts_with('#'))
                .unwrap_or_default();
            assert_eq!(
                (block.language, block.mark),
                ("sh", "elsewhere"),
                "{page}: {first}"
            );
            elsewhere.push((page.clone(), first.to_owned()));
        }
    }
    for (page, beginning, why) in ELSEWHERE {
        let found = elsewhere
            .iter()
            .position(|(on, line)| on == page && line.starts_with(beginning));
        let found = found.with_context(|| format!("{page} has no {beginning} ({why})"))?;
        elsewhere.remove(found);
    }
    assert!(
        elsewhere.is_empty(),
        "no table says what becomes of {elsewhere:?}"
    );
    Ok(())
}
