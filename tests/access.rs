//! Who may call, and how much they may use: keys and workspaces by the built command, limits across kills.

use std::path::Path;

use anyhow::Context as _;
use postern_domain::Scope;
use postern_testkit::{DEADLINE, DaemonOptions, TestDaemon, TestSandbox, text};
use serde_json::json;
use tokio::process::Command;

use crate::{CONTACT, OWNER, postern};

const LIMITS: &str = include_str!("../docs/limits.md");
const SECURITY: &str = include_str!("../docs/security.md");
const PLANS: &str = include_str!("../config/postern.toml");

/// Runs a script in which `postern` is the built command and knows the daemon; answers what it printed.
async fn run(daemon: &TestDaemon, script: &str) -> anyhow::Result<String> {
    let program = Path::new(env!("CARGO_BIN_EXE_postern"));
    let programs = program.parent().and_then(Path::to_str).context("a folder")?;
    let mut shell = Command::new("bash");
    shell
        .arg("-c")
        .arg(format!("set -e\nPATH=\"{programs}:$PATH\"\n{script}"))
        .env("POSTERN_URL", daemon.http().base())
        .env("POSTERN_API_KEY", daemon.key())
        .kill_on_drop(true);
    let output = tokio::time::timeout(DEADLINE, shell.output()).await??;
    let complaint = String::from_utf8(output.stderr)?;
    anyhow::ensure!(output.status.success(), "{complaint}");
    Ok(String::from_utf8(output.stdout)?)
}

async fn started(options: DaemonOptions) -> anyhow::Result<(TestSandbox, TestDaemon)> {
    let network = TestSandbox::start(&postern()).await?;
    let daemon = TestDaemon::start_with(&postern(), &network, options).await?;
    Ok((network, daemon))
}

/// The first example of each page, as a reader would type it: what the page says is printed, in its order.
#[tokio::test]
async fn the_examples_on_keys_and_limits_run() -> anyhow::Result<()> {
    let (_network, daemon) = started(DaemonOptions::default()).await?;
    for page in [LIMITS, SECURITY] {
        let (_, example) = page.split_once("```sh\n").context("an example")?;
        let (example, _) = example.split_once("```").context("its end")?;
        let said = run(&daemon, example).await?;
        let mut rest = said.as_str();
        for promise in example.lines().filter_map(|line| Some(line.split_once("# ")?.1)) {
            for part in promise.split('…').map(str::trim) {
                let found = rest.find(part);
                rest = &rest[found.with_context(|| format!("no {part} in its place in:\n{said}"))?..];
            }
        }
    }
    Ok(())
}

#[test]
fn the_pages_name_every_scope_and_plan_as_they_are() {
    for scope in Scope::ALL {
        let row = format!("| `{scope}` | {} |", scope.meaning());
        assert!(SECURITY.contains(&row), "{row}");
    }
    let plans = PLANS.split_once("\n[plans]\n").map(|(_, rest)| rest);
    let plans = plans
        .and_then(|rest| rest.split("\n[").next())
        .unwrap_or_default();
    let mut count = 0;
    for line in plans
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
    {
        let (name, values) = line.split_once(" = ").expect("a plan");
        let row = format!("| `{name}` |");
        let row = LIMITS.lines().find(|line| line.starts_with(&row)).expect(line);
        let row = row.replace(',', "").replace("no limit", "0");
        let row = row.replace("yes", "true").replace("no", "false");
        let shown: Vec<_> = row.split('|').map(str::trim).skip(2).take(6).collect();
        let values = values.trim_matches(['{', '}', ' ']).split(", ");
        let values: Vec<_> = values
            .filter_map(|value| Some(value.split_once(" = ")?.1))
            .collect();
        assert_eq!(shown, values, "{name}");
        count += 1;
    }
    assert_eq!(count, 6);
}

#[tokio::test]
async fn a_revoked_key_is_refused_at_once() -> anyhow::Result<()> {
    let (_network, mut daemon) = started(DaemonOptions::default()).await?;
    let key = run(&daemon, "postern keys create reader --scope devices:read").await?;
    anyhow::ensure!(key.starts_with("sk_test_"), "made by a daemon on a sandbox");
    let reader = daemon.http().with_key(Some(key.trim()));
    assert_eq!(reader.get("/v1/devices").await?.status, 200);
    let refused = reader.get("/v1/messages").await?;
    assert_eq!(refused.status, 403);
    run(&daemon, "postern keys revoke reader").await?;
    assert_eq!(reader.get("/v1/devices").await?.status, 401);
    daemon.kill().await?;
    daemon.restart().await?;
    let reader = daemon.http().with_key(Some(key.trim()));
    assert_eq!(reader.get("/v1/devices").await?.status, 401);
    Ok(())
}

#[tokio::test]
async fn a_quota_survives_a_kill() -> anyhow::Result<()> {
    let options = DaemonOptions::default().set("PLANS__UNLIMITED__MESSAGES_PER_MONTH", "5");
    let (network, mut daemon) = started(options).await?;
    let device = daemon.link_device(&network, OWNER).await?;
    for number in 0..5 {
        daemon.send_text(&device, CONTACT, &number.to_string()).await?;
        if number % 2 == 0 {
            daemon.kill().await?;
            daemon.restart().await?;
            daemon.device_becomes(&device, "connected").await?;
        }
    }
    let refused = daemon
        .http()
        .post("/v1/messages", &text(&device, CONTACT, "one more"))
        .await?;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.json()?["error"]["code"], "QUOTA_EXCEEDED");
    let usage = daemon.http().get("/v1/usage").await?.ok()?;
    assert_eq!(
        usage["messages"],
        json!({ "used": 5, "limit": 5, "remaining": 0 })
    );
    network.contact_has(CONTACT, 5).await?;
    Ok(())
}

#[tokio::test]
async fn a_limited_key_is_told_what_is_left() -> anyhow::Result<()> {
    let options = DaemonOptions::default().set("PLANS__UNLIMITED__REQUESTS_PER_MINUTE", "2");
    let (_network, daemon) = started(options).await?;
    for remaining in ["1", "0"] {
        let answer = daemon.http().get("/v1/devices").await?;
        assert_eq!(
            (answer.status.as_u16(), answer.header("x-ratelimit-remaining")),
            (200, remaining)
        );
    }
    let refused = daemon.http().get("/v1/devices").await?;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.json()?["error"]["code"], "RATE_LIMITED");
    assert!(refused.header("retry-after").parse::<u64>()? > 0);
    Ok(())
}
