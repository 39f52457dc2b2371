//! What is counted, who may read it, and that it names nobody.

use anyhow::Context as _;
use postern_testkit::{Answer, DaemonOptions, Http, TestDaemon, TestSandbox, eventually};
use reqwest::Method;

use crate::{CONTACT, OWNER, postern};

const TOKEN: &str = "a-token-that-nobody-guesses";

async fn started(options: DaemonOptions) -> anyhow::Result<(TestSandbox, TestDaemon)> {
    let network = TestSandbox::start(&postern()).await?;
    let daemon = TestDaemon::start_with(&postern(), &network, options).await?;
    Ok((network, daemon))
}

async fn scrape(http: &Http) -> anyhow::Result<String> {
    let answer = http.get("/metrics").await?;
    anyhow::ensure!(answer.status == 200, "{answer:?}");
    Ok(String::from_utf8(answer.body)?)
}

/// The value of a series, by its name with its labels.
fn value(text: &str, series: &str) -> Option<f64> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))?;
    line.parse().ok()
}

#[tokio::test]
async fn a_message_is_counted_at_every_step_and_names_nobody() -> anyhow::Result<()> {
    // An ack that takes long must not become a second attempt.
    let options = DaemonOptions::default().set("SESSIONS__ACK_TIMEOUT", "300");
    let (network, daemon) = started(options.set("METRICS__TOKEN", TOKEN)).await?;
    let device = daemon.link_device(&network, OWNER).await?;
    let message = daemon.send_text(&device, CONTACT, "nobody reads this").await?;
    daemon.message_reaches(&message, "read").await?;
    network.write(CONTACT, OWNER, "nor this").await?;
    let lost = daemon.http().get("/v1/messages/msg_nothing").await?;
    assert_eq!(lost.status, 404);

    let reader = daemon.http().with_key(Some(TOKEN));
    let expected = [
        ("postern_messages_accepted_total", 1.0),
        (r#"postern_message_statuses_total{status="queued"}"#, 1.0),
        (r#"postern_message_statuses_total{status="processing"}"#, 1.0),
        (r#"postern_message_statuses_total{status="read"}"#, 1.0),
        (r#"postern_message_statuses_total{status="received"}"#, 1.0),
        ("postern_accept_seconds_count", 1.0),
        ("postern_message_sent_seconds_count", 1.0),
        ("postern_message_delivered_seconds_count", 1.0),
        (r#"postern_devices{state="connected"}"#, 1.0),
        (r#"postern_outbox_messages{lane="ready"}"#, 0.0),
        (
            r#"postern_http_request_seconds_count{method="POST",route="/v1/messages",status="2xx"}"#,
            1.0,
        ),
        ("postern_tables_readable", 1.0),
    ];
    for (series, count) in expected {
        eventually(&format!("{series} is {count}"), || async {
            let text = scrape(&reader).await?;
            Ok((value(&text, series) == Some(count)).then_some(()))
        })
        .await?;
    }
    let text = scrape(&reader).await?;
    let route = r#"postern_http_request_seconds_count{method="GET",route="/v1/messages/{id}",status="4xx"}"#;
    assert_eq!(value(&text, route), Some(1.0), "{text}");
    let commits = r#"postern_writer_commit_seconds_count{database="postern"}"#;
    assert!(value(&text, commits) > Some(0.0), "{text}");
    for secret in [
        OWNER.trim_start_matches('+'),
        CONTACT.trim_start_matches('+'),
        &device,
        &message,
        "nobody reads this",
        TOKEN,
    ] {
        assert!(!text.contains(secret), "{secret} is in {text}");
    }
    Ok(())
}

#[tokio::test]
async fn the_token_is_asked_for_and_nothing_else_will_do() -> anyhow::Result<()> {
    let options = DaemonOptions::default().set("METRICS__TOKEN", TOKEN);
    let (_network, daemon) = started(options).await?;
    let wrong = [
        None,
        Some(daemon.key()),
        Some(""),
        Some("a-token-that-nobody-guesseS"),
    ];
    for key in wrong {
        let answer = daemon.http().with_key(key).get("/metrics").await?;
        assert_eq!(answer.status, 401, "{key:?}");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        assert!(!text(&answer).contains("postern_"), "{answer:?}");
    }
    let reader = daemon.http().with_key(Some(TOKEN));
    let answer = reader.get("/metrics").await?;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("content-type"),
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    );
    // It opens nothing else, and other methods ask for nothing.
    assert_eq!(reader.get("/v1/devices").await?.status, 401);
    let posted = reader.send(reader.request(Method::POST, "/metrics")).await?;
    assert_eq!(posted.status, 405);
    Ok(())
}

#[tokio::test]
async fn without_a_token_only_an_address_of_their_own_serves_them() -> anyhow::Result<()> {
    let options = DaemonOptions::default().set("METRICS__LISTEN", "127.0.0.1:0");
    let (_network, mut daemon) = started(options).await?;
    assert_eq!(daemon.http().get("/metrics").await?.status, 404);
    let address = eventually("the address is told", || async {
        let lines = daemon.log();
        let told = lines.iter().find_map(|line| line.strip_prefix("metrics at "));
        Ok(told.map(|url| url.trim_end_matches("/metrics").to_owned()))
    })
    .await?;
    let reader = Http::new(address, None)?;
    let text = scrape(&reader).await?;
    assert!(text.ends_with("# EOF\n"), "{text}");
    assert_eq!(reader.get("/healthz").await?.status, 404);
    assert_eq!(daemon.terminate().await?, Some(0));
    Ok(())
}

#[tokio::test]
async fn nothing_is_served_unasked() -> anyhow::Result<()> {
    let (_network, daemon) = started(DaemonOptions::default()).await?;
    assert_eq!(daemon.http().get("/metrics").await?.status, 404);
    Ok(())
}

#[tokio::test]
async fn settings_that_would_show_them_to_everybody_are_refused() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().to_str().context("a plain path")?;
    for (key, value, named) in [
        ("POSTERN_METRICS__LISTEN", "0.0.0.0:0", "metrics.listen"),
        ("POSTERN_METRICS__LISTEN", "somewhere", "metrics.listen"),
        ("POSTERN_METRICS__TOKEN", "short", "metrics.token"),
        ("POSTERN_METRICS__TOKEN", "with a space in it", "metrics.token"),
    ] {
        let mut command = postern().command(&["serve", "--listen", "127.0.0.1:0", "--data-dir", data]);
        let output = command.env(key, value).output().await?;
        assert_eq!(output.status.code(), Some(2), "{key}={value}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(named) && !said.contains("short"), "{said}");
    }
    Ok(())
}

fn text(answer: &Answer) -> String {
    String::from_utf8_lossy(&answer.body).into_owned()
}
