//! Batches and whole files of messages: everything arrives once and in order, whatever is killed on the way.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::Context as _;
use postern_testkit::{DEADLINE, TestDaemon, TestSandbox, eventually};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::{CONTACT, linked, postern};

/// A batch of texts to one contact.
fn batch(device: &str, texts: &[String]) -> Value {
    let message = |text: &String| json!({ "to": CONTACT, "type": "text", "text": { "body": text } });
    json!({ "deviceId": device, "messages": texts.iter().map(message).collect::<Vec<_>>() })
}

fn numbered(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("number {number}")).collect()
}

/// Waits until the contact has as many messages as `expected`, and compares them.
async fn arrives(network: &TestSandbox, expected: &[String]) -> anyhow::Result<()> {
    let received = network.contact_has(CONTACT, expected.len()).await?;
    let texts: Vec<_> = received
        .iter()
        .filter_map(|message| message["text"].as_str())
        .collect();
    assert_eq!(texts, expected);
    Ok(())
}

#[tokio::test]
async fn a_batch_arrives_in_its_order_and_is_finished() -> anyhow::Result<()> {
    let (network, daemon, device) = linked().await?;
    let texts = numbered(200);
    let answer = daemon
        .http()
        .post("/v1/messages/batch", &batch(&device, &texts))
        .await?;
    assert_eq!(answer.status, 202);
    let accepted = answer.ok()?;
    assert_eq!(accepted["queued"], 200);
    arrives(&network, &texts).await?;
    let path = format!("/v1/batches/{}", accepted["batchId"].as_str().unwrap_or_default());
    let read = eventually("all of the batch is read", || async {
        let batch = daemon.http().get(&path).await?.ok()?;
        Ok((batch["counts"]["read"] == 200).then_some(batch))
    })
    .await?;
    assert_eq!(
        (&read["finished"], &read["failedCount"]),
        (&json!(true), &json!(0))
    );
    Ok(())
}

#[tokio::test]
async fn a_batch_survives_a_kill_and_every_message_arrives_once() -> anyhow::Result<()> {
    let (network, mut daemon, device) = linked().await?;
    let texts = numbered(200);
    let body = batch(&device, &texts);
    let send = |daemon: &TestDaemon| {
        let http = daemon.http().clone();
        let request = http.request(reqwest::Method::POST, "/v1/messages/batch");
        let request = request.header("Idempotency-Key", "before the kill").json(&body);
        async move { http.send(request).await }
    };
    let first = send(&daemon).await?;
    daemon.kill().await?;
    assert_eq!(first.status, 202);
    daemon.restart().await?;
    let again = send(&daemon).await?;
    assert_eq!(
        (again.header("idempotency-replayed"), &again.body),
        ("true", &first.body)
    );
    arrives(&network, &texts).await?;
    let accepted = first.json()?;
    let last = accepted["items"][199]["id"].as_str().context("an id")?;
    daemon.message_reaches(last, "read").await?;
    assert_eq!(network.received_by(CONTACT).await?.len(), 200);
    Ok(())
}

#[tokio::test]
async fn a_canceled_batch_does_not_arrive() -> anyhow::Result<()> {
    let (network, daemon, device) = linked().await?;
    let paused = format!("/v1/devices/{device}/pause");
    daemon.http().post(&paused, &json!({})).await?.ok()?;
    daemon.device_becomes(&device, "disconnected").await?;
    let mut body = batch(&device, &numbered(20));
    body["ifDisconnected"] = json!("queue");
    let accepted = daemon.http().post("/v1/messages/batch", &body).await?.ok()?;
    let path = format!("/v1/batches/{}", accepted["batchId"].as_str().unwrap_or_default());
    let canceled = daemon
        .http()
        .post(&format!("{path}/cancel"), &json!({}))
        .await?
        .ok()?;
    assert_eq!(canceled, json!({ "messages": 20 }));
    let resumed = format!("/v1/devices/{device}/resume");
    daemon.http().post(&resumed, &json!({})).await?.ok()?;
    daemon.device_becomes(&device, "connected").await?;
    daemon.send_text(&device, CONTACT, "after it").await?;
    arrives(&network, &["after it".to_owned()]).await
}

/// `postern send` with these arguments, for this daemon.
fn send_command(daemon: &TestDaemon, arguments: &[&str]) -> Command {
    let mut command = postern().command(&["send"]);
    command.args(arguments).stdin(Stdio::null());
    command.env("POSTERN_URL", daemon.http().base());
    command.env("POSTERN_API_KEY", daemon.key());
    command
}

/// Runs it to its end; answers its code, and what went to standard output and to standard error.
async fn run(mut command: Command) -> anyhow::Result<(Option<i32>, String, String)> {
    let ended = tokio::time::timeout(DEADLINE, command.output()).await;
    let output = ended.context("it does not end")??;
    let text = |bytes| Ok::<_, anyhow::Error>(String::from_utf8(bytes)?);
    Ok((output.status.code(), text(output.stdout)?, text(output.stderr)?))
}

/// A file of rows to one contact, each with its number.
fn csv(folder: &Path, rows: usize) -> anyhow::Result<PathBuf> {
    let mut content = "to,name,number\n".to_owned();
    for number in 0..rows {
        writeln!(content, "{CONTACT},\"Ada, {number}\",{number}")?;
    }
    let path = folder.join("rows.csv");
    std::fs::write(&path, content)?;
    Ok(path)
}

const TEMPLATE: &str = "number {number}";

#[tokio::test]
async fn a_run_that_is_killed_is_resumed_and_sends_each_row_once() -> anyhow::Result<()> {
    let (network, daemon, _device) = linked().await?;
    let folder = tempfile::tempdir()?;
    let path = csv(folder.path(), 400)?;
    let path = path.to_str().context("a plain path")?;
    let arguments = [
        "--csv",
        path,
        "--template",
        TEMPLATE,
        "--batch-size",
        "1",
        "--json",
    ];
    let mut killed = send_command(&daemon, &arguments);
    let mut killed = killed.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    eventually("a row is accepted", || async {
        let list = daemon.http().get("/v1/messages?limit=1").await?.ok()?;
        Ok((list["data"].as_array().map(Vec::len) == Some(1)).then_some(()))
    })
    .await?;
    killed.kill().await?;
    assert!(!killed.wait().await?.success(), "it was not finished yet");

    let (code, out, err) = run(send_command(&daemon, &arguments)).await?;
    assert_eq!(code, Some(0), "{err}");
    let summary: Value = serde_json::from_str(&out)?;
    assert_eq!(
        (&summary["rows"], &summary["accepted"]),
        (&json!(400), &json!(400))
    );
    let earlier = summary["acceptedEarlier"].as_u64().context("a number")?;
    assert!((1..400).contains(&earlier), "{summary}");
    assert_eq!(summary["batches"].as_array().map(Vec::len), Some(400));
    arrives(&network, &numbered(400)).await?;

    // Once more: everything was accepted, nothing is sent, and the line at the end says so.
    let (code, out, err) = run(send_command(&daemon, &arguments[..6])).await?;
    assert_eq!(code, Some(0), "{err}");
    assert_eq!(
        out,
        "400 messages accepted in 400 batches, 400 of them by an earlier run\n"
    );
    assert_eq!(
        err.lines().count(),
        400,
        "a line for each batch where there is no terminal: {err}"
    );
    // Any other division of the rows would be another run.
    let mut other = arguments;
    other[5] = "4";
    let (code, _, err) = run(send_command(&daemon, &other)).await?;
    assert_eq!(code, Some(1));
    assert!(
        err.contains("lines 2 to 5") && err.contains("batch size"),
        "{err}"
    );
    assert_eq!(network.received_by(CONTACT).await?.len(), 400);
    Ok(())
}

#[tokio::test]
async fn a_file_with_a_bad_row_sends_nothing() -> anyhow::Result<()> {
    let (network, daemon, _device) = linked().await?;
    let folder = tempfile::tempdir()?;
    let path = csv(folder.path(), 3)?;
    let content = std::fs::read_to_string(&path)?;
    std::fs::write(&path, content + "hello,Ada,3\n")?;
    let path = path.to_str().context("a plain path")?;
    for (template, said) in [
        (TEMPLATE, "line 5: the recipient: "),
        (
            "Hi {nmae}",
            "{nmae}, and the file has no such column; it has to, name, number",
        ),
    ] {
        let (code, out, err) = run(send_command(&daemon, &["--csv", path, "--template", template])).await?;
        assert_eq!((code, out.as_str()), (Some(2), ""));
        assert!(err.contains(said), "{err}");
    }
    let list = daemon.http().get("/v1/messages").await?.ok()?;
    assert_eq!(list["data"], json!([]));
    assert!(network.received_by(CONTACT).await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_dry_run_of_a_file_uses_nothing_up() -> anyhow::Result<()> {
    let (network, daemon, device) = linked().await?;
    let folder = tempfile::tempdir()?;
    let path = csv(folder.path(), 5)?;
    let path = path.to_str().context("a plain path")?;
    let arguments = [
        "--csv",
        path,
        "--template",
        TEMPLATE,
        "--device",
        "test",
        "--run",
        "one",
        "--dry-run",
    ];
    let (code, out, err) = run(send_command(&daemon, &arguments)).await?;
    assert_eq!(
        (code, out.as_str()),
        (Some(0), "5 messages would be accepted; nothing was sent\n"),
        "{err}"
    );
    let (code, out, _) = run(send_command(&daemon, &arguments[..8])).await?;
    assert_eq!(code, Some(0));
    assert!(out.starts_with("5 messages accepted in 1 batch: bat_"), "{out}");
    arrives(&network, &numbered(5)).await?;
    let (code, _, _) = run(send_command(
        &daemon,
        &["--csv", path, "--template", "again {number}", "--run", "two"],
    ))
    .await?;
    assert_eq!(code, Some(0), "another run sends the file again");
    assert_eq!(network.contact_has(CONTACT, 10).await?.len(), 10);

    // What the daemon refuses is said of lines, and without --queue nothing waits for a device that is away.
    daemon
        .http()
        .post(&format!("/v1/devices/{device}/pause"), &json!({}))
        .await?
        .ok()?;
    daemon.device_becomes(&device, "disconnected").await?;
    let away = ["--csv", path, "--template", TEMPLATE, "--run", "three"];
    let (code, _, err) = run(send_command(&daemon, &away)).await?;
    assert_eq!(code, Some(1));
    assert!(
        err.contains("lines 2 to 6: line 2") && err.contains("disconnected (stopped)"),
        "{err}"
    );
    let (code, _, err) = run(send_command(&daemon, &[&away[..], &["--queue"]].concat())).await?;
    assert_eq!(code, Some(0), "{err}");
    Ok(())
}

#[tokio::test]
async fn a_single_message_is_sent_and_a_key_sends_it_once() -> anyhow::Result<()> {
    let (network, daemon, _device) = linked().await?;
    let arguments = ["--to", CONTACT, "--text", "hello", "--key", "order-1"];
    let (code, out, err) = run(send_command(&daemon, &arguments)).await?;
    assert_eq!(code, Some(0), "{err}");
    let id = out.split_whitespace().next().unwrap_or_default();
    assert_eq!(out, format!("{id} is queued for {CONTACT}\n"));
    daemon.message_reaches(id, "read").await?;
    let (_, out, _) = run(send_command(&daemon, &arguments)).await?;
    assert_eq!(out, format!("{id} was accepted before for {CONTACT}\n"));
    let (code, out, _) = run(send_command(
        &daemon,
        &["--to", CONTACT, "--text", "more", "--json"],
    ))
    .await?;
    assert_eq!(
        (code, &serde_json::from_str::<Value>(&out)?["status"]),
        (Some(0), &json!("queued"))
    );
    arrives(&network, &["hello".to_owned(), "more".to_owned()]).await
}
