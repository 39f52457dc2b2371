//! `postern webhooks …` as an operator uses it: the built command against a running daemon and an endpoint.

use std::process::Stdio;

use anyhow::Context as _;
use postern_testkit::{DEADLINE, DaemonOptions, Reply, TestDaemon, TestSandbox, WebhookSink, eventually};
use serde_json::{Value, json};

use crate::{CONTACT, OWNER, postern};

/// An endpoint on this machine is blocked unless it is allowed.
pub(crate) fn loopback_allowed() -> DaemonOptions {
    DaemonOptions::default()
        .set("WEBHOOKS__ALLOW", "127.0.0.1")
        .set("WEBHOOKS__ALLOW_HTTP", "true")
}

/// Exit code, standard output and standard error of `postern webhooks` with these arguments.
async fn run(daemon: &TestDaemon, arguments: &[&str]) -> anyhow::Result<(Option<i32>, String, String)> {
    let mut command = postern().command(&["webhooks"]);
    command.args(arguments).stdin(Stdio::null());
    command
        .env("POSTERN_URL", daemon.http().base())
        .env("POSTERN_API_KEY", daemon.key());
    let ended = tokio::time::timeout(DEADLINE, command.output()).await;
    let output = ended.context("it does not end")??;
    Ok((
        output.status.code(),
        String::from_utf8(output.stdout)?,
        String::from_utf8(output.stderr)?,
    ))
}

/// Runs a command that must succeed; answers what went to standard output.
pub(crate) async fn done(daemon: &TestDaemon, arguments: &[&str]) -> anyhow::Result<String> {
    let (code, out, err) = run(daemon, arguments).await?;
    anyhow::ensure!(code == Some(0), "{arguments:?}: {code:?}: {err}");
    Ok(out)
}

/// Runs a command that must fail with `code`; answers what went to standard error.
async fn refused(daemon: &TestDaemon, arguments: &[&str], expected: i32) -> anyhow::Result<String> {
    let (code, out, err) = run(daemon, arguments).await?;
    anyhow::ensure!(code == Some(expected), "{arguments:?}: {code:?}: {out}{err}");
    Ok(err)
}

/// The secret in what `postern webhooks add` printed.
pub(crate) fn secret_of(added: &str) -> anyhow::Result<String> {
    let secret = added.lines().find_map(|line| line.strip_prefix("secret  "));
    Ok(secret.context("no secret")?.to_owned())
}

#[tokio::test]
async fn an_endpoint_goes_from_add_to_remove() -> anyhow::Result<()> {
    let network = TestSandbox::start(&postern()).await?;
    let daemon = TestDaemon::start_with(&postern(), &network, loopback_allowed()).await?;
    let sink = WebhookSink::start().await?;
    let url = sink.url("/hook");
    let (code, out, err) = run(&daemon, &["list"]).await?;
    assert_eq!((code, out.lines().count()), (Some(0), 1), "{out}");
    assert!(err.contains("postern webhooks add"), "{err}");

    let types = [
        "--types",
        "message.sent,message.failed",
        "--header",
        "X-Tenant: 7",
    ];
    let settings = ["--description", "orders", "--rate-cap", "600", "--ordered"];
    let added = done(&daemon, &[&["add", &url][..], &types, &settings].concat()).await?;
    let id = added
        .lines()
        .next()
        .unwrap_or_default()
        .trim_start_matches("id")
        .trim()
        .to_owned();
    assert!(
        id.starts_with("whk_") && secret_of(&added)?.starts_with("whsec_"),
        "{added}"
    );
    for named in [id.as_str(), "orders", &url] {
        let shown = done(&daemon, &["show", named]).await?;
        for part in [
            &*id,
            &url,
            "enabled",
            "message.sent, message.failed",
            "X-Tenant",
            "600 a minute",
        ] {
            assert!(shown.contains(part), "no {part}: {shown}");
        }
        let json: Value = serde_json::from_str(&done(&daemon, &["show", named, "--json"]).await?)?;
        assert_eq!(
            json,
            daemon.http().get(&format!("/v1/webhooks/{id}")).await?.ok()?
        );
    }
    let list = done(&daemon, &["list"]).await?;
    let row: Vec<_> = list
        .lines()
        .nth(1)
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    assert_eq!(row, [&*id, "enabled", "-", "0", "0", &url], "{list}");

    let tested = done(&daemon, &["test", "orders"]).await?;
    assert!(
        tested.contains("took message.received") && tested.contains("204"),
        "{tested}"
    );
    let last = sink.received().pop().context("nothing came")?;
    assert_eq!(
        (last.kind().as_str(), last.header("x-tenant")),
        ("message.received", "7")
    );
    sink.behave(|_| Reply::Answer(500, Vec::new(), b"out of order".to_vec()));
    let complaint = refused(&daemon, &["test", "orders", "--type", "message.sent"], 1).await?;
    assert!(
        complaint.contains("500") && complaint.contains("out of order"),
        "{complaint}"
    );
    refused(&daemon, &["test", "orders", "--type", "message.flown"], 1).await?;

    let rotated = done(&daemon, &["rotate-secret", "orders", "--overlap-hours", "1"]).await?;
    assert!(
        rotated.starts_with("whsec_") && !added.contains(rotated.trim()),
        "{rotated}"
    );
    assert!(done(&daemon, &["show", "orders"]).await?.contains("old secret"));

    let disabled = done(&daemon, &["disable", "orders"]).await?;
    assert!(disabled.contains("disabled (operator)"), "{disabled}");
    let complaint = refused(&daemon, &["replay", "orders", "--failed"], 1).await?;
    assert!(complaint.contains("disabled"), "{complaint}");
    assert!(done(&daemon, &["enable", "orders"]).await?.contains("is enabled"));

    let complaint = refused(&daemon, &["remove", "orders"], 2).await?;
    assert!(complaint.contains("--yes"), "{complaint}");
    done(&daemon, &["remove", "orders", "--yes"]).await?;
    let complaint = refused(&daemon, &["show", &url], 1).await?;
    assert!(complaint.contains("postern webhooks list"), "{complaint}");
    Ok(())
}

#[tokio::test]
async fn an_endpoint_that_is_not_ready_is_refused_with_the_reason() -> anyhow::Result<()> {
    let network = TestSandbox::start(&postern()).await?;
    let daemon = TestDaemon::start(&postern(), &network).await?;
    let complaint = refused(&daemon, &["add", "https://127.0.0.1:1/hook"], 1).await?;
    assert!(
        complaint.contains("url") && complaint.contains("does not allow"),
        "{complaint}"
    );
    let complaint = refused(&daemon, &["add", "http://example.com/hook"], 1).await?;
    assert!(complaint.contains("https://"), "{complaint}");

    let daemon = TestDaemon::start_with(&postern(), &network, loopback_allowed()).await?;
    let complaint = refused(&daemon, &["add", "http://127.0.0.1:1/hook"], 1).await?;
    assert!(
        complaint.contains("No connection") && complaint.contains("webhook.challenge"),
        "{complaint}"
    );
    // The API of a daemon is no endpoint that wants to be sent to.
    let itself = format!("{}/v1/messages", daemon.http().base());
    let complaint = refused(&daemon, &["add", &itself], 1).await?;
    assert!(complaint.contains("401"), "{complaint}");
    Ok(())
}

#[tokio::test]
async fn what_failed_is_seen_and_sent_again() -> anyhow::Result<()> {
    let network = TestSandbox::start(&postern()).await?;
    let options = loopback_allowed().set("WEBHOOKS__RETRY_SECONDS", "0,0");
    let daemon = TestDaemon::start_with(&postern(), &network, options).await?;
    let device = daemon.link_device(&network, OWNER).await?;
    let sink = WebhookSink::start().await?;
    let url = sink.url("/hook");
    done(&daemon, &["add", &url, "--types", "message.accepted"]).await?;
    sink.behave(|_| Reply::Answer(500, Vec::new(), b"out of order".to_vec()));
    let text = json!({ "deviceId": device, "to": CONTACT, "type": "text", "text": { "body": "hi" } });
    daemon.http().post("/v1/messages", &text).await?.ok()?;
    let parked = || async {
        let shown = done(&daemon, &["show", &url]).await?;
        Ok(shown
            .contains("0 waiting for another try, 1 parked")
            .then_some(shown))
    };
    let shown = eventually("the event is given up", parked).await?;
    assert!(shown.contains("failing"), "{shown}");

    let attempts = done(&daemon, &["attempts", &url, "--failed"]).await?;
    assert_eq!(attempts.lines().count(), 4, "a title and three tries: {attempts}");
    assert!(
        attempts.contains("failed (status)") && attempts.contains(" 500 "),
        "{attempts}"
    );
    let lines = done(&daemon, &["attempts", &url, "--limit", "1", "--json"]).await?;
    let last: Value = serde_json::from_str(&lines)?;
    assert_eq!(
        (&last["number"], &last["response"], &last["nextTryAt"]),
        (&json!(3), &json!("out of order"), &Value::Null)
    );

    sink.behave(|_| Reply::status(204));
    let event = last["eventId"].as_str().context("no event")?.to_owned();
    let replayed = done(&daemon, &["replay", &url, "--failed"]).await?;
    assert!(
        replayed.contains("done") && replayed.contains("1 events"),
        "{replayed}"
    );
    let arrived = || async {
        let came = sink
            .received()
            .into_iter()
            .filter(|request| request.id() == event);
        Ok((came.count() == 4).then_some(()))
    };
    eventually("it came again under its id", arrived).await?;
    let healed = || async {
        let shown = done(&daemon, &["show", &url]).await?;
        Ok((shown.contains("0 parked") && shown.contains("enabled")).then_some(()))
    };
    eventually("nothing is parked", healed).await?;

    done(&daemon, &["replay", &url, "--event", &event, "--wait", "0"]).await?;
    let again = || async {
        let came = sink
            .received()
            .into_iter()
            .filter(|request| request.id() == event);
        Ok((came.count() == 5).then_some(()))
    };
    eventually("it came once more", again).await
}
