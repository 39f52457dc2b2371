//! The examples run against a live daemon, as a reader would run them.

use std::path::Path;
use std::process::Stdio;

use postern_testkit::TestDaemon;
use tokio::process::Command;

use crate::{CONTACT, OWNER, linked, postern};

async fn run(
    program: &str,
    script: &str,
    daemon: &TestDaemon,
    more: &[(&str, &str)],
    arguments: &[&str],
) -> anyhow::Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../examples")
        .join(script);
    let mut command = Command::new(program);
    command
        .arg(path)
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
        .env("POSTERN_URL", daemon.http().base())
        .env("POSTERN_API_KEY", daemon.key());
    command.envs(more.iter().copied());
    let output = tokio::time::timeout(postern_testkit::DEADLINE, command.output()).await??;
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(
        output.status.success(),
        "{program} {script} ended with {}:\n{said}",
        output.status
    );
    Ok(())
}

#[tokio::test]
async fn python_sends() -> anyhow::Result<()> {
    let (network, daemon, device) = linked().await?;
    let settings = [("DEVICE_ID", device.as_str()), ("TO", CONTACT)];
    run(
        "python3",
        "python/send.py",
        &daemon,
        &settings,
        &["--wait", "from Python"],
    )
    .await?;
    assert_eq!(network.contact_has(CONTACT, 1).await?[0]["text"], "from Python");
    Ok(())
}

#[tokio::test]
async fn node_sends() -> anyhow::Result<()> {
    let (network, daemon, device) = linked().await?;
    let settings = [("DEVICE_ID", device.as_str()), ("TO", CONTACT)];
    run(
        "node",
        "node/send.mjs",
        &daemon,
        &settings,
        &["--wait", "from Node"],
    )
    .await?;
    assert_eq!(network.contact_has(CONTACT, 1).await?[0]["text"], "from Node");
    Ok(())
}

#[tokio::test]
async fn the_walkthrough_goes_from_device_to_read() -> anyhow::Result<()> {
    let network = postern_testkit::TestSandbox::start(&postern()).await?;
    let daemon = TestDaemon::start(&postern(), &network).await?;
    let sandbox = network.http().base().trim_end_matches("/sandbox/v1").to_owned();
    let settings = [
        ("SANDBOX_URL", sandbox.as_str()),
        ("TO", CONTACT),
        ("PHONE", OWNER),
    ];
    run("bash", "walkthrough.sh", &daemon, &settings, &[]).await?;
    assert_eq!(network.contact_has(CONTACT, 1).await?.len(), 1);
    Ok(())
}
