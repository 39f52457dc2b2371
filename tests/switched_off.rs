//! A deactivated workspace as its people meet it at the command line: refused with the reason and the way out, and nothing of
//! what was refused happens later.

use std::process::Stdio;

use anyhow::Context as _;
use postern_testkit::{DEADLINE, TestDaemon};
use serde_json::json;

use crate::{CONTACT, linked, postern};

const REASON: &str = "unpaid invoice 2026-10";

/// Runs `postern` with these arguments for this daemon; answers its exit code and what it said of its failure.
async fn command(daemon: &TestDaemon, arguments: &[&str]) -> anyhow::Result<(Option<i32>, String)> {
    let mut command = postern().command(arguments);
    command.stdin(Stdio::null());
    command.env("POSTERN_URL", daemon.http().base());
    command.env("POSTERN_API_KEY", daemon.key());
    let ended = tokio::time::timeout(DEADLINE, command.output()).await;
    let output = ended.context("it does not end")??;
    Ok((output.status.code(), String::from_utf8(output.stderr)?))
}

async fn switch(daemon: &TestDaemon, arguments: &[&str]) -> anyhow::Result<()> {
    let arguments = [&["workspace"], arguments].concat();
    let (code, said) = command(daemon, &arguments).await?;
    anyhow::ensure!(code == Some(0), "{arguments:?}: {said}");
    Ok(())
}

#[tokio::test]
async fn the_command_line_is_refused_with_the_reason_and_nothing_is_done() -> anyhow::Result<()> {
    let (network, daemon, device) = linked().await?;
    let own = daemon.http().get("/v1/workspace").await?.ok()?;
    let own = own["id"].as_str().context("an id")?.to_owned();
    let folder = tempfile::tempdir()?;
    let rows = folder.path().join("rows.csv");
    std::fs::write(&rows, format!("to,name\n{CONTACT},Ada\n"))?;
    let rows = rows.to_str().context("a plain path")?;
    switch(&daemon, &["deactivate", &own, "--reason", REASON]).await?;

    let send = ["send", "--to", CONTACT, "--text", "refused"];
    let to_all = ["send", "--csv", rows, "--template", "refused {name}"];
    let sends = [send.as_slice(), &to_all].map(|arguments| [arguments, &["--device", &device]].concat());
    let asked: [&[&str]; 10] = [
        &send,
        &to_all,
        &sends[0],
        &sends[1],
        &["device", "list"],
        &["device", "show", &device],
        &["device", "add", "another"],
        &["device", "pause", &device],
        &["device", "logout", &device],
        &["device", "remove", &device, "--yes"],
    ];
    for arguments in asked {
        let (code, said) = command(&daemon, arguments).await?;
        anyhow::ensure!(code == Some(1), "{arguments:?}: {code:?} {said}");
        for part in ["deactivated", REASON, "to activate it"] {
            anyhow::ensure!(said.contains(part), "{arguments:?}: {said}");
        }
    }

    switch(&daemon, &["activate", &own]).await?;
    daemon.device_becomes(&device, "connected").await?;
    let devices = daemon.http().get("/v1/devices").await?.ok()?;
    assert_eq!(devices["data"].as_array().map(Vec::len), Some(1), "{devices}");
    let sent = daemon.http().get("/v1/messages").await?.ok()?;
    assert_eq!(sent["data"], json!([]));
    // Whatever was to leave would have left before this, which has the same way.
    let after = daemon.send_text(&device, CONTACT, "after it").await?;
    daemon.message_reaches(&after, "read").await?;
    assert_eq!(network.received_by(CONTACT).await?.len(), 1);
    Ok(())
}
