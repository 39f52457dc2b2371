//! The API against its own document: Schemathesis asks everything the document allows, and much that it does not.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use postern_testkit::{TestDaemon, TestSandbox, WebhookSink};
use serde_json::json;
use tokio::process::Command;

use crate::webhook_commands::loopback_allowed;
use crate::{CONTACT, OWNER, postern};

/// Thousands of requests to a debug build, on a machine that may have much else to do.
const DEADLINE: Duration = Duration::from_mins(20);

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The program as `tests/run` installs it.
fn program() -> Option<PathBuf> {
    let program = root().join("target/schemathesis/bin/schemathesis");
    if !program.exists() {
        println!("SKIPPED: Schemathesis is not installed (tests/run does it)");
        return None;
    }
    Some(program)
}

#[tokio::test]
async fn the_api_does_what_its_document_says() -> anyhow::Result<()> {
    let Some(program) = program() else {
        return Ok(());
    };
    let network = TestSandbox::start(&postern()).await?;
    let options = loopback_allowed()
        .set("LIMITS__FAILURES_PER_ADDRESS", "0")
        .set("REGISTRATION__ENABLED", "true")
        .set("WEBHOOKS__ALLOW_UNVERIFIED", "true");
    let daemon = TestDaemon::start_with(&postern(), &network, options).await?;
    let device = daemon.link_device(&network, OWNER).await?;
    let sink = WebhookSink::start().await?;
    let ours = furnish(&network, &daemon, &device, &sink).await?;
    let mut run = Command::new(program);
    run.args(["run", &format!("{}/openapi.json", daemon.http().base())])
        .current_dir(root().join("tests/schemathesis"))
        .env("POSTERN_URL", daemon.http().base())
        .env("POSTERN_API_KEY", daemon.key())
        .env("POSTERN_LINKED_DEVICE", &device)
        .env("POSTERN_OWN_IDS", ours)
        .env("POSTERN_WEBHOOK_SINK", sink.url("/hook"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = tokio::time::timeout(DEADLINE, run.output()).await??;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaint = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "{said}{complaint}");
    println!("{said}");
    Ok(())
}

/// Something of everything, so that lists are not empty. Answers what the run stands on: its key, workspace and device.
async fn furnish(
    network: &TestSandbox,
    daemon: &TestDaemon,
    device: &str,
    sink: &WebhookSink,
) -> anyhow::Result<String> {
    let message = daemon.send_text(device, CONTACT, "hello").await?;
    daemon.message_reaches(&message, "read").await?;
    network.write(CONTACT, OWNER, "hello yourself").await?;
    let one = json!({ "to": CONTACT, "type": "text", "text": { "body": "one of two" } });
    let batch = json!({ "deviceId": device, "messages": [one, one] });
    daemon.http().post("/v1/messages/batch", &batch).await?.ok()?;
    let webhook = json!({ "url": sink.url("/hook") });
    daemon.http().post("/v1/webhooks", &webhook).await?.ok()?;
    let workspace = daemon.http().get("/v1/workspace").await?.ok()?;
    let keys = daemon.http().get("/v1/api-keys").await?.ok()?;
    let workspace = workspace["id"].as_str().context("a workspace")?;
    let key = keys["data"][0]["id"].as_str().context("a key")?;
    Ok(format!("{workspace} {key} {device}"))
}
